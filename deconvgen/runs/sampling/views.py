"""Kinds of samples that look into a model: its layers, and what it may have copied."""

import numpy as np
from PIL import Image, ImageDraw

from deconvgen.core import images
from deconvgen.metrics.neighbours import nearest
from deconvgen.runs.run import Run
from deconvgen.runs.sampling.base import COLUMNS, kinds

LARGEST = 20_000
"""Training images that the neighbours are looked for among."""

TILE, GAP, LINE = 64, 2, 14
"""Pixels of a feature map's side, between two of them, and of its layer's name."""


@kinds.register
def neighbours(run: Run, num: int, seed: int, source: str) -> np.ndarray:
    """An image a row, then the training images nearest to it (pixels, root of squares).

    Among the first 20,000 of the training split.
    """
    train = run.train_set
    real, count = [], min(LARGEST, train.num_examples)
    for batch in train.eval_batches(500, limit=count):
        real.append(images.to_uint8(batch["image"][batch["mask"] > 0]))
    known = images.to_float(np.concatenate(real))
    drawn = run.sample(max(1, num // COLUMNS), seed)
    flat = lambda x: x.reshape(len(x), -1)
    _, closest = nearest(flat(drawn), flat(known), min(COLUMNS - 1, count))
    rows = np.concatenate([drawn[:, None], known[closest]], axis=1)
    return images.grid(rows.reshape(-1, *run.image_shape), columns=rows.shape[1])


@kinds.register
def features(run: Run, num: int, seed: int, source: str) -> np.ndarray:
    """The feature maps of one image, a row a layer: the channels that vary most.

    `num` at most in a row (up to 16). Each layer has a scale of its own: mean grey, and
    black and white at two standard deviations.
    """
    if run.task.decode is not None:
        maps = run.feature_maps(run.latents(1, seed))
    else:
        which = seed % run.dataset(run.split).num_examples
        maps = run.feature_maps(run.examples(which + 1)["image"][which:])
    return sheet(maps, min(num, 16))


def sheet(maps: dict[str, np.ndarray], columns: int) -> np.ndarray:
    """Feature maps [1, h, w, c] by layer as one picture, a row each."""
    page = Image.new(
        "RGB", (columns * (TILE + GAP), len(maps) * (TILE + LINE + GAP)), "white"
    )
    draw = ImageDraw.Draw(page)
    for row, (name, found) in enumerate(maps.items()):
        top = row * (TILE + LINE + GAP)
        _, height, width, channels = found.shape
        draw.text((0, top), f"{name}  {height} x {width} x {channels}", "black")
        for column, tile in enumerate(_tiles(name, found[0], columns)):
            page.paste(tile, (column * (TILE + GAP), top + LINE))
    return np.asarray(page)


def _tiles(name: str, maps: np.ndarray, most: int) -> list[Image.Image]:
    """The channels of maps [h, w, c] that vary most, as pictures of TILE pixels."""
    if name == "image":
        pictures = [images.to_uint8(maps)]
    else:
        chosen = np.argsort(-maps.std((0, 1)), kind="stable")[:most]
        scaled = (maps - maps.mean()) / (2 * maps.std() + 1e-12)
        pictures = [images.to_uint8(scaled[..., [c]]) for c in chosen]
    size = (TILE, TILE)
    return [images.picture(p).resize(size, Image.Resampling.NEAREST) for p in pictures]
