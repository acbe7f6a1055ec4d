"""Whether the spreads of settings can be pooled: as they are, or of logarithms."""

from collections.abc import Mapping
from typing import Any

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
    return "apart" if unequal(logs(table)) else "log"


def logs(table: Table) -> dict[str, dict[Any, float]]:
    """The logarithms of all values, which are positive."""
    return {k: {s: float(np.log(v)) for s, v in vs.items()} for k, vs in table.items()}


def unequal(table: Table) -> bool:
    """Whether the settings' spreads are too unlike for one error."""
    found = list(spreads(table).values())
    if not found:
        return False
    rest = rests({k: dict(enumerate(row)) for k, row in zip(table, _shared(table))})
    if not np.std(rest, axis=1).all():
        return False
    wide = max(found) > WIDE * float(np.quantile(found, 0.25))
    return bool(stats.bartlett(*rest).pvalue < (UNLIKE[1] if wide else UNLIKE[0]))


def rests(table: Table) -> list[np.ndarray]:
    """Each setting's runs about its mean, less what the same seeds do to the others.

    That is the median of the others, as their mean would carry one wild setting to all.
    """
    about = {
        key: {seed: v - np.mean(list(seen.values())) for seed, v in seen.items()}
        for key, seen in table.items()
    }

    def others(key: str, seed: Any) -> float:
        same = [seen[seed] for k, seen in about.items() if k != key and seed in seen]
        return float(np.median(same)) if same else 0.0

    return [
        np.array([v - others(key, seed) for seed, v in seen.items()])
        for key, seen in about.items()
    ]


def _residuals(table: Table) -> np.ndarray:
    """[settings, seeds], setting and seed removed."""
    y = _shared(table)
    return y - y.mean(0) - y.mean(1, keepdims=True) + y.mean() if y.size else y


def _shared(table: Table) -> np.ndarray:
    """[settings, seeds] of the seeds that all have."""
    seeds = sorted(set.intersection(*map(set, table.values()))) if table else []
    return np.array([[values[s] for s in seeds] for values in table.values()], float)
