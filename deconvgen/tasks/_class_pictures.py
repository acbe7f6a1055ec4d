"""Pictures of any size with their classes in colours, and a legend."""

from typing import Any

import jax
import numpy as np
from PIL import Image, ImageDraw
from PIL.Image import Resampling

from deconvgen.core import images
from deconvgen.core.palette import palette


def picture(run: Any, num: int, seed: int, source: str) -> np.ndarray:
    """The --input, its classes and both; without one, test images with their errors."""
    if source:
        drawn = segmented(run, images.load(source, run.image_shape[-1]))
    else:
        drawn = images.grid(run.shown(min(num, 16), seed), columns=2)
    return with_legend(drawn, run.config.data.class_names)


def segmented(run: Any, picture: np.ndarray) -> np.ndarray:
    """picture | classes | both, of a picture [h, w, c] of any size: uint8 [h, 3w, 3].

    Its shorter side is scaled to that of the training images, which is what the
    network knows; the classes are scaled back.
    """
    h, w, _ = picture.shape
    scale = min(run.image_shape[:2]) / min(h, w)
    step = 2 ** len(run.config.model.features)
    near = lambda n: max(step, round(n * scale / step) * step)
    size = (near(w), near(h))
    small = images.picture(images.to_uint8(picture)).resize(size, Resampling.LANCZOS)
    pixels = images.to_float(np.asarray(small)).reshape(size[1], size[0], -1)
    batch = {"image": pixels[None], "mask": np.ones(1, np.float32)}
    made = jax.jit(run.alone.sample)(run.state, batch, jax.random.key(0)[None])
    classes = images.to_uint8(np.asarray(made)[0, :, size[0] : 2 * size[0]])
    classes = np.asarray(Image.fromarray(classes).resize((w, h), Resampling.NEAREST))
    photo = np.broadcast_to(images.to_uint8(picture), (h, w, 3))
    both = (photo.astype(int) + classes) // 2
    return np.concatenate([photo, classes, both.astype(np.uint8)], axis=1)


def with_legend(picture: np.ndarray, names: tuple[str, ...]) -> np.ndarray:
    """The picture, enlarged if it is small, with each class's colour and name below."""
    enlarged = images.picture(picture, 512)
    colours = images.to_uint8(palette(len(names)))
    line, width = 16, max(enlarged.width, 200)
    places, x, y = [], 4, enlarged.height + 4
    for name in names:
        wide = 20 + 7 * len(name)
        if x + wide > width:
            x, y = 4, y + line
        places.append((x, y))
        x += wide
    sheet = Image.new("RGB", (width, y + line if names else enlarged.height), "white")
    sheet.paste(enlarged, (0, 0))
    draw = ImageDraw.Draw(sheet)
    for name, colour, (x, y) in zip(names, colours, places, strict=True):
        draw.rectangle((x, y, x + 10, y + 10), tuple(map(int, colour)), "black")
        draw.text((x + 14, y), name, "black")
    return np.asarray(sheet)
