"""PIL images to uint8 arrays of one size; random crops and flips of such arrays.

An image and its mask go through the same functions, from turning them upright on.
"""

import numpy as np
from jaxtyping import Bool, Float64, Int64, Shaped, UInt8
from PIL import ExifTags, Image, ImageOps

from deconvgen.core.errors import UserError, near_match
from deconvgen.core.images import to_mode
from deconvgen.core.registry import known

SAYS_HOW = {"exif", "Raw profile type exif", "xmp", "XML:com.adobe.xmp"}
"""Where in an image's `info` it may say how it lies. TIFFs say it elsewhere."""

CROPS = {
    "center": "scale the shorter side to the size and cut the middle square out",
    "random": "in training a random square, 8/9 of the shorter side; else the middle",
    "stretch": "scale both sides to the size, whatever that does to the proportions",
}
known["crop"] = CROPS


def orientation(image: Image.Image) -> int:
    """How an image says that it lies, 1 to 8 as in EXIF; 0: it does not say."""
    found = image.getexif().get(ExifTags.Base.Orientation, 0)
    return found if found in range(1, 9) else 0


def upright(image: Image.Image) -> tuple[Image.Image, int]:
    """The image as it is meant to be seen, and what its `orientation` was."""
    if image.format == "TIFF":  # PIL turns it while it loads it, and forgets
        lies = orientation(image)
        image.load()
        return image, lies
    image.load()
    if SAYS_HOW.isdisjoint(image.info):  # PIL takes its time to find none
        return image, 0
    lies = orientation(image)
    return (ImageOps.exif_transpose(image) if lies > 1 else image), lies


def upright_size(image: Image.Image) -> tuple[int, int]:
    """(width, height) of the upright image, of which only the header is read."""
    swapped = image.format != "TIFF" and orientation(image) > 4
    width, height = image.size
    return (height, width) if swapped else (width, height)


def aligned(
    mask: Image.Image, lies: int, image: Image.Image, image_lies: int, name: str
) -> Image.Image:
    """The mask as it lies on the image; both are `upright` already.

    A mask that says itself how it lies is believed. Else it may have been made for the
    image's pixels as they are stored or as they are seen, and its size tells which.

    Raises:
      UserError: neither fits, or both do.
    """
    if not lies and image_lies > 1:
        stored = image.size[::-1] if image_lies > 4 else image.size
        if mask.size == stored == image.size:
            raise UserError(
                f"{name} is turned by its EXIF orientation {image_lies}, and nothing "
                "tells whether its mask is: save the image upright and without EXIF, "
                "or give the mask the image's orientation (or 1, if it is upright)"
            )
        if mask.size == stored:
            mask.getexif()[ExifTags.Base.Orientation] = image_lies
            mask = ImageOps.exif_transpose(mask)
    if mask.size != image.size:
        raise UserError(f"{name} is {image.size}, its mask {mask.size}")
    return mask


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


def choices(
    shape: tuple[int, ...],
    size: int,
    flip: bool,
    chance: Float64[np.ndarray, "n d"] | None,
) -> tuple[Int64[np.ndarray, "m 2"], Bool[np.ndarray, " m"]]:
    """What `augment` does to images [n, h, w, ...]: corners (row, column), and mirrors.

    The first three numbers of `chance` are used: row, column, mirror.
    """
    n, height, width = shape[:3]
    room = np.array([height - (size or height), width - (size or width)])
    corners = chance[:, :2] * (room + 1) if chance is not None else room / 2
    mirrored = chance[:, 2] < 0.5 if flip and chance is not None else np.zeros(n, bool)
    return np.broadcast_to(corners, (n, 2)).astype(int), mirrored


def augment(
    images: Shaped[np.ndarray, "n h w ..."],
    size: int,
    flip: bool,
    chance: Float64[np.ndarray, "n d"] | None,
) -> Shaped[np.ndarray, "n h2 w2 ..."]:
    """Cut to `size` (0: leave) and mirror, at random, or without draws from the middle.

    Masks that are given the same chance stay aligned with their images.
    """
    corners, mirrored = choices(images.shape, size, flip, chance)
    n = len(images)
    if size and images.shape[1:3] != (size, size):
        cut = np.empty((n, size, size, *images.shape[3:]), images.dtype)
        for out, image, (y, x) in zip(cut, images, corners, strict=True):
            out[:] = image[y : y + size, x : x + size]
        images = cut
    if mirrored.any():
        mirrored = mirrored.reshape(n, *[1] * (images.ndim - 1))
        images = np.where(mirrored, images[:, :, ::-1], images)
    return images
