"""What can be drawn from a checkpoint: one function a kind.

A kind is a `deconvgen.core.types.Picture`; `deconvgen sample --kind=NAME` draws it.
"""

import functools

import numpy as np

from deconvgen import tasks
from deconvgen.core.errors import UserError
from deconvgen.core.numbers import SEEDS
from deconvgen.core.registry import Registry
from deconvgen.core.types import Picture
from deconvgen.runs.run import Run

COLUMNS = 8
"""Images in a row of the kinds whose rows are series."""

kinds: Registry[Picture] = Registry("kind of sample")
"""Those that every task is asked for; the others are in the tasks' `pictures`."""


def every() -> dict[str, Picture]:
    """All kinds by name, those that some tasks alone have at the end."""
    return {**kinds, **own()}


def own() -> dict[str, Picture]:
    """The kinds that some tasks alone have; runs of other tasks they refuse."""
    found = ((task, tasks.entry(task).pictures) for task in tasks.names())
    return {k: _only(task, k, draw) for task, had in found for k, draw in had.items()}


def _only(task: str, kind: str, draw: Picture) -> Picture:
    @functools.wraps(draw)
    def drawn(run: Run, num: int, seed: int, source: str) -> np.ndarray:
        had = tasks.entry(run.config.task).pictures
        if kind not in had:
            raise UserError(
                f"--kind={kind} wants a run of task {task}, and {run.folder} is of "
                f"task {run.config.task}"
            )
        return had[kind](run, num, seed, source)

    return drawn


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
