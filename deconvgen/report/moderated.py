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

from deconvgen.report.spread import Table, logs, rests, unequal

MANY = 16
"""Settings from which on quartiles of their variances say something."""
WILD = 0.01
"""The p, over all settings, of a variance that is no longer one of the others'."""
PRIORS = np.geomspace(0.5, 400, 60)
"""The d0 that are told from no spread of the variances at all."""


class Moderated(NamedTuple):
    """The variance of a run about its setting and seed, by setting."""

    variance: dict[str, float]
    freedom: dict[str, float]  # of each: its seeds - 1, and d0 but for wild ones
    prior: float  # d0; infinite where the settings are alike
    logged: bool  # whether of logarithms


def moderated(table: Table) -> Moderated | None:
    """Of 16 settings or more with a spread; None of fewer, or if all are alike.

    Of logarithms where values are positive, their variances are unlike, and those of
    their logarithms are less so.
    """
    if len(table) < MANY or min(map(len, table.values())) < 3:
        return None
    rest = rests(table)
    if not all(np.std(each) > 0 for each in rest):
        return None
    found = _moderated(list(table), rest, False)
    if unequal(table) and min(v for vs in table.values() for v in vs.values()) > 0:
        also = _moderated(list(table), rests(logs(table)), True)
        found = max(found, also, key=lambda each: each.prior)
    alike = np.isinf(found.prior) and len({*found.variance.values()}) == 1
    return None if alike and not found.logged else found


def _moderated(keys: list[str], rest: list[np.ndarray], logged: bool) -> Moderated:
    """By all seeds that a setting has; the prior's for the usual number of them."""
    own = np.array([len(each) - 1.0 for each in rest])
    values = np.array([np.var(each, ddof=1) for each in rest])
    usual_own = float(np.median(own))
    d0 = _prior(values, usual_own)
    shape = lambda free: stats.chi2(free, scale=1 / free) if np.isinf(d0) else (
        stats.f(free, d0))  # fmt: skip
    s0 = float(np.median(values) / shape(usual_own).ppf(0.5))
    beyond = [
        shape(f).sf(v / s0) for f, v in zip(own.tolist(), values.tolist(), strict=True)
    ]
    wild = np.array(beyond) < WILD / len(values)
    if np.isinf(d0):
        drawn = np.full_like(values, np.average(values[~wild], weights=own[~wild]))
    else:
        drawn = (d0 * s0 + own * values) / (d0 + own)
    most = own[~wild].sum() - usual_own  # what the seeds take
    each = np.where(wild, own, np.minimum(own + d0, most))
    return Moderated(
        dict(zip(keys, np.where(wild, values, drawn).tolist(), strict=True)),
        dict(zip(keys, each.tolist(), strict=True)),
        d0,
        logged,
    )


def _prior(variances: np.ndarray, freedom: float) -> float:
    """The d0 whose F distribution has quartiles as far apart as the variances'."""
    low, high = np.quantile(variances, (0.25, 0.75))
    wide = np.log(high / low) if low > 0 else np.inf
    if wide <= _width(freedom, np.inf):
        return float("inf")
    widths = [-_width(freedom, d0) for d0 in PRIORS.tolist()]
    return float(np.interp(-wide, widths, PRIORS))


@lru_cache(maxsize=4096)
def _width(freedom: float, d0: float) -> float:
    """Between the logarithms of the quartiles of F, or of chi squared."""
    shape: Any = stats.chi2(freedom) if np.isinf(d0) else stats.f(freedom, d0)
    return float(np.log(shape.ppf(0.75) / shape.ppf(0.25)))
