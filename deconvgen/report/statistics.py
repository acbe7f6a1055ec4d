"""What a few seeds can tell: intervals, paired comparisons, shares of the variance.

Seeds are the only repetitions. Settings that share a seed share their data's order and
their latents, so they are compared seed by seed.
"""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy import stats

Values = Mapping[int, float | int]
"""One number a seed."""
ROUNDING = 1e-6
"""Of the values: differences whose spread is less are equal but for float32."""
Point = tuple[float | int, float | int]


class Interval(NamedTuple):
    """A mean and its 95 % confidence interval."""

    mean: float
    low: float  # NaN for a single value
    high: float
    n: int

    @property
    def half(self) -> float:
        """Half of the interval's width."""
        return (self.high - self.low) / 2


class Comparison(NamedTuple):
    """A setting against the best one, over the seeds that both have."""

    difference: Interval  # this one's minus the best one's
    p: float  # of a two-sided paired t-test; NaN where there is none
    corrected: float  # by Holm, for all comparisons with the best one
    pairs: int


class Share(NamedTuple):
    """How much of the variance between runs a factor explains."""

    name: str
    share: float  # of the total sum of squares (eta squared)
    p: float  # of an F-test against what the seeds leave; NaN where there is none


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
    return Interval(mean, mean - float(half), mean + float(half), n)


def paired(a: Values, b: Values) -> tuple[Interval, float]:
    """`a - b` over the seeds that both have, and the p of the paired t-test.

    p is 1 where all differences are 0. It is NaN for fewer than two pairs, and where
    all differences are the same other number, as those of a discrete measure may be:
    they have no spread to judge them by, and a test would call them certain.
    """
    seeds = sorted(a.keys() & b.keys())
    pairs = np.array([(a[s], b[s]) for s in seeds], np.float64).reshape(-1, 2)
    differences = pairs[:, 0] - pairs[:, 1]
    found = interval(differences)
    if len(seeds) < 2:
        return found, float("nan")
    equal = ROUNDING * np.abs(pairs).max()
    spread = differences.std(ddof=1)
    if spread <= equal:
        same = np.abs(differences).max() <= equal
        return found, 1.0 if same else float("nan")
    t = found.mean / (spread / np.sqrt(len(seeds)))
    return found, float(2 * stats.t.sf(abs(t), len(seeds) - 1))


def holm(ps: Sequence[float | int]) -> list[float]:
    """Holm's step-down correction (1979); NaN stays NaN and is not counted."""
    known = [i for i, p in enumerate(ps) if not np.isnan(p)]
    corrected = [float("nan")] * len(ps)
    largest = 0.0
    for rank, i in enumerate(sorted(known, key=lambda i: ps[i])):
        largest = max(largest, (len(known) - rank) * ps[i])
        corrected[i] = min(1.0, largest)
    return corrected


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


def against_best(table: Mapping[Any, Values], mode: str) -> dict[Any, Comparison]:
    """Every other setting against the one with the best mean, best first."""
    order = ranking(table, mode)
    if not order:
        return {}
    best, *others = order
    pairs = {key: paired(table[key], table[best]) for key in others}
    corrected = holm([p for _, p in pairs.values()])
    return {
        key: Comparison(difference, p, q, difference.n)
        for (key, (difference, p)), q in zip(pairs.items(), corrected, strict=True)
    }


def shares(
    rows: Sequence[Mapping[str, Hashable]], values: Sequence[float | int]
) -> list[Share]:
    """Which factor explains how much of the variance of `values`, one a row.

    A row maps factors to levels. A factor's share is what the sum of squares left over
    grows by when the factor is taken out of the sum of all factors' effects (type II,
    so that missing combinations do no harm); then come the factors' interplay and the
    rest, which is the seeds'. The shares add up to 1 in a complete design. With one
    value for each combination of levels, interplay and seeds are one share, as nothing
    tells them apart; empty where that leaves nothing over.
    """
    y = np.asarray(values, np.float64)
    y = y - y.mean()
    total = float(y @ y)
    factors = [f for f in rows[0] if len({row[f] for row in rows}) > 1]
    if total <= 0 or not factors:
        return []
    column = lambda names: _dummies([tuple(row[n] for n in names) for row in rows])
    main = {f: column([f]) for f in factors}
    additive, used = _left_over(list(main.values()), y)
    full, cells = _left_over([column(factors)], y)
    rest = len(y) - cells
    found = []
    for f in factors:
        without, fewer = _left_over([main[g] for g in factors if g != f], y)
        found.append((f, without - additive, used - fewer))
    if rest == 0 and cells == used:
        return []
    if len(factors) > 1 and cells > used:
        found.append((" x ".join(factors), additive - full, cells - used))
    result = []
    for name, squares, freedom in found:
        p = float("nan")
        if rest > 0 and full > 1e-12 * total and freedom > 0:
            ratio = squares / freedom / (full / rest)
            p = float(stats.f.sf(ratio, freedom, rest))
        result.append(Share(name, max(squares, 0.0) / total, p))
    if rest == 0:
        last = result.pop()
        return [*result, last._replace(name=f"{last.name} or seeds")]
    return [*result, Share("seeds", full / total, float("nan"))]


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


def _dummies(labels: list[Any]) -> np.ndarray:
    levels = sorted(set(labels), key=str)
    return np.array([[label == level for level in levels] for label in labels], float)


def _left_over(columns: list[np.ndarray], y: np.ndarray) -> tuple[float, int]:
    """The sum of squares that a fit leaves, and the numbers that the fit has."""
    design = np.hstack([np.ones((len(y), 1)), *columns])
    solution, _, rank, _ = np.linalg.lstsq(design, y, rcond=None)
    gap = y - design @ solution
    return float(gap @ gap), int(rank)
