"""Upsamplers whose channels become sub-pixels in another way than `depth_to_space`."""

from collections.abc import Sequence
from functools import reduce
from math import prod
from typing import Any, ClassVar

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from deconvgen.nn.initializers import Initializer
from deconvgen.nn.upsample.base import ANY, Upsampler, upsamplers
from deconvgen.nn.upsample.transposed import DepthToSpace
from deconvgen.ops.convolution.strided import conv
from deconvgen.ops.resize import channel_repeat
from deconvgen.ops.subpixel import depth_to_space


@upsamplers.register(name="dc_up")
class DcUp(DepthToSpace):
    """Sub-pixel convolution plus the input's channels, repeated, as sub-pixels.

    Chen et al. 2024 (DC-AE, residual autoencoding), sec. 3.2. See
    `deconvgen.ops.resize.channel_repeat`; that path has no parameters.

    >>> DcUp(8).kernel
    (3, 3)
    """

    has_shortcut: ClassVar[bool] = True

    @nn.compact
    def __call__(self, x: Array) -> Array:
        return self.sub_pixels(x) + channel_repeat(x, self.factors, self.features)


@upsamplers.register(name="haar")
class Haar(Upsampler):
    """A convolution to wavelet bands (LL, LH, HL, HH), then the inverse Haar transform.

    Liu et al. 2018 (MWCNN), sec. 3.1; Gal et al. 2021 (SWAGAN), sec. 3. The channels
    are (r, s, features), the first band the lowest. Haar's is the orthonormal cosine
    transform of two pixels (DCT-II); at other factors it is that of as many.

    >>> Haar(8).kernel
    (3, 3)
    """

    ranks: ClassVar[tuple[int, ...]] = ANY
    kinds: ClassVar[tuple[str, ...]] = ("subband",)

    @nn.compact
    def __call__(self, x: Array) -> Array:
        init = self.init_for("subband", self.factors)
        count = prod(self.factors)
        bands = self.conv(x, features=self.features * count, kernel_init=init)
        *space, _ = bands.shape
        bands = bands.reshape(*space, count, self.features)
        pixels = jnp.asarray(synthesis(self.factors), bands.dtype)
        y = jnp.einsum("...kf,kp->...pf", bands, pixels)
        return depth_to_space(y.reshape(*space, count * self.features), self.factors)


def synthesis(factors: Sequence[int]) -> np.ndarray:
    """Row k: the sub-pixels of band k, [r s, r s], orthonormal; the first constant."""
    from scipy.fft import dct  # which takes its time

    axes = [np.asarray(dct(np.eye(r), axis=0, norm="ortho")) for r in factors]
    return reduce(lambda a, b: np.kron(a, b), axes)


@upsamplers.register(name="phase_mlp")
class PhaseMlp(Upsampler):
    """Sub-pixel convolution whose kernels are a network's values at their phases.

    Hu et al. 2019 (Meta-SR), sec. 3.2, eq. 4: (i / r, j / s, 1 / r, 1 / s), a ReLU
    layer of `hidden` (256 there, where it makes three channels), the kernel from the
    pixel to its sub-pixel (i, j). The parameters are the same whatever the factor.

    >>> PhaseMlp(8).kernel
    (3, 3)
    """

    hidden: int = 16
    ranks: ClassVar[tuple[int, ...]] = ANY

    @nn.compact
    def __call__(self, x: Array) -> Array:
        c, count = x.shape[-1], prod(self.factors)
        places = phases(self.factors)
        draw = nn.initializers.lecun_normal()
        units = nn.relu(
            self.conv(jnp.asarray(places), "units", self.hidden, 1, kernel_init=draw)
        )
        power = self.hidden * jnp.square(units).mean()  # which the start takes out
        shape = (*self.kernel, c, self.features)
        start = several(self.init_for("convolution"), shape, power)
        kernels = self.conv(
            units, "kernels", prod(shape), 1, kernel_init=start, use_bias=True
        )
        kernel = jnp.moveaxis(kernels.reshape(count, *shape), 0, -2)
        kernel = kernel.reshape(*shape[:-1], count * self.features).astype(x.dtype)
        y = depth_to_space(conv(x, kernel, impl=self.impl), self.factors)
        if not self.use_bias:
            return y
        zeros = nn.initializers.zeros
        bias = self.param("bias", zeros, (self.features,), self.param_dtype)
        return y + bias.astype(y.dtype)


def phases(factors: Sequence[int]) -> np.ndarray:
    """(i / r, j / s, 1 / r, 1 / s) of each sub-pixel: [1, r, s, 4]."""
    places = np.stack(np.meshgrid(*(np.arange(r) / r for r in factors), indexing="ij"))
    sizes = np.ones_like(places) / np.reshape(factors, (-1, *[1] * len(factors)))
    return np.moveaxis(np.concatenate([places, sizes]), 0, -1)[None].astype("f4")


def several(init: Initializer, shape: tuple[int, ...], power: Array) -> Initializer:
    """An initializer [.., units, prod(shape)] of kernels by `init`, over root power."""

    def draw(key: Array, wide: Sequence[int], dtype: Any = jnp.float32) -> Array:
        one = lambda key: init(key, shape, dtype).ravel()
        drawn = jax.vmap(one)(jax.random.split(key, wide[-2]))
        return drawn.reshape(wide) / jnp.sqrt(power).astype(dtype)

    return draw
