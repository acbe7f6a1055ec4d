"""Seams between tiles, patches and blocks: columns where neighbours differ more."""

from typing import NamedTuple

import numpy as np

from deconvgen.metrics.lines import CHANCE
from deconvgen.metrics.periods import AXES, Periods

LEAST_DB = 1.5
MOST_DB = 12.0
"""What one picture's seam counts at most: those of flat skies would be the spread."""
SHORTEST = 8
NEAR = (2, 3, 4)
"""Pixels from a seam to what it is held against, beside those next to it."""
EDGE = 2
"""Steps from a border of the picture that are no seams: one side is not seen."""


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


def seams(
    found: Periods,
    real: Periods | None = None,
    blocks: tuple[int, int] | None = None,
    longest: int = 256,
    draws: int = 499,
) -> list[Seam]:
    """The clearest seam of each axis, with at least three seams in a picture.

    Two would be the sides of what stands in the middle of every picture. A seam is
    sharp, as the outline of what is alike in all pictures is not; three in four of a
    period's have half of `LEAST_DB`; and the same steps at other places of the picture
    would not be as evenly apart. With `real`, levels are those over the real pictures'
    own; with `blocks`, the first row and column of JPEG's, those over what most of
    their borders have.
    """
    made = []
    for axis, sums in enumerate(found.sums):
        sets = [sums["steps"]]
        if real is not None and real.shape == found.shape:
            sets.append(real.sums[axis]["steps"])
        first_block = None if blocks is None else blocks[axis]
        sets = [_contrasts(steps, first_block) for steps in sets]
        n = sets[0].shape[1]
        pairs = [
            (period, first)
            for period in range(SHORTEST, min(longest, n // 3) + 1)
            for first in range(EDGE, EDGE + period)
            if first + 2 * period < n - EDGE
        ]
        if min(map(len, sets)) < 2 or not pairs:
            continue
        places = [slice(first, n - EDGE, period) for period, first in pairs]
        levels = [np.stack([x[:, a].mean(1) for a in places], axis=1) for x in sets]
        over = sets[0].mean(0) - sum(x.mean(0) for x in sets[1:])
        mean = np.array([over[a].mean() for a in places])
        weaker = np.array([np.quantile(over[a], 0.25) for a in places])
        spread = sum(x.var(0, ddof=1) / len(x) for x in levels) ** 0.5
        t = mean / np.maximum(spread, 0.01)
        highest = np.sort(_highest(levels, draws))
        beyond = draws - np.searchsorted(highest, t)
        numbers = np.array([len(over[a]) for a in places])
        anywhere = np.sort(_anywhere(over[EDGE : n - EDGE], pairs, draws))
        by_chance = draws - np.searchsorted(anywhere, mean * np.sqrt(numbers))
        worse = np.maximum(beyond, by_chance)
        p = np.minimum(1, 2 * (1 + worse) / (1 + draws))  # of two axes
        p[weaker < LEAST_DB / 2] = 1
        # Of those that chance does not make, what explains most of what is seen.
        clear = (p <= CHANCE) & (mean >= LEAST_DB)
        best = int(np.argmax(np.where(clear, 1e6 + mean * np.sqrt(numbers), t)))
        period, first = pairs[best]
        place = (first + 1) % period
        made.append(Seam(AXES[axis], period, place, float(mean[best]), float(p[best])))
    return made


def _contrasts(steps: np.ndarray, block: int | None = None) -> np.ndarray:
    """How far each step of [groups, n] is over those beside it, in dB.

    With a `block`, where JPEG's first begins, less the median of its blocks' borders.
    """
    steps = steps[:, :-1]
    steps = steps[steps.sum(1) > 0]
    n = steps.shape[1]
    db = 40 * np.log10(np.maximum(steps, 1e-3 * steps.mean(1, keepdims=True)))
    padded = np.pad(db, [(0, 0), (NEAR[-1], NEAR[-1])], mode="reflect")
    at = lambda d: padded[:, NEAR[-1] + d :][:, :n]
    near = np.mean([at(side * d) for d in NEAR for side in (1, -1)], axis=0)
    next_to = (at(1) + at(-1)) / 2
    found = np.clip(db - np.maximum(near, next_to), -MOST_DB, MOST_DB)
    if block is not None:
        borders = found[:, (block - 1) % 8 :: 8]
        borders -= np.maximum(np.median(borders, axis=1, keepdims=True), 0)
    return found


def _anywhere(over: np.ndarray, pairs: list[tuple[int, int]], draws: int) -> np.ndarray:
    """The largest mean, times the root of its number, of steps that changed places."""
    rng, n = np.random.default_rng(0), len(over)
    mixed = rng.permuted(np.tile(over, (draws, 1)), axis=1)
    highest = np.full(draws, -np.inf)
    for period in {period for period, _ in pairs}:
        cells = -(-n // period)
        some = np.pad(np.ones(n), (0, cells * period - n)).reshape(cells, period).sum(0)
        padded = np.pad(mixed, [(0, 0), (0, cells * period - n)])
        total = padded.reshape(draws, cells, period).sum(1)
        scores = np.where(some >= 3, total / np.sqrt(np.maximum(some, 1)), -np.inf)
        highest = np.maximum(highest, scores.max(1))
    return highest


def _highest(sets: list[np.ndarray], draws: int) -> np.ndarray:
    """The largest of the studentized means of each draw of groups."""
    rng = np.random.default_rng(0)
    highest, centred = np.empty(draws), [x - x.mean(0) for x in sets]
    for i in range(draws):
        mean, squares = 0.0, 0.0
        for sign, x in zip((1, -1), centred):
            n = len(x)
            times = rng.multinomial(n, np.full(n, 1 / n)) / n
            means = times @ x
            mean = mean + sign * means
            squares += np.maximum(times @ x**2 - means**2, 0) / (n - 1)
        highest[i] = np.max(mean / np.maximum(np.sqrt(squares), 0.01))
    return highest
