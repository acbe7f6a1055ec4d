"""Upsamplers that resize by a fixed rule and learn a stride-1 convolution."""

from typing import ClassVar

import flax.linen as nn
from jax import Array
from jaxtyping import Float, Shaped

from deconvgen.core.errors import UserError
from deconvgen.nn.upsample.base import Upsampler, upsamplers
from deconvgen.nn.upsample.transposed import Depthwise
from deconvgen.ops import resize
from deconvgen.ops.pooling import max_unpool


@upsamplers.register(name="nearest_conv")
class NearestConv(Upsampler):
    """Nearest-neighbour resize, then a convolution. Odena et al. 2016.

    >>> jax.eval_shape(NearestConv(8).init_with_output, key, x)[0].shape
    (1, 8, 8, 8)
    """

    @nn.compact
    def __call__(self, x: Array) -> Array:
        return self.conv(resize.nearest(x, self.factors))


@upsamplers.register(name="bilinear_conv")
class BilinearConv(Upsampler):
    """Bilinear resize, then a convolution. Odena et al. 2016.

    >>> jax.eval_shape(BilinearConv(8).init_with_output, key, x)[0].shape
    (1, 8, 8, 8)
    """

    @nn.compact
    def __call__(self, x: Array) -> Array:
        return self.conv(resize.bilinear(x, self.factors, self.impl))


@upsamplers.register(name="bicubic_conv")
class BicubicConv(Upsampler):
    """Bicubic resize (Keys 1981, a = -0.5), then a convolution.

    >>> jax.eval_shape(BicubicConv(8).init_with_output, key, x)[0].shape
    (1, 8, 8, 8)
    """

    @nn.compact
    def __call__(self, x: Array) -> Array:
        return self.conv(resize.bicubic(x, self.factors, self.impl))


@upsamplers.register(name="bilinear_separable_conv")
class BilinearSeparableConv(Upsampler):
    """Bilinear resize, then a depthwise and a 1 x 1 convolution. Wojna et al. 2019.

    >>> jax.eval_shape(BilinearSeparableConv(8).init_with_output, key, x)[0].shape
    (1, 8, 8, 8)
    """

    kinds: ClassVar[tuple[str, ...]] = ("depthwise_convolution", "convolution")

    @nn.compact
    def __call__(self, x: Array) -> Array:
        x = resize.bilinear(x, self.factors, self.impl)
        init = self.init_for("depthwise_convolution")
        types = (self.dtype, self.param_dtype, self.impl)
        x = Depthwise(self.kernel, (1, 1), init, *types, name="depthwise")(x)
        return self.conv(x, "pointwise", kernel=(1, 1))


@upsamplers.register(name="bilinear_additive")
class BilinearAdditive(Upsampler):
    """Bilinear resize with factor^2 consecutive channels summed, then a convolution.

    So as many numbers come out of the resize as went in. Wojna et al. 2017, sec. 3.
    With `reduction="mean"` they are averaged instead.

    >>> up = BilinearAdditive(8, factor=(1, 2))
    >>> jax.eval_shape(up.init_with_output, key, x)[0].shape
    (1, 4, 8, 8)
    """

    reduction: str = "sum"

    @nn.compact
    def __call__(self, x: Array) -> Array:
        r, s = self.factors
        channels = max(1, x.shape[-1] // (r * s))
        factors, how = (r, s), (self.reduction, self.impl)
        added = resize.bilinear_additive(x, factors, channels, *how)
        return self.conv(added)


@upsamplers.register(name="max_unpool")
class MaxUnpool(Upsampler):
    """Values back to where the encoder's maxima were, then a convolution.

    `indices` as `deconvgen.ops.pooling.max_pool_with_indices` gives them, of the shape
    of x. Zeiler et al. 2011; Badrinarayanan et al. 2017 (SegNet).

    Raises `UserError` for indices of another shape.

    >>> y, indices = ops.max_pool_with_indices(x)
    >>> jax.eval_shape(MaxUnpool(8).init_with_output, key, y, indices)[0].shape
    (1, 4, 4, 8)
    """

    needs_indices: ClassVar[bool] = True

    @nn.compact
    def __call__(
        self, x: Float[Array, "b h w c"], indices: Shaped[Array, "..."]
    ) -> Float[Array, "b H W f"]:
        if indices.shape != x.shape:
            raise UserError(
                f"max_unpool needs indices of the input's shape {x.shape}, "
                f"not {indices.shape}"
            )
        return self.conv(max_unpool(x, indices, self.factors))
