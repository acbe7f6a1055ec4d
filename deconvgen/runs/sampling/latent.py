"""Kinds of samples that move through the latent space."""

import numpy as np
from scipy.special import ndtr, ndtri

from deconvgen.core import images
from deconvgen.core.errors import UserError
from deconvgen.runs.run import Run
from deconvgen.runs.sampling.base import COLUMNS, between, kinds, latents, slerp

WALK = 16
"""Images in a frame of a walk, and frames from one latent to the next."""


@kinds.register
def classes(run: Run, num: int, seed: int, source: str) -> np.ndarray:
    """A class a row, the same latents in each row; of a class-conditional model."""
    if not run.config.model.get("conditional", False):
        raise UserError(
            "--kind=classes wants a model trained with model.conditional=true, "
            f"and {run.folder} was not"
        )
    count = run.config.data.num_classes
    columns = max(1, num // count)
    rows = np.tile(latents(run, columns, seed), (count, 1))
    return images.grid(run.decode(rows, np.repeat(np.arange(count), columns)), columns)


@kinds.register
def truncation(run: Run, num: int, seed: int, source: str) -> np.ndarray:
    """The same images from a latent cut off at 3, and by steps down to 0.3.

    Brock et al. 2019, "Large Scale GAN Training", section 3.1: values of the latent
    beyond a threshold are drawn again, which gives up variety for quality. Here the
    quantile of each value stays, so that a column shows one image on its way.
    """
    rows = max(2, num // COLUMNS)
    quantiles = ndtr(latents(run, COLUMNS, seed).astype(np.float64))
    least = ndtr(-np.geomspace(3.0, 0.3, rows))[:, None, None]
    cut = ndtri(least + quantiles * (1 - 2 * least)).astype(np.float32)
    labels = np.tile(run.turns(COLUMNS), rows)
    decoded = run.decode(cut.reshape(-1, run.task.latent), labels)
    return images.grid(decoded, COLUMNS)


@kinds.register
def linear_interpolation(run: Run, num: int, seed: int, source: str) -> np.ndarray:
    """Pairs of rows: on the great circle between two latents; on the straight line."""
    rows = max(1, num // (2 * COLUMNS))
    a, b, share = between(run, rows, seed)
    line = (1 - share) * a + share * b
    paths = np.stack([slerp(a, b, share), line], axis=1)
    labels = np.repeat(run.turns(rows), 2 * COLUMNS)
    return images.grid(run.decode(paths.reshape(-1, run.task.latent), labels), COLUMNS)


@kinds.register
def walk(run: Run, num: int, seed: int, source: str) -> np.ndarray:
    """A GIF: images that walk along great circles from latent to latent and back.

    `num` frames, of 16 images each.
    """
    corners = max(3, num // WALK)
    stations = latents(run, corners * WALK, seed).reshape(corners, WALK, -1)
    labels = run.turns(WALK)
    frames = []
    for frame in range(max(2, num)):
        whole, share = divmod(frame * corners / max(2, num), 1)
        a, b = stations[int(whole)], stations[(int(whole) + 1) % corners]
        path = slerp(a, b, np.full((1, 1), share)).astype(np.float32)
        frames.append(images.grid(run.decode(path, labels)))
    return np.stack(frames)
