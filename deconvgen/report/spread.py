"""Whether the spreads of settings can be pooled: as they are, or of logarithms."""

from collections.abc import Mapping

import numpy as np
from scipy import stats

from deconvgen.report.statistics import Values

WIDE = 4
"""A spread that is the usual one by this factor is not pooled with it."""
UNLIKE = (0.01, 0.05)
"""The p of a test of equal spreads below which they are not; where one is wide."""
Table = Mapping[str, Values]
"""{setting: {seed: value}}."""


def spreads(table: Table) -> dict[str, float]:
    """The standard deviation of each setting's own errors, the seeds' effects removed.

    By Grubbs (1948), "On estimating precision of measuring instruments and product
    variability", which one wild setting does not spoil for the others; over the seeds
    that all have, of three settings or more; else empty.
    """
    rest = _residuals(table)
    k, n = rest.shape
    if k < 3 or n < 3:
        return {}
    squares = (rest**2).sum(1)
    variance = k / (k - 2) * (squares - squares.sum() / (k * (k - 1))) / (n - 1)
    return dict(zip(table, np.sqrt(np.maximum(variance, 0.0)).tolist(), strict=True))


def treatment(table: Table) -> str:
    """`pooled`; else `log`, where logarithms can be pooled; else `apart`.

    Not pooled is where Bartlett's test finds the spreads unequal: at 0.05 where the
    largest is four times the lower quartile of them, else at 0.01.
    """
    if not unequal(table):
        return "pooled"
    if min(v for values in table.values() for v in values.values()) <= 0:
        return "apart"
    logs = {k: {s: float(np.log(v)) for s, v in vs.items()} for k, vs in table.items()}
    return "apart" if unequal(logs) else "log"


def unequal(table: Table) -> bool:
    """Whether the settings' spreads are too unlike for one error."""
    found = list(spreads(table).values())
    if not found:
        return False
    y = _shared(table)
    y = y - y.mean(1, keepdims=True)
    # A median of the others, as their mean would carry one wild setting to all.
    rest = [row - np.median(np.delete(y, i, 0), axis=0) for i, row in enumerate(y)]
    if not np.std(rest, axis=1).all():
        return False
    wide = max(found) > WIDE * float(np.quantile(found, 0.25))
    return bool(stats.bartlett(*rest).pvalue < (UNLIKE[1] if wide else UNLIKE[0]))


def _residuals(table: Table) -> np.ndarray:
    """[settings, seeds], setting and seed removed."""
    y = _shared(table)
    return y - y.mean(0) - y.mean(1, keepdims=True) + y.mean() if y.size else y


def _shared(table: Table) -> np.ndarray:
    """[settings, seeds] of the seeds that all have."""
    seeds = sorted(set.intersection(*map(set, table.values()))) if table else []
    return np.array([[values[s] for s in seeds] for values in table.values()], float)
