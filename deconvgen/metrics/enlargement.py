"""What an enlargement is worth: PSNR and SSIM of Y, next to the bicubic one's."""

import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from deconvgen.core.types import Images
from deconvgen.metrics.image import image_metrics
from deconvgen.ops.image import crop, luma, quantize


def whole(images: Images, factor: int) -> Float[Array, "b h2 w2 c"]:
    """Without the rows and columns that fill no low-resolution pixel."""
    _, h, w, _ = images.shape
    return images[:, : h - h % factor, : w - w % factor]


def figures(made: Images, images: Images, factor: int) -> dict[str, Float[Array, " b"]]:
    """PSNR in dB and SSIM of Y in 8-bit levels, `factor` pixels of border cropped.

    As in the MATLAB scripts of the field, Y spans 16 to 235 for an image in colour; a
    grey one (channels all equal, or one alone) is scored on its own 0 to 255.
    """
    levels = lambda x: quantize(jnp.broadcast_to(x, (*x.shape[:-1], 3)))
    truth = levels(images)
    grey = jnp.all(truth == truth[..., :1], axis=(1, 2, 3), keepdims=True)

    def y(x):
        studio = luma(x)
        full = (studio + 1 - 16 / 127.5) * (255 / 219) - 1
        return crop(jnp.where(grey, full, studio), factor)

    made, truth = y(levels(made)), y(truth)
    return {name: image_metrics[name](made, truth) for name in ("psnr", "ssim")}


def compared(
    made: Images, bicubic: Images, images: Images, factor: int
) -> dict[str, Float[Array, " b"]]:
    """`figures` of the model and of the bicubic enlargement, and the gain in dB."""
    ours, theirs = figures(made, images, factor), figures(bicubic, images, factor)
    return {
        **{f"{k}_y": v for k, v in ours.items()},
        **{f"{k}_y_bicubic": v for k, v in theirs.items()},
        "gain_db": ours["psnr"] - theirs["psnr"],
    }
