"""What may be wrapped around any upsampler."""

from typing import Any

import flax.linen as nn
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from deconvgen.nn.conv import Conv
from deconvgen.nn.initializers import Use, stride_aware
from deconvgen.nn.upsample.base import Layer, Upsampler
from deconvgen.ops.arguments import Images, takes
from deconvgen.ops.fir import Pair, Wholes, pair, upfirdn_axis
from deconvgen.ops.resize import bilinear_additive


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
    def factors(self) -> Pair:
        """The factor of the rows and of the columns."""
        return self.upsampler.factors

    @property
    def needs_indices(self) -> bool:
        """Whether the encoder's max-pool indices are the second argument."""
        return self.upsampler.needs_indices


class Residual(Modifier):
    """Adds the bilinear additive upsampling of the block's own input.

    Wojna et al. 2017, "The Devil is in the Decoder", sec. 3, where consecutive channels
    are summed; `reduction="mean"` averages them. No parameters.

    >>> jax.eval_shape(Residual(NearestConv(2)).init_with_output, key, x)[0].shape
    (1, 8, 8, 2)
    """

    reduction: str = "sum"

    @nn.compact
    def __call__(self, x: Array, *indices: Array) -> Array:
        y = self.upsampler(x, *indices)
        x = x.astype(jnp.promote_types(x.dtype, y.dtype))
        how = (self.reduction, self.impl)
        added = bilinear_additive(x, self.factors, self.features, *how)
        return y + added.astype(y.dtype)


class BoxFilter(Modifier):
    """A fixed factor x factor mean after the layer (zero-order hold).

    Every polyphase component gets the same DC gain, so there is no checkerboard,
    whatever the weights. Sugawara, Shiota and Kiya 2018. No parameters.

    >>> jax.eval_shape(BoxFilter(NearestConv(8)).init_with_output, key, x)[0].shape
    (1, 8, 8, 8)
    """

    @nn.compact
    def __call__(self, x: Array, *indices: Array) -> Array:
        return box_filter(self.upsampler(x, *indices), self.factors, self.impl)


class ExtraConv(Modifier):
    """A stride-1 convolution after the layer, features to features.

    >>> jax.eval_shape(ExtraConv(NearestConv(8)).init_with_output, key, x)[0].shape
    (1, 8, 8, 8)
    """

    kernel_size: int | Pair = 3
    use_bias: bool = True
    dtype: Any = None
    param_dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: Array, *indices: Array) -> Array:
        return Conv(
            self.features,
            pair(self.kernel_size, "a kernel size"),
            use_bias=self.use_bias,
            kernel_init=stride_aware(Use("convolution")),
            dtype=self.dtype,
            param_dtype=self.param_dtype,
            impl=self.impl,
            name="conv",
        )(self.upsampler(x, *indices))


@takes(x="h w c")
def box_filter(
    x: Images, factor: Wholes, impl: str = "auto"
) -> Float[Array, "*b h w c"]:
    """The mean over factor x factor pixels, one pixel at a time: the shape of x.

    At the border the pixels one period further in stand for those that are missing,
    so that what repeats with the period `factor` comes out constant there as well.
    """
    for axis, s in enumerate(pair(factor)):
        low, high = (s - 1) // 2, s // 2
        size = x.shape[1 + axis]
        index = jnp.arange(-low, size + high)
        index = jnp.where(index < 0, index + s, index)
        index = jnp.where(index >= size, index - s, index)
        box = jnp.full(s, 1 / s)
        x = upfirdn_axis(jnp.take(x, index, 1 + axis), box, axis, impl=impl)
    return x
