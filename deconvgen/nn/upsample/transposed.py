"""Upsamplers that learn the interpolation: transposed convolutions and sub-pixels."""

from collections.abc import Sequence
from math import prod
from typing import Any, ClassVar

import flax.linen as nn
import jax.numpy as jnp
import numpy as np
from flax.linen.dtypes import promote_dtype
from jax import Array
from jaxtyping import Float

from deconvgen.nn.conv import ConvTranspose
from deconvgen.nn.initializers import Initializer
from deconvgen.nn.upsample.base import ANY, Sizes, Upsampler, upsamplers
from deconvgen.ops.arguments import Maps, takes
from deconvgen.ops.convolution.transposed import conv_transpose
from deconvgen.ops.fir import box_power, filter_axis
from deconvgen.ops.subpixel import depth_to_space


@upsamplers.register(name="conv_transpose")
class ConvTransposeUp(Upsampler):
    """Transposed convolution (deconvolution), `SAME`: factor h rows come out.

    The kernel is 2 factor by default, which the factor divides (no uneven overlap).
    Zeiler et al. 2010; Dumoulin and Visin 2016.

    >>> jax.eval_shape(ConvTransposeUp(8).init_with_output, key, x)[0].shape
    (1, 8, 8, 8)
    """

    transpose_kernel: bool = False
    ranks: ClassVar[tuple[int, ...]] = ANY
    kinds: ClassVar[tuple[str, ...]] = ("deconvolution",)

    def default_kernel(self, factor: int) -> int:
        return 2 * factor if factor > 1 else 3

    @nn.compact
    def __call__(self, x: Array) -> Array:
        init = self.init_for("deconvolution", self.factors, self.transpose_kernel)
        return ConvTranspose(
            self.features,
            self.kernel,
            strides=self.factors,
            padding="SAME",
            transpose_kernel=self.transpose_kernel,
            use_bias=self.use_bias,
            kernel_init=init,
            dtype=self.dtype,
            param_dtype=self.param_dtype,
            impl=self.impl,
            name="deconv",
        )(x)


@upsamplers.register(name="decomposed_conv_transpose")
class DecomposedConvTranspose(Upsampler):
    """Transposed convolution of the rows (k x 1), then of the columns (1 x k).

    Of volumes of the slices first, of signals of their one axis.

    Wojna et al. 2019, "The Devil is in the Decoder", sec. 3.

    >>> up = DecomposedConvTranspose(8)
    >>> jax.eval_shape(up.init_with_output, key, x)[0].shape
    (1, 8, 8, 8)
    """

    ranks: ClassVar[tuple[int, ...]] = ANY
    kinds: ClassVar[tuple[str, ...]] = ("decomposed_deconvolution",)
    default_kernel = ConvTransposeUp.default_kernel

    @nn.compact
    def __call__(self, x: Array) -> Array:
        rank = len(self.factors)
        for i, name in enumerate(("slices", "rows", "columns")[-rank:]):
            along = lambda sizes: tuple(n if j == i else 1 for j, n in enumerate(sizes))  # noqa: B023
            last, strides = i == rank - 1, along(self.factors)
            how = {"last": last, "layers": rank}
            x = ConvTranspose(
                self.features,
                along(self.kernel),
                strides=strides,
                padding="SAME",
                use_bias=last and self.use_bias,
                kernel_init=self.init_for("decomposed_deconvolution", strides, **how),
                dtype=self.dtype,
                param_dtype=self.param_dtype,
                impl=self.impl,
                name=name,
            )(x)
        return x


class Depthwise(nn.Module):
    """One k x k filter for each channel, upsampling by `factor`: [b, r h, s w, c].

    With as many spatial axes as the factor has numbers.

    Padded as a `SAME` transposed convolution, or as a `SAME` convolution where the
    factor is 1. The kernel is [kh, kw, 1, c], slid without turning it round.
    """

    kernel_size: Sizes
    factor: Sizes
    kernel_init: Initializer
    dtype: Any = None
    param_dtype: Any = jnp.float32
    impl: str = "auto"

    @nn.compact
    def __call__(self, x: Array) -> Array:
        shape = (*self.kernel_size, 1, x.shape[-1])
        kernel = self.param("kernel", self.kernel_init, shape, self.param_dtype)
        x, kernel = promote_dtype(x, kernel, dtype=self.dtype)
        padding = []
        for k, s in zip(self.kernel_size, self.factor, strict=True):
            low = k - 1 if s >= k else (k + s - 1) // 2 if s > 1 else (k - 1) // 2
            padding.append((low, k - 1 - low + s - 1))
        return conv_transpose(
            x,
            kernel,
            self.factor,
            padding,
            feature_group_count=x.shape[-1],
            impl=self.impl,
        )


@upsamplers.register(name="separable_conv_transpose")
class SeparableConvTranspose(Upsampler):
    """Depthwise transposed convolution, then a 1 x 1 convolution to the features.

    Wojna et al. 2019, "The Devil is in the Decoder", sec. 3.

    >>> jax.eval_shape(SeparableConvTranspose(8).init_with_output, key, x)[0].shape
    (1, 8, 8, 8)
    """

    ranks: ClassVar[tuple[int, ...]] = ANY
    kinds: ClassVar[tuple[str, ...]] = ("depthwise_deconvolution", "convolution")
    default_kernel = ConvTransposeUp.default_kernel

    @nn.compact
    def __call__(self, x: Array) -> Array:
        x = Depthwise(
            self.kernel,
            self.factors,
            self.init_for(
                "depthwise_deconvolution", self.factors, last=False, layers=2
            ),
            self.dtype,
            self.param_dtype,
            self.impl,
            name="depthwise",
        )(x)
        init = self.init_for("convolution", layers=2)
        return self.conv(x, "pointwise", kernel=1, kernel_init=init)


@upsamplers.register(name="depth_to_space")
class DepthToSpace(Upsampler):
    """Sub-pixel convolution: factor^2 times the features, then channels to pixels.

    Shi et al. 2016. The channels are (r, s, features).

    >>> jax.eval_shape(DepthToSpace(8).init_with_output, key, x)[0].shape
    (1, 8, 8, 8)
    """

    ranks: ClassVar[tuple[int, ...]] = ANY
    kinds: ClassVar[tuple[str, ...]] = ("sub_pixel",)

    def sub_pixels(self, x: Array) -> Array:
        """What the convolution makes of x (in a compact method)."""
        init = self.init_for("sub_pixel", self.factors)
        use = {"features": self.features * prod(self.factors), "kernel_init": init}
        return depth_to_space(self.conv(x, **use), self.factors)

    @nn.compact
    def __call__(self, x: Array) -> Array:
        return self.sub_pixels(x)


@upsamplers.register(name="large_kernel_conv_transpose")
class LargeKernelConvTranspose(Upsampler):
    """Transposed convolutions of a large and of a small kernel, added: 7 x 7 and 3 x 3.

    Agnihotri, Grabinski and Keuper 2024 (large context transposed convolution, LCTC),
    sec. 4: 7 x 7 or 11 x 11 beside 3 x 3 at factor 2. In general 4 s - 1 by default,
    beside 2 s - 1; the centres of both lie on the same pixel.

    >>> LargeKernelConvTranspose(8).kernel
    (7, 7)
    """

    ranks: ClassVar[tuple[int, ...]] = ANY
    kinds: ClassVar[tuple[str, ...]] = ("parallel_deconvolution",)

    def default_kernel(self, factor: int) -> int:
        return 4 * factor - 1 if factor > 1 else 7

    @nn.compact
    def __call__(self, x: Array) -> Array:
        beside = tuple(2 * s - 1 if s > 1 else 3 for s in self.factors)
        branches = (("large", self.kernel, False), ("small", beside, self.use_bias))
        large, small = (
            ConvTranspose(
                self.features,
                kernel,
                strides=self.factors,
                padding="SAME",
                use_bias=use_bias,
                kernel_init=self.init_for(
                    "parallel_deconvolution", self.factors, power=float(len(branches))
                ),
                dtype=self.dtype,
                param_dtype=self.param_dtype,
                impl=self.impl,
                name=name,
            )(x)
            for name, kernel, use_bias in branches
        )
        return large + small


@upsamplers.register(name="fir_conv_transpose")
class FirConvTranspose(Upsampler):
    """Transposed convolution, then a fixed low-pass filter: [1, 3, 3, 1] at factor 2.

    The filter is `factor` ones convolved three times with gain factor^2, so that every
    image of the signal lies at a threefold zero. Karras et al. 2020 (StyleGAN2),
    app. B.

    >>> jax.eval_shape(FirConvTranspose(8).init_with_output, key, x)[0].shape
    (1, 8, 8, 8)
    """

    ranks: ClassVar[tuple[int, ...]] = ANY
    kinds: ClassVar[tuple[str, ...]] = ("filtered_deconvolution",)

    @nn.compact
    def __call__(self, x: Array) -> Array:
        strides, kernel = self.factors, self.kernel
        filters = [s * box_power(s, 3) for s in strides]
        power = float(prod((taps**2).sum() for taps in filters))
        init = self.init_for("filtered_deconvolution", strides, power=power)
        y = ConvTranspose(
            self.features,
            kernel,
            strides=strides,
            padding=tuple(
                (k - 1, k - 1 + s - 1) for k, s in zip(kernel, strides, strict=True)
            ),
            use_bias=False,
            kernel_init=init,
            dtype=self.dtype,
            param_dtype=self.param_dtype,
            impl=self.impl,
            name="deconv",
        )(x)
        y = low_pass(y, filters, kernel, self.impl)
        if self.use_bias:
            shape = (self.features,)
            bias = self.param("bias", nn.initializers.zeros, shape, self.param_dtype)
            y = y + bias.astype(y.dtype)
        return y


@takes(space="filters", x="h w c")
def low_pass(
    x: Maps, filters: Sequence[np.ndarray], kernel: Sizes, impl: str = "auto"
) -> Float[Array, "*batch_and_smaller c"]:
    """The filters along their axes, and k - 1 pixels of the kernel's reach less."""
    for axis, (k, taps) in enumerate(zip(kernel, filters, strict=True)):
        extra = (k - 1) - (len(taps) - 1)  # what the filter has to take away
        low = -(extra // 2)
        x = filter_axis(x, taps, axis, padding=(low, -extra - low), impl=impl)
    return x
