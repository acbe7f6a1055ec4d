"""Upsamplers that learn the interpolation: transposed convolutions and sub-pixels."""

from collections.abc import Sequence
from typing import Any, ClassVar

import flax.linen as nn
import jax.numpy as jnp
import numpy as np
from flax.linen.dtypes import promote_dtype
from jax import Array
from jaxtyping import Float

from deconvgen.nn.conv import ConvTranspose
from deconvgen.nn.initializers import Initializer
from deconvgen.nn.upsample.base import Upsampler, upsamplers
from deconvgen.ops.arguments import Images, takes
from deconvgen.ops.convolution.transposed import conv_transpose
from deconvgen.ops.fir import Pair, box_power, upfirdn_axis
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

    Wojna et al. 2019, "The Devil is in the Decoder", sec. 3.

    >>> up = DecomposedConvTranspose(8)
    >>> jax.eval_shape(up.init_with_output, key, x)[0].shape
    (1, 8, 8, 8)
    """

    kinds: ClassVar[tuple[str, ...]] = ("decomposed_deconvolution",)
    default_kernel = ConvTransposeUp.default_kernel

    @nn.compact
    def __call__(self, x: Array) -> Array:
        (r, s), (kh, kw) = self.factors, self.kernel
        for name, kernel, strides, use_bias in (
            ("rows", (kh, 1), (r, 1), False),
            ("columns", (1, kw), (1, s), self.use_bias),
        ):
            x = ConvTranspose(
                self.features,
                kernel,
                strides=strides,
                padding="SAME",
                use_bias=use_bias,
                kernel_init=self.init_for("decomposed_deconvolution", strides),
                dtype=self.dtype,
                param_dtype=self.param_dtype,
                impl=self.impl,
                name=name,
            )(x)
        return x


class Depthwise(nn.Module):
    """One k x k filter for each channel, upsampling by `factor`: [b, r h, s w, c].

    Padded as a `SAME` transposed convolution, or as a `SAME` convolution where the
    factor is 1. The kernel is [kh, kw, 1, c], slid without turning it round.
    """

    kernel_size: Pair
    factor: Pair
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

    kinds: ClassVar[tuple[str, ...]] = ("depthwise_deconvolution", "convolution")
    default_kernel = ConvTransposeUp.default_kernel

    @nn.compact
    def __call__(self, x: Array) -> Array:
        x = Depthwise(
            self.kernel,
            self.factors,
            self.init_for("depthwise_deconvolution", self.factors),
            self.dtype,
            self.param_dtype,
            self.impl,
            name="depthwise",
        )(x)
        return self.conv(x, "pointwise", kernel=(1, 1))


@upsamplers.register(name="depth_to_space")
class DepthToSpace(Upsampler):
    """Sub-pixel convolution: factor^2 times the features, then channels to pixels.

    Shi et al. 2016. The channels are (r, s, features).

    >>> jax.eval_shape(DepthToSpace(8).init_with_output, key, x)[0].shape
    (1, 8, 8, 8)
    """

    kinds: ClassVar[tuple[str, ...]] = ("sub_pixel",)

    @nn.compact
    def __call__(self, x: Array) -> Array:
        r, s = self.factors
        init = self.init_for("sub_pixel", self.factors)
        use = {"features": self.features * r * s, "kernel_init": init}
        return depth_to_space(self.conv(x, **use), (r, s))


@upsamplers.register(name="fir_conv_transpose")
class FirConvTranspose(Upsampler):
    """Transposed convolution, then a fixed low-pass filter: [1, 3, 3, 1] at factor 2.

    The filter is `factor` ones convolved three times with gain factor^2, so that every
    image of the signal lies at a threefold zero. Karras et al. 2020 (StyleGAN2),
    app. B.

    >>> jax.eval_shape(FirConvTranspose(8).init_with_output, key, x)[0].shape
    (1, 8, 8, 8)
    """

    kinds: ClassVar[tuple[str, ...]] = ("filtered_deconvolution",)

    @nn.compact
    def __call__(self, x: Array) -> Array:
        strides, kernel = self.factors, self.kernel
        filters = [s * box_power(s, 3) for s in strides]
        power = float((filters[0] ** 2).sum() * (filters[1] ** 2).sum())
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


@takes(x="h w c")
def low_pass(
    x: Images, filters: Sequence[np.ndarray], kernel: Pair, impl: str = "auto"
) -> Float[Array, "*b H W c"]:
    """Both filters along their axes, and k - 1 pixels of the kernel's reach less."""
    for axis, (k, taps) in enumerate(zip(kernel, filters, strict=True)):
        extra = (k - 1) - (len(taps) - 1)  # what the filter has to take away
        low = -(extra // 2)
        x = upfirdn_axis(x, taps, axis, padding=(low, -extra - low), impl=impl)
    return x
