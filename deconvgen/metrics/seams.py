"""Seams between tiles, patches and blocks: columns where neighbours differ more."""

from typing import NamedTuple

import numpy as np

from deconvgen.metrics.periods import AXES, CHANCE, Periods

LEAST_DB = 1.5
MOST_DB = 12.0
"""What one picture's seam counts at most: those of flat skies would be the spread."""
SHORTEST = 8
NEAR = (2, 3, 4)
"""Pixels from a seam to what it is held against."""


class Seam(NamedTuple):
    """The step across every `period`-th column (or row) over its neighbours' steps.

    The first seam lies between pixel `offset` and the one before it. `level` is in dB
    of the differences' power, from the mean of their roots; `p` of a bootstrap over
    groups of pictures, corrected for all periods and offsets of both axes.
    """

    axis: str
    period: int
    offset: int
    level: float
    p: float

    @property
    def clear(self) -> bool:
        """Whether it is none by chance, and high enough to be called a seam."""
        return self.p <= CHANCE and self.level >= LEAST_DB


def seams(found: Periods, longest: int = 256, draws: int = 499) -> list[Seam]:
    """The clearest seam of each axis, with at least three seams in a picture.

    Two would be the sides of what stands in the middle of every picture.
    """
    made = []
    for axis, sums in enumerate(found.sums):
        steps = sums["steps"][:, :-1]
        steps = steps[steps.sum(1) > 0]
        n = steps.shape[1]
        db = 40 * np.log10(np.maximum(steps, 1e-3 * steps.mean(1, keepdims=True)))
        padded = np.pad(db, [(0, 0), (NEAR[-1], NEAR[-1])], mode="reflect")
        at = lambda d, padded=padded, n=n: padded[:, NEAR[-1] + d :][:, :n]
        around = np.mean([at(side * d) for d in NEAR for side in (1, -1)], axis=0)
        contrast = np.clip(db - around, -MOST_DB, MOST_DB)
        pairs = [
            (period, first)
            for period in range(SHORTEST, min(longest, n // 3) + 1)
            for first in range(period)
            if first + 2 * period < n
        ]
        if len(contrast) < 2 or not pairs:
            continue
        levels = np.stack([contrast[:, a::t].mean(1) for t, a in pairs], axis=1)
        mean = levels.mean(0)
        spread = levels.std(0, ddof=1) / np.sqrt(len(levels))
        t = mean / np.maximum(spread, 0.01)
        highest = np.sort(_highest(levels, mean, draws))
        over = draws - np.searchsorted(highest, t)
        p = np.minimum(1, 2 * (1 + over) / (1 + draws))  # of two axes
        # Of those that chance does not make, what explains most of what is seen.
        numbers = np.array([1 + (n - 1 - a) // period for period, a in pairs])
        clear = (p <= CHANCE) & (mean >= LEAST_DB)
        best = int(np.argmax(np.where(clear, 1e6 + mean * np.sqrt(numbers), t)))
        period, first = pairs[best]
        place = (first + 1) % period
        made.append(Seam(AXES[axis], period, place, float(mean[best]), float(p[best])))
    return made


def _highest(levels: np.ndarray, mean: np.ndarray, draws: int) -> np.ndarray:
    """The largest of the studentized means of each draw of groups."""
    n, rng = len(levels), np.random.default_rng(0)
    highest, centred = np.empty(draws), levels - mean
    for i in range(draws):
        times = rng.multinomial(n, np.full(n, 1 / n)) / n
        means = times @ centred
        squares = np.maximum(times @ centred**2 - means**2, 0)
        highest[i] = np.max(means / np.maximum(np.sqrt(squares / (n - 1)), 0.01))
    return highest
