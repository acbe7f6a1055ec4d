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

from deconvgen.ops.convolution.geometry import Geometry


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


def as_lax_pads(
    x: Num[Array, "n *space c"],
    w: Num[Array, "*kernel i o"],
    stride: Sequence[int],
    padding: str | Sequence[tuple[int, int]],
    spread: Sequence[int],
    dilation: Sequence[int],
    groups: int,
    precision: lax.PrecisionLike,
    preferred_element_type: DTypeLike | None,
) -> Num[Array, "n *out o"]:
    """The convolution of an image whose size only lax needs to know."""
    axes = ascii_lowercase[: len(stride)]
    return lax.conv_general_dilated(
        x,
        w,
        stride,
        padding,
        lhs_dilation=spread,
        rhs_dilation=dilation,
        dimension_numbers=(f"N{axes}C", f"{axes}IO", f"N{axes}C"),
        feature_group_count=groups,
        precision=precision,
        preferred_element_type=preferred_element_type,
    )


def gather(
    g: Geometry,
    precision: lax.PrecisionLike,
    x: Num[Array, "n *big cb"],
    w: Num[Array, "*kernel i cs"],
    preferred_element_type: DTypeLike | None = None,
) -> Num[Array, "n *small cs"]:
    """The strided convolution."""
    axes = ascii_lowercase[: len(g.stride)]
    return lax.conv_general_dilated(
        x,
        w,
        g.stride,
        list(zip(g.low, g.high)),
        rhs_dilation=g.dilation,
        dimension_numbers=(f"N{axes}C", f"{axes}IO", f"N{axes}C"),
        feature_group_count=g.groups,
        precision=precision,
        preferred_element_type=preferred_element_type,
    )


def scatter(
    g: Geometry,
    precision: lax.PrecisionLike,
    y: Num[Array, "n *small cs"],
    w: Num[Array, "*kernel i cs"],
    preferred_element_type: DTypeLike | None = None,
) -> Num[Array, "n *big cb"]:
    """A stride-1 convolution of the dilated small side with the mirrored kernel."""
    axes = ascii_lowercase[: len(g.stride)]
    reach = [d * (k - 1) for d, k in zip(g.dilation, g.kernel)]
    before = [r - p for r, p in zip(reach, g.low)]
    after = [
        m + r - b - (s * (n - 1) + 1 if n else 0)
        for m, r, b, n, s in zip(g.big, reach, before, g.small, g.stride)
    ]
    return lax.conv_general_dilated(
        y,
        mirrored(w, g.groups),
        (1,) * len(g.stride),
        list(zip(before, after)),
        lhs_dilation=g.stride,
        rhs_dilation=g.dilation,
        dimension_numbers=(f"N{axes}C", f"{axes}IO", f"N{axes}C"),
        feature_group_count=g.groups,
        precision=precision,
        preferred_element_type=preferred_element_type,
    )


def taps(
    g: Geometry,
    precision: lax.PrecisionLike,
    x: Num[Array, "n *big cb"],
    y: Num[Array, "n *small cs"],
) -> Num[Array, "*kernel i cs"]:
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
