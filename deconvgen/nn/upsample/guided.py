"""Upsamplers guided by features of the output's size, as a U-Net's encoder has them."""

from math import prod
from typing import ClassVar

import flax.linen as nn
import jax
from jax import Array

from deconvgen.nn.norm import Norm
from deconvgen.nn.upsample.base import Upsampler, upsamplers
from deconvgen.nn.upsample.dynamic import mixtures
from deconvgen.ops import resize
from deconvgen.ops.reassembly import window_products
from deconvgen.ops.subpixel import depth_to_space, space_to_depth


class Guided(Upsampler):
    """An upsampler that is called with x [b, h, w, c] and a guide [b, r h, s w, d]."""

    needs_guide: ClassVar[bool] = True

    def of_pixels(self, x: Array) -> Array:
        """[b, r h, s w, c] as [b, h, w, r s, c]: the sub-pixels of each pixel."""
        pixels = space_to_depth(x, self.factors)
        return pixels.reshape(*pixels.shape[:3], prod(self.factors), x.shape[-1])


@upsamplers.register(name="fade")
class Fade(Guided):
    """CARAFE with weights from guide and input, and a gate that lets the guide through.

    Lu et al. 2022 (FADE), sec. 3: the logits are one (k - 2) x (k - 2) convolution of
    the guide and of x, each compressed to 64 channels, the latter enlarged by nearest
    neighbour (semi-shift convolution); out = g guide + (1 - g) mixture, g the sigmoid
    of a 1 x 1 convolution of x. Their kernels start by Xavier whatever `kernel_init`
    says, as there. For the common signature the mixture, and a guide of other than
    `features` channels, go through a 1 x 1 convolution.

    >>> Fade(8).kernel
    (5, 5)
    """

    def default_kernel(self, factor: int) -> int:
        return 5

    @nn.compact
    def __call__(self, x: Array, guide: Array) -> Array:
        xavier, count = nn.initializers.xavier_uniform(), prod(self.kernel)
        compress = {"features": 64, "kernel": 1, "kernel_init": xavier}
        fine = self.conv(guide, "compress_guide", **compress)
        coarse = self.conv(x, "compress", use_bias=False, **compress)
        encode = self.layer(
            count,
            tuple(max(1, k - 2) for k in self.kernel),
            kernel_init=nn.initializers.xavier_normal(),
            name="encode",
        )
        logits = encode(fine) + resize.nearest(encode(coarse), self.factors)
        weights = jax.nn.softmax(self.of_pixels(logits))
        mixed = mixtures(x, weights, self.kernel, self.factors, self.impl)
        mixed = self.conv(mixed, "project", kernel=1)
        gate = jax.nn.sigmoid(self.conv(x, "gate", 1, 1, kernel_init=xavier))
        gate = resize.nearest(gate, self.factors)
        if guide.shape[-1] != self.features:
            guide = self.conv(guide, "lateral", kernel=1)
        return gate * guide + (1 - gate) * mixed


@upsamplers.register(name="sapa")
class Sapa(Guided):
    """A mean of the k x k inputs, weighted by how alike guide and inputs are there.

    Lu et al. 2022 (SAPA-B), sec. 3, eq. 3 and 5: the softmax over the window of <q, k>,
    q and k group-normalized guide and input through 1 x 1 convolutions to 32 channels
    that start as N(0, 0.02) whatever `kernel_init` says, as there; k = 5. The 1 x 1
    convolution to `features` at the end is for the common signature.

    >>> Sapa(8).kernel
    (5, 5)
    """

    def default_kernel(self, factor: int) -> int:
        return 5

    @nn.compact
    def __call__(self, x: Array, guide: Array) -> Array:
        start = nn.initializers.normal(0.02)

        def embedded(x: Array, name: str) -> Array:
            types = {"dtype": self.dtype, "param_dtype": self.param_dtype}
            x = Norm("group", name=f"{name}_norm", **types)(x, train=False)
            return self.conv(x, name, 32, 1, kernel_init=start)

        queries = self.of_pixels(embedded(guide, "query"))
        alike = window_products(embedded(x, "key"), queries, self.kernel)
        weights = jax.nn.softmax(alike)
        mixed = mixtures(x, weights, self.kernel, self.factors, self.impl)
        return self.conv(mixed, "project", kernel=1)


@upsamplers.register(name="index_unpool")
class IndexUnpool(Guided):
    """Values spread by soft indices, learned from the encoder's map, then convolved.

    Lu et al. 2019 (IndexNet), sec. 4.2, holistic and linear: a convolution of the guide
    with kernel and stride `factor` to one index a sub-pixel, its sigmoid times x by
    nearest neighbour; `max_unpool` with places that are not all or nothing. There the
    encoder pools by the softmax of the same indices; here it stays what it is.

    >>> IndexUnpool(8).kernel
    (3, 3)
    """

    @nn.compact
    def __call__(self, x: Array, guide: Array) -> Array:
        index = self.conv(
            guide,
            "index",
            prod(self.factors),
            self.factors,
            strides=self.factors,
            use_bias=False,
        )
        index = depth_to_space(jax.nn.sigmoid(index), self.factors)
        return self.conv(resize.nearest(x, self.factors) * index)
