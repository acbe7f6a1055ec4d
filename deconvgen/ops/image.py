"""Small functions of images in [-1, 1]."""

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from deconvgen.core.errors import UserError

Images = Float[Array, "b h w c"]


def unit(images: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """[-1, 1] to [0, 1], in float32 at least."""
    images = images.astype(jnp.promote_types(images.dtype, jnp.float32))
    return (images + 1) / 2


def luma(images: Float[Array, "b h w 3"]) -> Float[Array, "b h w 1"]:
    """Y of YCbCr (ITU-R BT.601): 65.481 R + 128.553 G + 24.966 B + 16 of 255.

    In [-1, 1] like every image, so that black to white spans 16 to 235 of 255 levels
    and `psnr` of two of them has the peak 255 that super-resolution papers use.
    """
    weights = jnp.array([65.481, 128.553, 24.966], jnp.float32)
    levels = jnp.sum(unit(images) * weights, axis=-1, keepdims=True) + 16
    return levels / 127.5 - 1


def quantize(images: Images) -> Images:
    """Clipped to [-1, 1] and rounded to the 256 levels of a picture file."""
    return jnp.round(jnp.clip(unit(images), 0, 1) * 255) / 127.5 - 1


def crop(images: Images, border: int) -> Float[Array, "b h2 w2 c"]:
    """Without `border` pixels on every side."""
    _, h, w, _ = images.shape
    if 2 * border >= min(h, w):
        raise UserError(f"a border of {border} pixels leaves nothing of {h} x {w}")
    return images[:, border : h - border, border : w - border]


def shrink(images: Float[Array, "b h w c"], factor: int) -> Float[Array, "b h2 w2 c"]:
    """The antialiased bicubic reduction, in the 256 levels of a picture file.

    Rows and columns that fill no whole low-resolution pixel are cut off.
    """
    b, h, w, c = images.shape
    if min(h, w) < factor:
        raise UserError(
            f"an image of {h}x{w} has no whole pixel at a {factor}th of its resolution"
        )
    shape = (b, h // factor, w // factor, c)
    images = images[:, : shape[1] * factor, : shape[2] * factor]
    return quantize(jax.image.resize(images, shape, "bicubic", antialias=True))
