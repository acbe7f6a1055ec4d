"""Differentiable augmentations of images in [-1, 1], drawn by each example's own key.

What a critic sees of real and of generated images alike, so that it cannot learn few
real images by heart, and the generator does not learn to draw augmented ones. The draws
are those of DiffAugment (Zhao et al. 2020, "Differentiable Augmentation for
Data-Efficient GAN Training").
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float, Key

from deconvgen.core.registry import Registry

Image = Float[Array, "h w c"]
Augmentation = Callable[[Image, Array], Image]

augmentations: Registry[Augmentation] = Registry("augmentation")


@augmentations.register
def color(image: Image, key: Array) -> Image:
    """Brightness + U(-0.5, 0.5), saturation * U(0, 2), contrast * U(0.5, 1.5)."""
    brightness, saturation, contrast = jax.random.uniform(key, (3,), image.dtype)
    image = image + brightness - 0.5
    grey = image.mean(-1, keepdims=True)
    image = grey + 2 * saturation * (image - grey)
    mean = image.mean()
    return mean + (0.5 + contrast) * (image - mean)


@augmentations.register
def translation(image: Image, key: Array) -> Image:
    """Whole pixels along each axis, up to an eighth of its size; zeros come in."""
    for axis, own in enumerate(jax.random.split(key)):
        size = image.shape[axis]
        most = int(size / 8 + 0.5)
        by = jax.random.randint(own, (), -most, most + 1)
        index = jnp.arange(size)
        moved = (index == index[:, None] - by).astype(image.dtype)  # [to, from]
        image = jnp.moveaxis(jnp.tensordot(moved, image, (1, axis)), 0, axis)
    return image


@augmentations.register
def cutout(image: Image, key: Array) -> Image:
    """Zeros in a square of half the size; its centre is anywhere in the image."""
    inside = jnp.ones((), bool)
    for axis, own in enumerate(jax.random.split(key)):
        size = image.shape[axis]
        side = int(size / 2 + 0.5)
        first = jax.random.randint(own, (), 0, size + 1 - side % 2) - side // 2
        index = jnp.arange(size)
        within = (index >= first) & (index < first + side)
        inside = inside & jnp.expand_dims(within, (1, 2) if axis == 0 else (0, 2))
    return jnp.where(inside, 0, image)


def augment(
    images: Float[Array, "b h w c"],
    keys: Key[Array, " b"],
    policy: str,
    p: float | Array = 1.0,
) -> Float[Array, "b h w c"]:
    """The images after each augmentation of `policy`, in its order.

    - policy: names with commas, `"color,translation,cutout"`; "" changes nothing.
    - p: how likely each of them is for each image, in [0, 1].

    Raises `UserError` for a name that nothing goes by. The gradient goes through.
    """
    for place, name in enumerate(part.strip() for part in policy.split(",") if part):
        one = augmentations[name]

        def drawn(image: Image, key: Array, one=one, place=place) -> Image:
            draw, how = jax.random.split(jax.random.fold_in(key, place))
            return jnp.where(jax.random.uniform(draw) < p, one(image, how), image)

        images = jax.vmap(drawn)(images, keys)
    return images
