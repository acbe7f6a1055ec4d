"""Kinds of samples of every task: a grid, an interpolation, a reconstruction."""

import numpy as np
from PIL import Image, ImageOps

from deconvgen.core import images
from deconvgen.runs.run import Run
from deconvgen.runs.sampling.base import COLUMNS, between, kinds, slerp


@kinds.register
def grid(run: Run, num: int, seed: int, source: str) -> np.ndarray:
    """New images; of a task without latents, its pictures of the test images."""
    if run.task.decode is None:
        return images.grid(run.shown(num, seed))
    return images.grid(run.sample(num, seed), run.columns)


@kinds.register
def interpolation(run: Run, num: int, seed: int, source: str) -> np.ndarray:
    """Rows of 8 images on the great circle between two latents."""
    rows = max(1, num // COLUMNS)
    path = slerp(*between(run, rows, seed)).reshape(rows * COLUMNS, -1)
    labels = np.repeat(run.turns(rows), COLUMNS)
    return images.grid(run.decode(path, labels), columns=COLUMNS)


@kinds.register
def reconstruction(run: Run, num: int, seed: int, source: str) -> np.ndarray:
    """A test image, or the --input, and what the model makes of it.

    Where it is trained on corrupted images, the corrupted one is between the two.
    """
    if source:
        examples = fitted(source, run.image_shape)[None]
    elif run.config.get("corruption", {}).get("name", "none") != "none":
        return images.grid(run.shown(max(1, num // 3), seed))
    else:
        examples = run.examples(max(1, num // 2))["image"]
    pairs = np.stack([examples, run.reconstruct(examples)], axis=1)
    columns = 2 * max(1, round((len(pairs) / 2) ** 0.5))
    return images.grid(pairs.reshape(-1, *run.image_shape), columns=columns)


def fitted(source: str | np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
    """A picture, a file or uint8 [h, w, c], as an image: its middle, scaled to this."""
    height, width, channels = shape
    if isinstance(source, str):
        source = images.to_uint8(images.load(source, channels))
    photo = images.to_mode(images.picture(source), channels)
    pixels = ImageOps.fit(photo, (width, height), Image.Resampling.LANCZOS)
    return images.to_float(np.asarray(pixels)).reshape(shape)
