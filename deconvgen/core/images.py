"""[-1, 1] <-> uint8, grids, PNG and GIF."""

import math
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from deconvgen.core import files
from deconvgen.core.errors import UserError

_MODES = {1: "L", 3: "RGB"}
_WIDE = {"I", "I;16", "I;16B", "I;16L", "I;16N"}  # 16 bits, which PIL clips, not scales


def to_uint8(images: np.ndarray) -> np.ndarray:
    """[-1, 1] floats -> 0..255, rounded; NaN becomes 0."""
    scaled = (np.nan_to_num(np.asarray(images, np.float32), nan=-1.0) + 1.0) * 127.5
    return np.clip(np.rint(scaled), 0, 255).astype(np.uint8)


def to_float(pixels: np.ndarray) -> np.ndarray:
    """0..255 -> [-1, 1] float32."""
    return np.asarray(pixels, np.float32) / 127.5 - 1.0


def grid(images: np.ndarray, columns: int = 0, gap: int = 1) -> np.ndarray:
    """[n, h, w, c] in [-1, 1] -> one picture [H, W, c] in uint8, near square."""
    pixels = to_uint8(images)
    n, h, w, c = pixels.shape
    columns = columns or max(1, math.ceil(math.sqrt(n * h / w)))
    rows = -(-n // columns)
    sheet = np.full(
        (rows * (h + gap) - gap, columns * (w + gap) - gap, c), 255, np.uint8
    )
    for i, picture in enumerate(pixels):
        y, x = i // columns * (h + gap), i % columns * (w + gap)
        sheet[y : y + h, x : x + w] = picture
    return sheet


def picture(pixels: np.ndarray, smallest: int = 0) -> Image.Image:
    """uint8 [h, w, c] -> PIL; enlarged by a whole factor to at least `smallest`."""
    image = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
    factor = -(-smallest // max(image.size)) if smallest else 1
    if factor > 1:
        size = (image.width * factor, image.height * factor)
        image = image.resize(size, Image.Resampling.NEAREST)
    return image


def format_of(path: Path) -> str:
    """PIL's name of the format of a path's ending; a `UserError` where it has none."""
    kind = Image.registered_extensions().get(path.suffix.lower(), "")
    if kind not in Image.SAVE:
        raise UserError(
            f"{path} has no picture format's ending (expected .png, .jpg or .webp)"
        )
    return kind


def save(pixels: np.ndarray, path: Path | str, smallest: int = 0) -> Path:
    """Write uint8 [h, w, c] in the format of the path's ending."""
    path = Path(path)
    kind = format_of(path)
    with files.beside(path) as temporary:
        picture(pixels, smallest).save(temporary, kind)
    return path


def save_animation(frames: np.ndarray, path: Path | str, seconds: float = 0.08) -> Path:
    """Write uint8 frames [n, h, w, c] as a GIF that repeats."""
    path = Path(path)
    first, *others = [picture(frame, 128) for frame in frames]
    moving = {"save_all": True, "append_images": others, "loop": 0}
    with files.beside(path) as temporary:
        first.save(temporary, "GIF", duration=int(1000 * seconds), **moving)
    return path


def channels_of(image: Image.Image) -> int:
    """1 for a grey image, else 3."""
    return 1 if image.mode in {"1", "L", "LA", "La", "F", *_WIDE} else 3


def to_mode(image: Image.Image, channels: int = 0) -> Image.Image:
    """Upright, grey (1) or RGB (3; 0: as stored); what is transparent becomes white."""
    image.load()
    if "exif" in image.info:  # asked here, for PIL takes its time to find none
        image = ImageOps.exif_transpose(image)
    mode = _MODES[channels or channels_of(image)]
    if image.mode in _WIDE:
        image = Image.fromarray((np.asarray(image) // 256).astype(np.uint8))
    if image.mode in {"RGBA", "LA", "PA"} or "transparency" in image.info:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image)
    return image if image.mode == mode else image.convert(mode)


def load(path: Path | str, channels: int = 3) -> np.ndarray:
    """Read a picture as float32 [h, w, channels] in [-1, 1]."""
    try:
        with Image.open(path) as image:
            pixels = np.asarray(to_mode(image, channels))
    except FileNotFoundError:
        raise UserError(f"there is no picture {path}") from None
    except (OSError, Image.DecompressionBombError) as error:
        raise UserError(f"{path} cannot be read as a picture: {error}") from None
    return to_float(pixels if pixels.ndim == 3 else pixels[..., None])
