"""Upsamplers that resize by a fixed rule and learn a stride-1 convolution."""

from math import prod
from typing import ClassVar

import flax.linen as nn
from jax import Array
from jaxtyping import Float, Shaped

from deconvgen.core.errors import UserError
from deconvgen.nn.norm import Norm
from deconvgen.nn.upsample.base import ANY, Upsampler, upsamplers
from deconvgen.nn.upsample.transposed import Depthwise
from deconvgen.ops import resize
from deconvgen.ops.fir import box_power, filter_axis
from deconvgen.ops.pooling import max_unpool


@upsamplers.register(name="nearest_conv")
class NearestConv(Upsampler):
    """Nearest-neighbour resize, then a convolution. Odena et al. 2016.

    >>> jax.eval_shape(NearestConv(8).init_with_output, key, x)[0].shape
    (1, 8, 8, 8)
    """

    ranks: ClassVar[tuple[int, ...]] = ANY

    @nn.compact
    def __call__(self, x: Array) -> Array:
        return self.conv(resize.nearest(x, self.factors))


@upsamplers.register(name="bilinear_conv")
class BilinearConv(Upsampler):
    """Bilinear resize, then a convolution. Odena et al. 2016.

    >>> jax.eval_shape(BilinearConv(8).init_with_output, key, x)[0].shape
    (1, 8, 8, 8)
    """

    ranks: ClassVar[tuple[int, ...]] = ANY

    @nn.compact
    def __call__(self, x: Array) -> Array:
        return self.conv(resize.bilinear(x, self.factors, self.impl))


@upsamplers.register(name="bicubic_conv")
class BicubicConv(Upsampler):
    """Bicubic resize (Keys 1981, a = -0.5), then a convolution.

    >>> jax.eval_shape(BicubicConv(8).init_with_output, key, x)[0].shape
    (1, 8, 8, 8)
    """

    ranks: ClassVar[tuple[int, ...]] = ANY

    @nn.compact
    def __call__(self, x: Array) -> Array:
        return self.conv(resize.bicubic(x, self.factors, self.impl))


@upsamplers.register(name="bilinear_separable_conv")
class BilinearSeparableConv(Upsampler):
    """Bilinear resize, then a depthwise and a 1 x 1 convolution. Wojna et al. 2019.

    >>> jax.eval_shape(BilinearSeparableConv(8).init_with_output, key, x)[0].shape
    (1, 8, 8, 8)
    """

    ranks: ClassVar[tuple[int, ...]] = ANY
    kinds: ClassVar[tuple[str, ...]] = ("depthwise_convolution", "convolution")

    @nn.compact
    def __call__(self, x: Array) -> Array:
        x = resize.bilinear(x, self.factors, self.impl)
        init = self.init_for("depthwise_convolution", last=False, layers=2)
        types, once = (
            (self.dtype, self.param_dtype, self.impl),
            (1,) * len(x.shape[1:-1]),
        )
        x = Depthwise(self.kernel, once, init, *types, name="depthwise")(x)
        init = self.init_for("convolution", layers=2)
        return self.conv(x, "pointwise", kernel=1, kernel_init=init)


@upsamplers.register(name="bilinear_additive")
class BilinearAdditive(Upsampler):
    """Bilinear resize with factor^2 consecutive channels summed, then a convolution.

    So as many numbers come out of the resize as went in. Wojna et al. 2017, sec. 3.
    With `reduction="mean"` they are averaged instead.

    >>> up = BilinearAdditive(8, factor=(1, 2))
    >>> jax.eval_shape(up.init_with_output, key, x)[0].shape
    (1, 4, 8, 8)
    """

    ranks: ClassVar[tuple[int, ...]] = ANY
    reduction: str = "sum"

    @nn.compact
    def __call__(self, x: Array) -> Array:
        channels = max(1, x.shape[-1] // prod(self.factors))
        how = (self.reduction, self.impl)
        added = resize.bilinear_additive(x, self.factors, channels, *how)
        return self.conv(added)


@upsamplers.register(name="conv_fir")
class ConvFir(Upsampler):
    """A 1 x 1 convolution, then a fixed interpolation: [1, 3, 3, 1] / 4 at factor 2.

    Zero insertion and `factor` ones convolved three times, as in `fir_conv_transpose`,
    but with nothing learned behind it. Huang et al. 2024 (R3GAN), sec. 3.2; the filter
    is Karras et al. 2020's.

    >>> ConvFir(8).kernel
    (1, 1)
    """

    ranks: ClassVar[tuple[int, ...]] = ANY

    def default_kernel(self, factor: int) -> int:
        return 1

    @nn.compact
    def __call__(self, x: Array) -> Array:
        filters = [s * box_power(s, 3) for s in self.factors]
        both = list(zip(filters, self.factors, strict=True))
        power = prod(float((taps**2).sum()) / s for taps, s in both)
        x = self.conv(x, kernel_init=self.init_for("convolution", power=power))
        for axis, (taps, s) in enumerate(both):
            low = (
                s + len(taps)
            ) // 2 - 1  # output i is centred on (i - (s - 1) / 2) / s
            padding = (low, len(taps) - 1 - low)
            how = {"up": s, "padding": padding, "impl": self.impl}
            x = filter_axis(x, taps, axis, **how)
        return x


@upsamplers.register(name="eucb")
class Eucb(Upsampler):
    """Nearest-neighbour resize, depthwise convolution, norm, ReLU, 1 x 1 convolution.

    The efficient up-convolution block of Rahman et al. 2024 (EMCAD), sec. 3.1.4. Its
    batch norm is a group norm here: an upsampling layer keeps no running statistics.

    >>> Eucb(8).kernel
    (3, 3)
    """

    ranks: ClassVar[tuple[int, ...]] = ANY
    kinds: ClassVar[tuple[str, ...]] = ("depthwise_convolution", "convolution")

    @nn.compact
    def __call__(self, x: Array) -> Array:
        x = resize.nearest(x, self.factors)
        init = self.init_for("depthwise_convolution", last=False, layers=2)
        types, once = (self.dtype, self.param_dtype), (1,) * len(self.factors)
        depthwise = Depthwise(
            self.kernel, once, init, *types, self.impl, name="depthwise"
        )
        norm = Norm("group", dtype=self.dtype, param_dtype=self.param_dtype)
        x = nn.relu(norm(depthwise(x), train=False))
        init = self.init_for("convolution", layers=2)
        return self.conv(x, "pointwise", kernel=1, kernel_init=init)


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
