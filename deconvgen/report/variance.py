"""Which factor the differences between runs go with: an analysis of variance."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy import linalg, stats

from deconvgen.report.blocks import dummies, least_squares
from deconvgen.report.statistics import ROUNDING
from deconvgen.sweep.design import ENOUGH

Row = Mapping[str, Hashable]


class Share(NamedTuple):
    """How much of the variance between runs a factor explains."""

    name: str
    share: float  # of the total sum of squares (eta squared)
    p: float  # of an F-test against the pooled error; NaN where there is none


def shares(
    rows: Sequence[Row], seeds: Sequence[int], values: Sequence[float | int]
) -> list[Share]:
    """Each factor's share in the variance of `values`, one a run.

    A row maps factors to levels. A factor's share is what the sum of squares left over
    grows by when the factor is taken out of the sum of all factors' effects and the
    seeds' (type II, so that missing combinations do no harm); then come the factors'
    interplay, the seeds as blocks and the rest. The shares add up to 1 in a complete
    design. There is no p under five seeds; with one, interplay and rest are one share,
    as nothing tells them apart; empty where that leaves nothing over, and where all
    values are equal but for the rounding of float32.
    """
    y = np.asarray(values, np.float64)
    equal = len(y) * (ROUNDING * np.abs(y).max()) ** 2
    y = y - y.mean()
    total = float(y @ y)
    factors = [f for f in rows[0] if len({row[f] for row in rows}) > 1]
    if total <= equal or not factors:
        return []
    column = lambda names: dummies([tuple(row[n] for n in names) for row in rows])
    ones, block = np.ones((len(y), 1)), dummies(seeds)
    fit = lambda *columns: least_squares(y, linalg.orth(np.hstack([ones, *columns])))
    additive = fit(block, *(column([f]) for f in factors))
    full = fit(block, column(factors))
    apart = {f: fit(block, *(column([g]) for g in factors if g != f)) for f in factors}
    steps = [(f, without, additive) for f, without in apart.items()]
    if len(factors) > 1 and full.df_resid < additive.df_resid:
        steps.append((" x ".join(factors), additive, full))
    if len(set(seeds)) > 1:
        steps.append(("seed", fit(column(factors)), full))
    enough = len(set(seeds)) >= ENOUGH and full.df_resid > 0
    scale = full.ssr / max(full.df_resid, 1)
    from statsmodels.stats.anova import anova_lm  # its absence is told by now

    found = []
    for name, small, large in steps:
        gone = anova_lm(small, large, test=None, scale=1.0).loc[1]
        squares, freedom = float(gone["ss_diff"]), float(gone["df_diff"])
        p = float("nan")
        if enough and full.ssr > 1e-12 * total and freedom > 0:
            p = float(stats.f.sf(squares / freedom / scale, freedom, full.df_resid))
        found.append(Share(name, max(squares, 0.0) / total, p))
    if full.df_resid > 0:
        return [*found, Share("the rest", full.ssr / total, float("nan"))]
    if len(steps) == len(factors):
        return []
    last = found.pop()
    return [*found, last._replace(name=f"{last.name} or chance")]


def lone(
    rows: Sequence[Row], seeds: Sequence[int], values: Sequence[float | int]
) -> tuple[str, Any, list[Share]] | None:
    """(factor, level, the shares without it): where one level is most of a share.

    Of the factor with the largest share, if it has three levels or more and keeps less
    than half of its share without that level.
    """
    whole = shares(rows, seeds, values)
    named = [s for s in whole if s.name in rows[0]]
    if not named:
        return None
    first = max(named, key=lambda s: s.share)
    levels = list(dict.fromkeys(row[first.name] for row in rows))
    if len(levels) < 3:
        return None
    found = []
    for level in levels:
        keep = [i for i, row in enumerate(rows) if row[first.name] != level]
        pick = lambda given, keep=keep: [given[i] for i in keep]
        rest = shares(pick(rows), pick(seeds), pick(values))
        share = next((s.share for s in rest if s.name == first.name), 0.0)
        if rest:
            found.append((share, level, rest))
    if not found:
        return None
    share, level, rest = min(found, key=lambda each: each[0])
    return (first.name, level, rest) if share < first.share / 2 else None
