"""What can be drawn from a checkpoint: one function a kind.

A kind is a function `(run, num, seed, source) -> picture or frames`, uint8
[h, w, c] or [n, h, w, c]; `deconvgen sample --kind=NAME` draws it.
"""

from collections.abc import Callable

import numpy as np

from deconvgen.core.numbers import SEEDS
from deconvgen.core.registry import Registry
from deconvgen.runs.run import Run

TAKES_INPUT = ("reconstruction", "segmentation", "superres")
COLUMNS = 8
"""Images in a row of the kinds whose rows are series."""

Kind = Callable[[Run, int, int, str], np.ndarray]
kinds: Registry[Kind] = Registry("kind of sample")


def latents(run: Run, num: int, seed: int) -> np.ndarray:
    """Standard normal latents [num, latent]."""
    return run.latents(num, seed)


def between(
    run: Run, rows: int, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Two latents a row, [rows, 1, latent], and the shares of the way between them."""
    a, b = (
        latents(run, rows, seed)[:, None],
        latents(run, rows, (seed + 1) % SEEDS)[:, None],
    )
    return a, b, np.linspace(0, 1, COLUMNS, dtype=np.float32)[None, :, None]


def slerp(a: np.ndarray, b: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Spherical interpolation of latents [..., d]; share 0 is `a`, 1 is `b`.

    White 2016, "Sampling Generative Networks", section 2.1: along the great circle,
    so that the norm stays typical of a Gaussian.
    """
    norms = np.linalg.norm(a, axis=-1) * np.linalg.norm(b, axis=-1)
    angle = np.arccos(np.clip((a * b).sum(-1) / norms, -1, 1))[..., None]
    sine = np.maximum(np.sin(angle), 1e-6)
    return (np.sin((1 - share) * angle) * a + np.sin(share * angle) * b) / sine
