"""PIL images to uint8 arrays of one size; random crops and flips of such arrays."""

import numpy as np
from jaxtyping import Float64, Shaped, UInt8
from PIL import Image

from deconvgen.core.errors import UserError, near_match
from deconvgen.core.images import to_mode

CROPS = {
    "center": "scale the shorter side to the size and cut the middle square out",
    "random": "in training a random square, 8/9 of the shorter side; else the middle",
    "stretch": "scale both sides to the size, whatever that does to the proportions",
}


def check(image_size: int, channels: int, crop: str) -> None:
    """Raise a UserError for settings that `fit` could not follow."""
    if image_size < 0:
        raise UserError(f"image_size {image_size} must be positive, or 0 for as stored")
    if channels not in (0, 1, 3):
        raise UserError(
            f"channels must be 1 (grey), 3 (RGB) or 0 (as stored), not {channels}"
        )
    if crop not in CROPS:
        raise UserError(
            f"unknown crop {crop!r}{near_match(crop, CROPS)} (there is: "
            f"{', '.join(CROPS)})"
        )
    if crop == "random" and not image_size:
        raise UserError("crop 'random' needs an image_size to cut to")


def stored_size(image_size: int, crop: str) -> int:
    """The side of the images that are kept, from which `augment` may still cut."""
    return -(-image_size * 9 // 8) if crop == "random" else image_size


def _resize(image: Image.Image, size: int, crop: str, how: int) -> np.ndarray:
    if size and image.size != (size, size):
        side = min(image.size)
        left, top = (image.width - side) // 2, (image.height - side) // 2
        box = (left, top, left + side, top + side) if crop != "stretch" else None
        image = image.resize((size, size), how, box)
    return np.asarray(image)


def fit(
    image: Image.Image, size: int, channels: int, crop: str
) -> UInt8[np.ndarray, "h w c"]:
    """Crop and scale to `size` x `size` (0: leave) and `channels` (0: leave)."""
    image = to_mode(image, channels)
    pixels = _resize(image, size, crop, Image.Resampling.LANCZOS)
    return pixels if pixels.ndim == 3 else pixels[..., None]


def fit_mask(mask: Image.Image, size: int, crop: str) -> UInt8[np.ndarray, "h w"]:
    """The same for class indices, of which none is ever mixed from others."""
    return _resize(mask, size, crop, Image.Resampling.NEAREST).astype(np.uint8)


def augment(
    images: Shaped[np.ndarray, "n h w ..."],
    size: int,
    flip: bool,
    chance: Float64[np.ndarray, "n d"] | None,
) -> Shaped[np.ndarray, "n h2 w2 ..."]:
    """Cut to `size` (0: leave) and mirror, at random, or without draws from the middle.

    The first three numbers of `chance` are used: row, column, mirror. Masks that are
    given the same chance stay aligned with their images.
    """
    n, height, width = images.shape[:3]
    room = np.array([height - (size or height), width - (size or width)])
    if room.any():
        corners = chance[:, :2] * (room + 1) if chance is not None else room / 2
        corners = np.broadcast_to(corners, (n, 2)).astype(int)
        cut = np.empty((n, size, size, *images.shape[3:]), images.dtype)
        for out, image, (y, x) in zip(cut, images, corners, strict=True):
            out[:] = image[y : y + size, x : x + size]
        images = cut
    if flip and chance is not None:
        mirrored = (chance[:, 2] < 0.5).reshape(n, *[1] * (images.ndim - 1))
        images = np.where(mirrored, images[:, :, ::-1], images)
    return images
