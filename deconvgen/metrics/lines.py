"""Which lines of the spectra of pictures are no chance: their periods."""

from math import gcd
from typing import Any, NamedTuple

import numpy as np

from deconvgen.metrics.periods import AXES, SPECTRA, Periods
from deconvgen.metrics.phases import AGREED, Phases

CHANCE = 0.01
WHOLE_DB = 2.0
"""What it is worth that all lines of a period are clear, of those not told apart."""
LEAST_DB = {"pattern": 3.0, "variance": 1.0, "differences": 1.0}
"""A line below this over its neighbours is not called one; a spectrum has humps."""
RNG = 0


class Line(NamedTuple):
    """What is at `numerator / period` cycles a pixel along an axis of a spectrum."""

    spectrum: str
    axis: str
    numerator: int
    period: int
    level: float  # dB over the neighbourhood, mean over the groups
    deviation: float  # of the mean, in dB
    p: float  # of a bootstrap over groups, corrected for all lines looked at
    agreement: float = np.inf  # of the pictures' phases, Rayleigh's R: 1 by chance
    angle: float = np.nan  # that phase at pixel 0, in radians

    @property
    def share(self) -> float:
        """Cycles a pixel."""
        return self.numerator / self.period

    @property
    def clear(self) -> bool:
        """Whether it is none by chance, high enough, and at one phase everywhere."""
        return self._stands_out and self.agreement >= AGREED

    @property
    def moves(self) -> bool:
        """Whether it would be clear, were it not at another phase in each picture."""
        return self._stands_out and self.agreement < AGREED

    @property
    def _stands_out(self) -> bool:
        return self.p <= CHANCE and self.level >= LEAST_DB[self.spectrum]


def lines(found: Periods, real: Periods | None = None, draws: int = 999) -> list[Line]:
    """The lines of all spectra, strongest first, each told from chance.

    p is of a studentized bootstrap over groups of pictures, corrected for the number
    of lines by the largest of each draw (Westfall and Young 1993). With `real`, levels
    are those over the real pictures' own, in dB, and chance is both sets'. Only the
    strongest of lines that the size of the pictures does not tell apart is kept.
    """
    named, levels = found.levels()
    level, spread = _moments(levels)
    rng = np.random.default_rng(RNG)
    drawn = _drawn(levels, level, draws, rng)
    if real is not None:
        other_names, others = real.levels()
        if other_names == named:
            other, other_spread = _moments(others)
            other_drawn = _drawn(others, other, draws, rng)
            level = level - other
            drawn = (drawn[0] - other_drawn[0], np.hypot(drawn[1], other_drawn[1]))
            spread = np.hypot(spread, other_spread)
    highest = np.max(drawn[0] / np.maximum(drawn[1], 1e-3), axis=1, initial=0)
    t = level / np.maximum(spread, 1e-3)
    p = (1 + (highest[:, None] >= t).sum(0)) / (1 + draws)
    agreed, angles = (
        np.concatenate([f(x)[name] for x in found.phases for name in SPECTRA])
        for f in (Phases.agreement, Phases.angles)
    )
    made = [
        Line(*name, *map(float, values))
        for name, *values in zip(named, level, spread, p, agreed, angles)
    ]
    return _distinct(made, found.shape)


def _moments(levels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The mean over groups, and its standard deviation."""
    n = max(1, len(levels))
    spread = levels.std(0, ddof=1) if n > 1 else np.full(levels.shape[1], np.inf)
    return levels.mean(0), spread / np.sqrt(n)


def _drawn(
    levels: np.ndarray, mean: np.ndarray, draws: int, rng: Any
) -> tuple[np.ndarray, np.ndarray]:
    """Means about the mean, and their deviations, of groups drawn with replacement."""
    n = len(levels)
    if n < 2:
        none = np.zeros((draws, levels.shape[1]))
        return none, none + np.inf
    times = rng.multinomial(n, np.full(n, 1 / n), draws) / n
    centred = levels - mean
    means = times @ centred
    squares = np.maximum(times @ centred**2 - means**2, 0)
    return means, np.sqrt(squares / (n - 1))


def _distinct(found: list[Line], shape: tuple[int, int]) -> list[Line]:
    """Strongest first, without those that are the foot of a stronger one.

    Within two cycles a picture the size of the pictures tells no two lines apart; and
    of those, the one whose period has most of its other lines as well is kept. And
    replicas of the contents stand on either side of where an interpolation has its 0.
    """
    kept: list[Line] = []
    clear = {(x.axis, x.numerator, x.period) for x in found if x.clear}

    def likely(line: Line) -> float:
        comb = [
            ((line.axis, k // (d := gcd(k, line.period)), line.period // d) in clear)
            for k in range(1, line.period // 2 + 1)
        ]
        return line.level + WHOLE_DB * sum(comb) / len(comb)

    for line in sorted(found, key=likely, reverse=True):
        size = shape[AXES.index(line.axis)]
        reach = 5 if line.spectrum == "pattern" else 2

        def hides(other: Line, line=line, size=size, reach=reach) -> bool:
            apart = size * abs(other.share - line.share)
            alike = other.spectrum == line.spectrum
            strong = alike or (other.clear and line.spectrum == "pattern")
            return other.axis == line.axis and strong and 0 < apart < reach

        if not any(map(hides, kept)):
            kept.append(line)
    return sorted(kept, key=lambda line: -line.level)


def shown(found: list[Line]) -> dict[int, Line]:
    """The strongest line of each period whose lines are clear ones."""
    clear: dict[int, Line] = {}
    for line in found:
        if line.clear:
            clear.setdefault(line.period, line)
    return dict(sorted(clear.items()))
