"""Strided convolution of any geometry, with fast derivatives of every order.

Reverse mode, that is; forward mode (`jax.jvp`, `jax.hessian`) needs `impl="lax"`.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from jax import lax
from jax.typing import DTypeLike
from jaxtyping import Array, Num, Shaped

from deconvgen.core.errors import UserError
from deconvgen.ops.arguments import alike
from deconvgen.ops.convolution import derivatives as strided
from deconvgen.ops.convolution import direct, dispatch
from deconvgen.ops.convolution.geometry import (
    Geometry,
    Padding,
    Plan,
    cropped,
    divided,
    pairs,
    per_axis,
    spatial,
    strided_pads,
    unknown,
    with_one_batch_axis,
)
from deconvgen.ops.convolution.transposed import conv_transpose


def conv(
    x: Shaped[Array | np.ndarray, "*batch_and_space c"],
    kernel: Shaped[Array | np.ndarray, "*kernel i o"],
    strides: int | Sequence[int] = 1,
    padding: Padding = "SAME",
    *,
    input_dilation: int | Sequence[int] = 1,
    kernel_dilation: int | Sequence[int] = 1,
    feature_group_count: int = 1,
    precision: lax.PrecisionLike = None,
    preferred_element_type: DTypeLike | None = None,
    impl: str = "auto",
) -> Num[Array, "*batch_and_space_out o"]:
    """The strided convolution (cross-correlation) of channels-last images.

    The values of `jax.lax.conv_general_dilated`; see `conv_transpose`, of which it
    is the transpose, for what it shares with it.

    Args:
        x: [..., *space, c] with one spatial axis, two or three.
        kernel: [*kernel_size, c / groups, features].
        padding: "SAME", "VALID", or numbers, (low, high) along each axis.
        input_dilation: zeros are inserted into `x` for this distance, before padding.
        impl: as in `conv_transpose`.

    Returns:
        [..., *space_out, features], in the type that `x` and `kernel` promote to:
        integers beside floating-point numbers count as float32, alone they are added
        up exactly, in 32 bits at least.

    Raises:
        UserError: sizes, paddings or channels that do not fit together.

    >>> conv(x, jnp.ones((3, 3, 2, 8)), strides=2).shape
    (1, 2, 2, 8)
    """
    x, kernel = alike(x, kernel, preferred_element_type)
    rank = spatial(kernel.shape)
    stride = per_axis(strides, rank, "strides")
    dilation = per_axis(kernel_dilation, rank, "kernel_dilation")
    spread = per_axis(input_dilation, rank, "input_dilation")
    x, restore = with_one_batch_axis(x, rank)
    size, taps = x.shape[1:-1], kernel.shape[:rank]
    i, o = kernel.shape[-2:]
    divided(feature_group_count, x.shape[-1], o)
    if i * feature_group_count != x.shape[-1]:
        raise UserError(
            f"a kernel of shape {kernel.shape} on {x.shape[-1]} channels in "
            f"{feature_group_count} group(s): expected "
            "[*kernel_size, channels / groups, features]"
        )
    if unknown(size):
        y = direct.convolve(
            x,
            kernel,
            stride,
            padding if isinstance(padding, str) else pairs(padding, rank),
            spread,
            dilation,
            feature_group_count,
            precision,
            preferred_element_type,
        )
        return restore(y)
    spread_size = [d * (n - 1) + 1 for d, n in zip(spread, size)]
    pads = strided_pads(spread_size, taps, stride, dilation, padding)
    cropped(spread_size, pads, padding)
    if any(d > 1 for d in spread):
        if impl != "lax" and all(s == 1 for s in stride):
            y = conv_transpose(
                x,
                kernel,
                spread,
                pads,
                kernel_dilation=dilation,
                feature_group_count=feature_group_count,
                precision=precision,
                preferred_element_type=preferred_element_type,
                impl=impl,
            )
            return restore(y)
        zero = x.dtype.type(0)
        x = lax.pad(x, zero, [(0, 0, 0), *((0, 0, d - 1) for d in spread), (0, 0, 0)])
        size = x.shape[1:-1]
    out = tuple(
        max((n + lo + hi - d * (k - 1) - 1) // s + 1, 0)
        for n, (lo, hi), d, k, s in zip(size, pads, dilation, taps, stride)
    )
    geometry = Geometry(
        stride=stride,
        dilation=dilation,
        low=tuple(lo for lo, _ in pads),
        big=size,
        small=out,
        kernel=taps,
        groups=feature_group_count,
    )
    impl = dispatch.route(impl, geometry, x, kernel, preferred_element_type)
    if impl == "lax":
        y: Any = direct.gather(geometry, precision, x, kernel, preferred_element_type)
    else:
        y = strided.gather(Plan(geometry, precision, impl), *strided.alike(x, kernel))
    return restore(y)
