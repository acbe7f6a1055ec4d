"""Gather, scatter and taps as one lax convolution each, for any geometry.

These are the forms in which XLA knows the vendors' forward, backward-data and
backward-filter convolutions on GPU and TPU.
"""

from collections.abc import Sequence
from string import ascii_lowercase

import jax.numpy as jnp
from jax import lax
from jax.typing import DTypeLike
from jaxtyping import Array, Num

from deconvgen.ops.convolution.geometry import Big, Geometry, Kernel, Precision, Small

Kind = DTypeLike | None
"""The element type that shall come out; None: that of the arrays."""


def mirrored(
    w: Num[Array, "*kernel i o"], groups: int = 1
) -> Num[Array, "*kernel j p"]:
    """[*kernel, o / groups, i * groups]: flipped, inputs and outputs swapped.

    A strided convolution's kernel becomes that of the stride-1 convolution which
    transposes it, and back.
    """
    *kernel, i, o = w.shape
    w = jnp.flip(w, range(len(kernel))).reshape(*kernel, i, groups, o // groups)
    return w.swapaxes(-1, -3).reshape(*kernel, o // groups, groups * i)


def convolve(
    x: Num[Array, "n *space c"],
    w: Num[Array, "*kernel _ _"],
    stride: Sequence[int],
    padding: str | Sequence[tuple[int, int]],
    spread: Sequence[int],
    dilation: Sequence[int],
    groups: int,
    precision: Precision,
    kind: Kind = None,
    channels: str = "IO",
) -> Num[Array, "n *out _"]:
    """lax's own convolution of channels-last images, of any size.

    `channels`: which of the kernel's last axes is the input's, "IO" or "OI".
    """
    axes = ascii_lowercase[: len(stride)]
    return lax.conv_general_dilated(
        x,
        w,
        stride,
        padding,
        lhs_dilation=spread,
        rhs_dilation=dilation,
        dimension_numbers=(f"N{axes}C", f"{axes}{channels}", f"N{axes}C"),
        feature_group_count=groups,
        precision=precision,
        preferred_element_type=kind,
    )


def gather(
    g: Geometry, precision: Precision, x: Big, w: Kernel, kind: Kind = None
) -> Small:
    """The strided convolution."""
    pads, ones = list(zip(g.low, g.high)), (1,) * len(g.stride)
    return convolve(x, w, g.stride, pads, ones, g.dilation, g.groups, precision, kind)


def scatter(
    g: Geometry, precision: Precision, y: Small, w: Kernel, kind: Kind = None
) -> Big:
    """A stride-1 convolution of the dilated small side with the mirrored kernel.

    Of one group the kernel is turned and no more, its channels swapped by name: what
    XLA on a GPU knows as cuDNN's backward-data convolution.
    """
    reach = [d * (k - 1) for d, k in zip(g.dilation, g.kernel)]
    before = [r - p for r, p in zip(reach, g.low)]
    after = [
        m + r - b - (s * (n - 1) + 1 if n else 0)
        for m, r, b, n, s in zip(g.big, reach, before, g.small, g.stride)
    ]
    w, channels = (
        (lax.rev(w, range(len(reach))), "OI")
        if g.groups == 1
        else (mirrored(w, g.groups), "IO")
    )
    pads, ones = list(zip(before, after)), (1,) * len(reach)
    how = (g.stride, g.dilation, g.groups, precision, kind, channels)
    return convolve(y, w, ones, pads, *how)


def taps(g: Geometry, precision: Precision, x: Big, y: Small) -> Kernel:
    """The big side convolved with the dilated small side, summed over the batch."""
    axes = ascii_lowercase[: len(g.stride)]
    return lax.conv_general_dilated(
        x,
        y,
        g.dilation,
        list(zip(g.low, g.high)),
        rhs_dilation=g.stride,
        dimension_numbers=(f"C{axes}N", f"I{axes}O", f"{axes}NC"),
        batch_group_count=g.groups,
        precision=precision,
    )
