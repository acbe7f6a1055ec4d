"""Small functions of images in [-1, 1], of which integers are the levels 0 .. 255."""

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float, Shaped

from deconvgen.core.errors import UserError
from deconvgen.ops.arguments import Given, Images, takes

OF_IMAGES = takes("levels", images="h w c")


@takes("levels", images="")
def unit(images: Shaped[Given, "*shape"]) -> Float[Array, "*shape"]:
    """[-1, 1] to [0, 1], in float32 at least."""
    return (images + 1) / 2


@OF_IMAGES
def luma(images: Images) -> Float[Array, "*b h w 1"]:
    """Y of YCbCr (ITU-R BT.601): 65.481 R + 128.553 G + 24.966 B + 16 of 255.

    In [-1, 1] like every image, so that black to white spans 16 to 235 of 255 levels
    and `psnr` of two of them has the peak 255 that super-resolution papers use.

    Raises `UserError` where there are no three channels.

    >>> round(luma(jnp.ones((1, 1, 1, 3))).item(), 3)  # 235 of 255, in [-1, 1]
    0.843
    """
    if images.shape[-1] != 3:
        raise UserError(
            f"luma is of colour images [..., h, w, 3], these have {images.shape[-1]} "
            "channels"
        )
    weights = jnp.array([65.481, 128.553, 24.966], jnp.float32)
    levels = jnp.sum(unit(images) * weights, axis=-1, keepdims=True) + 16
    return levels / 127.5 - 1


@OF_IMAGES
def quantize(images: Images) -> Float[Array, "*b h w c"]:
    """Clipped to [-1, 1] and rounded to the 256 levels of a picture file."""
    return jnp.round(jnp.clip(unit(images), 0, 1) * 255) / 127.5 - 1


@takes("kept", images="h w c")
def crop(images: Images, border: int) -> Shaped[Array, "*b h2 w2 c"]:
    """Without `border` pixels on every side."""
    _, h, w, _ = images.shape
    if not 0 <= 2 * border < min(h, w):
        raise UserError(
            f"a border of {border} pixels cannot be taken off images of {h} x {w}: it "
            f"should be 0 to {(min(h, w) - 1) // 2}"
        )
    return images[:, border : h - border, border : w - border]


@OF_IMAGES
def shrink(images: Images, factor: int) -> Float[Array, "*b h2 w2 c"]:
    """The antialiased bicubic reduction, in the 256 levels of a picture file.

    Rows and columns that fill no whole low-resolution pixel are cut off.

    Raises `UserError` where an image has no whole low-resolution pixel.

    >>> jax.eval_shape(partial(shrink, factor=2), images).shape
    (8, 8, 8, 1)
    """
    b, h, w, c = images.shape
    if min(h, w) < factor:
        raise UserError(
            f"an image of {h}x{w} has no whole pixel at a {factor}th of its resolution"
        )
    shape = (b, h // factor, w // factor, c)
    images = images[:, : shape[1] * factor, : shape[2] * factor]
    return quantize(jax.image.resize(images, shape, "bicubic", antialias=True))
