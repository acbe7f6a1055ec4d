"""Plain summaries of a setting's seeds: mean, interval, rank; and the Pareto front."""

import math
from collections.abc import Hashable, Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
from scipy import stats

Values = Mapping[int, float | int]
"""One number a seed."""
ROUNDING = 1e-6
"""Of the values: differences whose spread is less are equal but for float32."""


def settled(values: np.ndarray, scale: float) -> np.ndarray:
    """Values to twelve digits of `scale`, more than 0: fits that are equal are so."""
    digits = min(12 - math.ceil(math.log10(scale)), 290)
    return np.round(values, digits) + 0.0  # -0 is 0


class Interval(NamedTuple):
    """A mean and its 95 % confidence interval."""

    mean: float
    low: float  # NaN for a single value
    high: float
    n: int
    sd: float = float("nan")  # of the values; NaN for a single one

    @property
    def half(self) -> float:
        """Half of the interval's width."""
        return (self.high - self.low) / 2


def interval(values: Iterable[float | int], level: float = 0.95) -> Interval:
    """Mean and Student's t interval of independent values."""
    x = np.asarray(list(values), np.float64)
    n = len(x)
    if n == 0:
        return Interval(np.nan, np.nan, np.nan, 0)
    mean = float(x.mean())
    if n == 1:
        return Interval(mean, np.nan, np.nan, 1)
    half = stats.t.ppf(0.5 + level / 2, n - 1) * x.std(ddof=1) / np.sqrt(n)
    low, high = mean - float(half), mean + float(half)
    return Interval(mean, low, high, n, float(x.std(ddof=1)))


def ranking(table: Mapping[Any, Values], mode: str) -> list[Any]:
    """The settings from the best mean to the worst.

    Those with fewer seeds than others come after all that have the most, since a mean
    of fewer is the likelier to lead by chance, and nothing can be paired with it.
    """
    sign = {"min": 1, "max": -1}[mode]
    most = max((len(values) for values in table.values()), default=0)
    place = lambda v: (len(v) < most, sign * interval(list(v.values())).mean)
    scored = {key: place(values) for key, values in table.items() if values}
    return sorted(scored, key=lambda key: scored[key])


def pareto(
    points: Mapping[Hashable, tuple[float | int, float | int]],
) -> list[Any]:
    """The points (both to be made small) that no other point beats, cheapest first."""
    order = sorted(points, key=lambda key: points[key])
    front: list[Any] = []
    for key in order:
        if not front or points[key][1] < points[front[-1]][1]:
            front.append(key)
    return front
