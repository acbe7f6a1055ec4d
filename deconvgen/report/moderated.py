"""The variance of each of many settings, drawn toward the usual one.

A few seeds say little of a setting's own spread, but many settings say how spreads
differ: variances about s0^2 as if that came from d0 more runs (Smyth 2004, "Linear
models and empirical Bayes methods", section 4). The quartiles of the variances fit d0
and s0^2 here, so that a few wild settings spoil nothing; these keep their own.
"""

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from scipy import stats

from deconvgen.report.spread import Table, rests, unequal

MANY = 16
"""Settings from which on quartiles of their variances say something."""
WILD = 0.01
"""The p, over all settings, of a variance that is no longer one of the others'."""
PRIORS = np.geomspace(0.5, 400, 60)
"""The d0 that are told from no spread of the variances at all."""


class Moderated(NamedTuple):
    """The variance of a run about its setting and seed, by setting."""

    variance: dict[str, float]
    freedom: dict[str, float]  # of each variance: seeds - 1, and d0 but for wild ones
    prior: float  # d0; infinite where the settings are alike
    logged: bool  # whether of logarithms


def moderated(table: Table) -> Moderated | None:
    """Of 16 settings or more with a spread; None of fewer, or if all are alike.

    Of logarithms where values are positive, their variances are unlike, and those of
    their logarithms are less so.
    """
    shared = set.intersection(*map(set, table.values()))
    if len(table) < MANY or len(shared) < 3:
        return None
    if not np.std(rests(table), axis=1).all():
        return None
    found = _moderated(table, False)
    if unequal(table) and min(v for vs in table.values() for v in vs.values()) > 0:
        logs = {
            k: {s: float(np.log(v)) for s, v in vs.items()} for k, vs in table.items()
        }
        found = max(found, _moderated(logs, True), key=lambda each: each.prior)
    alike = np.isinf(found.prior) and len({*found.freedom.values()}) == 1
    return None if alike and not found.logged else found


def _moderated(table: Table, logged: bool) -> Moderated:
    own = np.array(rests(table))
    freedom, values = own.shape[1] - 1, np.var(own, axis=1, ddof=1)
    d0 = _prior(values, freedom)
    usual: Any = stats.chi2(freedom, scale=1 / freedom)
    usual = usual if np.isinf(d0) else stats.f(freedom, d0)
    s0 = float(np.median(values) / usual.ppf(0.5))
    wild = usual.sf(values / s0) < WILD / len(values)
    if np.isinf(d0):
        drawn = np.full_like(values, values[~wild].mean())
    else:
        drawn = (d0 * s0 + freedom * values) / (d0 + freedom)
    most = (len(values) - 1 - int(wild.sum())) * freedom
    each = np.where(wild, freedom, min(freedom + d0, most))
    return Moderated(
        dict(zip(table, np.where(wild, values, drawn).tolist(), strict=True)),
        dict(zip(table, each.tolist(), strict=True)),
        d0,
        logged,
    )


def _prior(variances: np.ndarray, freedom: int) -> float:
    """The d0 whose F distribution has quartiles as far apart as the variances'."""
    low, high = np.quantile(variances, (0.25, 0.75))
    wide = np.log(high / low) if low > 0 else np.inf
    if wide <= _width(freedom, np.inf):
        return float("inf")
    widths = [-_width(freedom, d0) for d0 in PRIORS.tolist()]
    return float(np.interp(-wide, widths, PRIORS))


@lru_cache(maxsize=4096)
def _width(freedom: int, d0: float) -> float:
    """Between the logarithms of the quartiles of F, or of chi squared."""
    shape: Any = stats.chi2(freedom) if np.isinf(d0) else stats.f(freedom, d0)
    return float(np.log(shape.ppf(0.75) / shape.ppf(0.25)))


__all__ = ["Moderated", "moderated"]
