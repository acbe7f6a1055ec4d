"""Sample grids cut into images again: strips side by side, and their spectra."""

import base64
import io
import itertools
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from PIL import Image

from deconvgen import tasks
from deconvgen.core import images
from deconvgen.core.errors import UserError
from deconvgen.metrics.spectra import decibels
from deconvgen.ops.spectrum import azimuthal_average, power_spectrum
from deconvgen.report.results import Result
from deconvgen.runs import pinned
from deconvgen.runs import setup as runs

STRIP = 10
"""Images in a strip."""


class Sheet(NamedTuple):
    """The images of a sample grid, uint8."""

    cells: np.ndarray  # [n, h, w * k, c]: what the task shows of an example
    width: int  # w
    of_images: bool = True  # like those of the data

    def made(self) -> np.ndarray:
        """What the model made [n, h, w, c]: of several pictures side by side the last
        one, but where the last is the original (super-resolution), that before it."""
        count = self.cells.shape[2] // self.width
        index = count - 2 if count == 4 else count - 1
        return self.cells[:, :, index * self.width : (index + 1) * self.width]


def cut(
    path: Path, height: int, width: int, num: int, columns: int = 0
) -> Sheet | None:
    """The images that `deconvgen.core.images.grid` laid out; None where that cannot be.

    A cell is `height` x k `width` with k from 1 to 6, the grid has so many columns or
    is near square, with gaps of a pixel, and may be enlarged by a whole factor.
    """
    pixels = np.asarray(Image.open(path))
    pixels = pixels[..., None] if pixels.ndim == 2 else pixels[..., :3]
    for k, given in itertools.product(range(1, 7), dict.fromkeys((columns, 0))):
        cell = width * k
        across = given or max(1, math.ceil(math.sqrt(num * height / cell)))
        rows = -(-num // across)
        size = (rows * (height + 1) - 1, across * (cell + 1) - 1)
        factor = pixels.shape[0] // size[0]
        if factor and pixels.shape[:2] == (size[0] * factor, size[1] * factor):
            small = pixels[factor // 2 :: factor, factor // 2 :: factor]
            cells = [
                small[y : y + height, x : x + cell]
                for y in range(0, size[0], height + 1)
                for x in range(0, size[1], cell + 1)
            ]
            return Sheet(np.stack(cells[:num]), width)
    return None


def sheet(result: Result) -> Sheet | None:
    """The newest sample grid of a run."""
    path = result.picture()
    if path is None:
        return None
    try:
        config: Any = pinned.saved(result.place)
        h, w, _ = config.data.image_shape
        found = cut(path, h, w, config.num_samples, runs.class_columns(config))
        of_images = tasks.entry(config.task).draws_images
        return found and found._replace(of_images=of_images)
    except (UserError, OSError):
        return None


def row(found: Sheet, count: int = STRIP) -> np.ndarray:
    """The first images side by side, uint8 [h, w, c]."""
    count = max(2, min(count, round(count * found.width / found.cells.shape[2])))
    return images.grid(images.to_float(found.cells[:count]), columns=count)


def strip(found: Sheet, count: int = STRIP) -> str:
    """The first images in a row, as a data URL."""
    return url(row(found, count), 560)


def url(pixels: np.ndarray, smallest: int = 0) -> str:
    """A picture, uint8 [h, w, c], as a data URL; enlarged to `smallest` pixels."""
    buffer = io.BytesIO()
    images.picture(pixels, smallest).save(buffer, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def spectrum(pixels: np.ndarray) -> list[tuple[float, float]]:
    """Azimuthal power spectrum of images: (cycles a pixel, dB), without frequency 0."""
    power = azimuthal_average(power_spectrum(jnp.asarray(images.to_float(pixels))))
    levels = decibels(np.asarray(power).mean(0))
    size = min(pixels.shape[1:3])
    return [(r / size, float(levels[r])) for r in range(1, len(levels))]


def real_images(result: Result, num: int = 256) -> np.ndarray | None:
    """Images that it was evaluated on while training, uint8 [n, h, w, c]; None where
    the data set is not to be had."""
    try:
        config = pinned.saved(result.place)
        found = runs.dataset(config, runs.watched(config))
        if pinned.other_data(result.place, config, found.identity):
            return None
        batch = next(found.eval_batches(num, limit=num))
    except (UserError, OSError):
        return None
    return images.to_uint8(batch["image"][batch["mask"] > 0])


def same_latents(results: Sequence[Result]) -> list[Result]:
    """One run a setting, all of the seed that most settings have samples of.

    Samples of one seed come from the same latents.
    """
    seeds = [r.seed for r in results if r.picture()]
    if not seeds:
        return []
    most = max(sorted(set(seeds)), key=seeds.count)
    return [r for r in results if r.seed == most and r.picture()]
