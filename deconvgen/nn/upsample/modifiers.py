"""What may be wrapped around any upsampler."""

from typing import Any

import flax.linen as nn
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from deconvgen.nn.conv import Conv
from deconvgen.nn.initializers import Use, stride_aware
from deconvgen.nn.upsample.base import Layer, Sizes, Upsampler
from deconvgen.ops.arguments import Maps, takes
from deconvgen.ops.fir import Wholes, box_power, filter_axis, per_space
from deconvgen.ops.resize import bilinear_additive, channel_repeat


class Modifier(Layer):
    """A wrapper of an upsampler (or of another wrapper), called like it."""

    upsampler: "Upsampler | Modifier"

    @property
    def impl(self) -> str:
        """That of the layer inside: see `Upsampler`."""
        return self.upsampler.impl

    @property
    def features(self) -> int:
        """The channels that come out."""
        return self.upsampler.features

    @property
    def factors(self) -> Sizes:
        """The factor of each spatial axis."""
        return self.upsampler.factors

    @property
    def needs_indices(self) -> bool:
        """Whether the encoder's max-pool indices are the second argument."""
        return self.upsampler.needs_indices

    @property
    def needs_guide(self) -> bool:
        """Whether features of the output's size are the second argument."""
        return self.upsampler.needs_guide


SHORTCUTS = ("bilinear_additive", "channel_repeat")
"""The paths around a layer that `Residual` knows."""


class Residual(Modifier):
    """Adds an upsampling of the block's own input that has no parameters.

    - shortcut "bilinear_additive": Wojna et al. 2017, "The Devil is in the Decoder",
      sec. 3, where consecutive channels are summed; `reduction="mean"` averages them.
    - shortcut "channel_repeat": see `deconvgen.ops.resize.channel_repeat`; Chen et al.
      2024 (DC-AE), sec. 3.2.

    >>> jax.eval_shape(Residual(NearestConv(2)).init_with_output, key, x)[0].shape
    (1, 8, 8, 2)
    """

    reduction: str = "sum"
    shortcut: str = "bilinear_additive"

    @nn.compact
    def __call__(self, x: Array, *more: Array) -> Array:
        y = self.upsampler(x, *more)
        x = x.astype(jnp.promote_types(x.dtype, y.dtype))
        if self.shortcut == "channel_repeat":
            added = channel_repeat(x, self.factors, self.features)
        else:
            how = (self.reduction, self.impl)
            added = bilinear_additive(x, self.factors, self.features, *how)
        return y + added.astype(y.dtype)


class BoxFilter(Modifier):
    """A fixed low-pass filter after the layer: a mean of factor x factor pixels.

    Every polyphase component gets the same DC gain, so there is no checkerboard,
    whatever the weights. Sugawara, Shiota and Kiya 2018. `order` means are taken one
    after the other (Kinoshita and Kiya 2020, eq. 9): at factor 2, order 1 is [1, 1] / 2
    (zero-order hold), 2 is [1, 2, 1] / 4, 3 is [1, 3, 3, 1] / 8. No parameters.

    >>> jax.eval_shape(BoxFilter(NearestConv(8)).init_with_output, key, x)[0].shape
    (1, 8, 8, 8)
    """

    order: int = 1

    @nn.compact
    def __call__(self, x: Array, *more: Array) -> Array:
        y = self.upsampler(x, *more)
        return box_filter(y, self.factors, self.impl, self.order)


class ExtraConv(Modifier):
    """A stride-1 convolution after the layer, features to features.

    `kernel_init` as any initializer; None is `stride_aware`.

    >>> jax.eval_shape(ExtraConv(NearestConv(8)).init_with_output, key, x)[0].shape
    (1, 8, 8, 8)
    """

    kernel_size: int | Sizes = 3
    use_bias: bool = True
    dtype: Any = None
    param_dtype: Any = jnp.float32
    kernel_init: Any = None

    @nn.compact
    def __call__(self, x: Array, *more: Array) -> Array:
        size = self.kernel_size
        return Conv(
            self.features,
            (size,) * len(self.factors) if isinstance(size, int) else size,
            use_bias=self.use_bias,
            kernel_init=self.kernel_init or stride_aware(Use("convolution")),
            dtype=self.dtype,
            param_dtype=self.param_dtype,
            impl=self.impl,
            name="conv",
        )(self.upsampler(x, *more))


@takes(space="factor", x="h w c")
def box_filter(
    x: Maps, factor: Wholes, impl: str = "auto", order: int = 1
) -> Float[Array, "*batch_and_space c"]:
    """The mean over factor x factor pixels, one pixel at a time: the shape of x.

    `order` times. At the border the pixels one period further in stand for those that
    are missing, so that what repeats with the period `factor` comes out constant there
    as well.
    """
    for axis, s in enumerate(per_space(factor)):
        taps = box_power(s, order)
        low, high = (len(taps) - 1) // 2, len(taps) // 2
        size = x.shape[1 + axis]
        index = jnp.arange(-low, size + high)
        index = jnp.where(index < 0, index % s, index)
        behind = size - s + (index - size) % s
        index = jnp.where(index >= size, behind, index)
        x = filter_axis(jnp.take(x, index, 1 + axis), taps, axis, impl=impl)
    return x
