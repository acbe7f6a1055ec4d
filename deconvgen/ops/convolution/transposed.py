"""Transposed convolution of any geometry, with fast derivatives of every order.

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
    dilated_pads,
    divided,
    per_axis,
    spatial,
    strided_pads,
    unknown,
    with_one_batch_axis,
)


def conv_transpose(
    x: Shaped[Array | np.ndarray, "*batch_and_space c"],
    kernel: Shaped[Array | np.ndarray, "*kernel i o"],
    strides: int | Sequence[int] = 1,
    padding: Padding = "SAME",
    *,
    kernel_dilation: int | Sequence[int] = 1,
    transpose_kernel: bool = False,
    use_consistent_padding: bool = False,
    output_padding: int | Sequence[int] | None = None,
    output_shape: int | Sequence[int] | None = None,
    feature_group_count: int = 1,
    precision: lax.PrecisionLike = None,
    preferred_element_type: DTypeLike | None = None,
    impl: str = "auto",
) -> Num[Array, "*batch_and_space_out out"]:
    """The transposed (fractionally strided) convolution of channels-last images.

    Zero insertion by `strides`, zero padding, then a stride-1 convolution: the
    values of `jax.lax.conv_transpose` (Dumoulin & Visin 2016, section 4), without
    the multiplications by the inserted zeros.

    Args:
        x: [..., *space, c] with one spatial axis, two or three; any number of
            batch axes, none included.
        kernel: [*kernel_size, c / groups, features]; with `transpose_kernel` it is
            that of the strided convolution whose transpose this is,
            [*kernel_size, features / groups, c].
        padding: "SAME" (stride * n pixels out), "VALID" (stride * (n - 1) +
            max(kernel, stride) pixels), or numbers, (low, high) along each axis.
            The numbers pad the dilated input, so larger ones give more pixels;
            with `use_consistent_padding` they are the padding of the strided
            convolution, as in PyTorch, and larger ones give fewer.
        output_padding: pixels more at the high end, less than the stride.
        output_shape: or the spatial size of the result, one of those which the
            strided convolution brings back to the size of `x`.
        preferred_element_type: of the result, as in lax (always computed by lax).
        impl: "auto" takes the fastest exact form for the shape and the platform;
            "lax" is plain lax with its own derivatives (the only one for
            forward-mode differentiation), "direct" one lax convolution for each
            of the three sums of `deconvgen.ops.convolution.derivatives`.

    Returns:
        [..., *space_out, features], in the type that `x` and `kernel` promote to:
        integers beside floating-point numbers count as float32, alone they are added
        up exactly, in 32 bits at least.

    Raises:
        UserError: sizes, paddings or channels that do not fit together.

    >>> up = partial(conv_transpose, strides=2)
    >>> jax.eval_shape(up, x, jnp.ones((4, 4, 2, 8))).shape
    (1, 8, 8, 8)
    """
    x, kernel = alike(x, kernel, preferred_element_type)
    rank = spatial(kernel.shape)
    x, restore = with_one_batch_axis(x, rank)
    i, o = kernel.shape[-2:]
    divided(feature_group_count, x.shape[-1], o)
    channels = o if transpose_kernel else i * feature_group_count
    if channels != x.shape[-1]:
        raise UserError(
            f"a kernel of shape {kernel.shape} on {x.shape[-1]} channels in "
            f"{feature_group_count} group(s): expected [*kernel_size, "
            + ("features / groups, channels]" if transpose_kernel else "")
            + ("" if transpose_kernel else "channels / groups, features]")
        )
    stride = per_axis(strides, rank, "strides")
    dilation = per_axis(kernel_dilation, rank, "kernel_dilation")
    size, taps = x.shape[1:-1], kernel.shape[:rank]
    reach = [d * (k - 1) for d, k in zip(dilation, taps)]
    pads = dilated_pads(taps, stride, dilation, padding, use_consistent_padding)
    if unknown(size) and output_shape is not None:
        raise UserError("output_shape: expected an input of a size that is known")
    if unknown(size):
        more = _more(output_padding, stride, dilation)
        y = direct.convolve(
            x,
            direct.mirrored(kernel, feature_group_count)
            if transpose_kernel
            else kernel,
            (1,) * rank,
            [(lo, hi + e) for (lo, hi), e in zip(pads, more)],
            stride,
            dilation,
            feature_group_count,
            precision,
            preferred_element_type,
        )
        return restore(y)
    cropped([s * (n - 1) + 1 for s, n in zip(stride, size)], pads, padding)
    if output_shape is None:
        more = _more(output_padding, stride, dilation)
        out = tuple(
            max((s * (n - 1) + 1 if n else 0) + lo + hi - r + e, 0)
            for s, n, (lo, hi), r, e in zip(stride, size, pads, reach, more)
        )
    elif output_padding is not None:
        raise UserError("output_shape and output_padding: expected one, not both")
    else:
        out = per_axis(output_shape, rank, "output_shape", least=0)
        if isinstance(padding, str):  # of the convolution that comes back
            named = strided_pads(out, taps, stride, dilation, padding)
            pads = tuple((r - lo, r - hi) for r, (lo, hi) in zip(reach, named))
        for m, n, s, r, (lo, hi) in zip(out, size, stride, reach, pads):
            least = s * (n - 1) + 1 + lo + hi - r
            if not least <= m < least + s:
                raise UserError(
                    f"output_shape={out} for an input of {size}: expected a size which "
                    f"the convolution of stride {stride} brings back to {size}"
                )
    # Without a stride it is a convolution, whose kernel need not be mirrored; but a
    # single pixel is spread by a matrix product.
    flat = all(s == 1 for s in stride) and any(n > 1 for n in size)
    as_conv = flat and not transpose_kernel
    mirror = not as_conv and not transpose_kernel
    low = [lo for lo, _ in pads]
    geometry = Geometry(
        stride=stride,
        dilation=dilation,
        low=tuple(low if as_conv else (r - lo for r, lo in zip(reach, low))),
        big=size if as_conv else out,
        small=out if as_conv else size,
        kernel=taps,
        groups=feature_group_count,
    )
    impl = dispatch.route(impl, geometry, x, kernel, preferred_element_type)
    if impl != "lax":
        x, kernel = strided.alike(x, kernel)
    w = direct.mirrored(kernel, feature_group_count) if mirror else kernel
    if impl == "lax":
        plain = direct.gather if as_conv else direct.scatter
        y: Any = plain(geometry, precision, x, w, preferred_element_type)
    else:
        fast = strided.gather if as_conv else strided.scatter
        y = fast(Plan(geometry, precision, impl), x, w)
    return restore(y)


def _more(output_padding, stride: Sequence[int], dilation: Sequence[int]) -> tuple:
    if output_padding is None:
        return (0,) * len(stride)
    more = per_axis(output_padding, len(stride), "output_padding", least=0)
    if any(not 0 <= e < max(s, d) for e, s, d in zip(more, stride, dilation)):
        raise UserError(
            f"output_padding={output_padding}: expected 0 or more and less than the "
            f"stride {tuple(stride)}"
        )
    return more
