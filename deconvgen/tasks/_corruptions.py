"""What a denoising autoencoder has to undo, one example at a time.

Vincent et al. 2010, "Stacked Denoising Autoencoders", section 3.3, and a hole to be
filled in (Pathak et al. 2016, "Context Encoders"). Every corruption is
`corrupt(key, image, amount)` on one image [h, w, c] in [-1, 1].
"""

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float, Key

from deconvgen.core.registry import Registry
from deconvgen.core.types import Scalar

corruptions = Registry("corruption")

Image = Float[Array, "h w c"]
OneKey = Key[Array, ""]


@corruptions.register
def none(key: OneKey, image: Image, amount: Scalar) -> Image:
    """The image itself."""
    return image


@corruptions.register
def gaussian(key: OneKey, image: Image, amount: Scalar) -> Image:
    """Normal noise whose standard deviation is `amount` (of the range [-1, 1])."""
    return image + amount * jax.random.normal(key, image.shape, image.dtype)


@corruptions.register
def salt_and_pepper(key: OneKey, image: Image, amount: Scalar) -> Image:
    """A share `amount` of the pixels turned black or white, all channels alike."""
    u = jax.random.uniform(key, (*image.shape[:2], 1))
    extreme = jnp.where(u < amount / 2, -1.0, 1.0).astype(image.dtype)
    return jnp.where(u < amount, extreme, image)


@corruptions.register
def masking(key: OneKey, image: Image, amount: Scalar) -> Image:
    """A share `amount` of the pixels turned to middle grey."""
    u = jax.random.uniform(key, (*image.shape[:2], 1))
    return jnp.where(u < amount, 0.0, image).astype(image.dtype)


@corruptions.register
def hole(key: OneKey, image: Image, amount: Scalar) -> Image:
    """A rectangle of the share `amount` of the area, somewhere, turned to middle grey.

    Its sides are those of the image times the root of `amount`.
    """
    h, w, _ = image.shape
    sides = [max(1, round(n * amount**0.5)) for n in (h, w)]
    corner = jax.random.uniform(key, (2,))

    def inside(n: int, side: Any, share: Array) -> Array:
        start = jnp.floor(share * (n - side + 1))
        return (jnp.arange(n) >= start) & (jnp.arange(n) < start + side)

    rows, columns = inside(h, sides[0], corner[0]), inside(w, sides[1], corner[1])
    return jnp.where((rows[:, None] & columns)[..., None], 0.0, image).astype(
        image.dtype
    )
