"""Kernels that make a pixel's channels the amplitudes of principal patches."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import reduce

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.nn import initializers as plain
from jaxtyping import Shaped

from deconvgen.nn.initializers.base import Use, initializer
from deconvgen.nn.initializers.orthogonal import count, of_phases
from deconvgen.ops.arguments import levels
from deconvgen.ops.subpixel import space_to_depth

CORRELATION = (
    0.95  # of neighbours in the images that are thought of where none are seen
)

_images: ContextVar[Array | None] = ContextVar("images", default=None)


@contextmanager
def seen(images: Shaped[Array, "b *space c"] | None) -> Iterator[None]:
    """In which `pca` knows what images the network is to make, [b, *space, channels].

    >>> layer = nn.make_upsampler("conv_transpose", 1, initializer="pca")
    >>> with seen(images):
    ...     variables = layer.init(key, x)
    """
    token = _images.set(images)
    try:
        yield
    finally:
        _images.reset(token)


@initializer("sub_pixel", "deconvolution")
@of_phases
def pca(key: Array, use: Use, c: int, features: int) -> Array:
    """The principal r x s patches of the images, in the order of their power.

    A pixel of c channels becomes the sum of the first c patches: as a linear
    autoencoder would decode it. Tian et al. 2019 (DUpsampling), sec. 3.1, eq. 4, where
    they are those of label maps. The patches of the first batch are taken, about zero,
    in a layer of as many features as the images have channels; in another, those of a
    first-order Markov process of correlation 0.95 (cosines, nearly: Ahmed et al. 1974)
    in random mixtures of the features.
    """
    images, rank = _images.get(), len(use.factor)
    if images is not None and (images.ndim, images.shape[-1]) == (rank + 2, features):
        patches = _of_images(images, use)
    else:
        patches = _of_markov(key, use, features)
    size = count(use) * features
    if c > size:  # no channel shall be idle
        mixed = plain.orthogonal()(key, (c, size), patches.dtype)
        patches = mixed @ patches
    return jnp.moveaxis(patches[:c].reshape(c, count(use), features), 0, 1)


def _of_images(images: Array, use: Use) -> Array:
    """Rows of principal patches [r s f, r s f], the strongest first."""
    whole = (
        slice(n - n % s) for n, s in zip(images.shape[1:-1], use.factor, strict=True)
    )
    images = levels(images)[(slice(None), *whole)]
    patches = space_to_depth(images, use.factor)
    patches = patches.reshape(-1, patches.shape[-1]).astype(jnp.float32)
    _, vectors = jnp.linalg.eigh(patches.T @ patches / max(1, len(patches)))
    return vectors[:, ::-1].T


def _of_markov(key: Array, use: Use, features: int) -> Array:
    """The same of a Markov process, each patch in `features` orthogonal mixes."""
    powers, bases = [], []
    for s in use.factor:
        apart = np.abs(np.subtract.outer(np.arange(s), np.arange(s)))
        power, vectors = np.linalg.eigh(CORRELATION**apart)
        powers.append(power)
        bases.append(vectors.T)
    power, basis = reduce(np.kron, powers), reduce(np.kron, bases)
    basis = jnp.asarray(basis[np.argsort(power, kind="stable")[::-1]], jnp.float32)
    mixes = plain.orthogonal()(key, (features, features), jnp.float32)
    rows = jnp.einsum("kp,mf->kmpf", basis, mixes)
    size = math.prod(use.factor) * features
    return rows.reshape(size, size)
