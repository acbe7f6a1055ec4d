"""Settings compared over the seeds that they share: blocks, one pooled error, Tukey.

A value is the sum of its setting's effect, its seed's and an error (Fisher's randomized
blocks, 1935): runs of one seed share their order of the data and their latents. The
error is pooled over all settings, which few seeds a setting can afford; and since the
best is chosen by the same figures, every setting is compared with every other (Tukey's
honestly significant difference; Kramer's form of it where runs are missing, Games' and
Howell's where each setting has a spread of its own).
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from scipy import stats

from deconvgen.core.errors import UserError
from deconvgen.report import spread
from deconvgen.report.moderated import moderated
from deconvgen.report.spread import Table
from deconvgen.report.statistics import ROUNDING, Values, interval, ranking, settled
from deconvgen.sweep.design import ENOUGH

LEVEL = 0.05
"""Of all comparisons of a table together: how often one of them may be wrong."""
NAN = float("nan")
Groups = Mapping[str, Mapping[Any, str]]
"""{level: {what it is crossed with: setting}}."""


class Comparison(NamedTuple):
    """A setting against the best one: its value less the best one's.

    Of logarithms all four are: what the best one's value is multiplied by.
    """

    difference: float
    low: float = NAN  # of the 95 % interval that holds for all comparisons together
    high: float = NAN
    effect: float = NAN  # in standard deviations of a run; NaN without spread
    t: float = NAN  # the difference in its standard errors; NaN where there is no test
    means: int = 0  # that are compared
    freedom: float = NAN  # of the error
    pooled: bool = True  # the error; else it is that of this pair

    @property
    def p(self) -> float:
        """Corrected for all pairs; NaN where there is no test."""
        if np.isnan(self.t):
            return NAN
        if self.pooled:
            return _tail(abs(self.t) * np.sqrt(2), self.means, self.freedom)
        alone = 2 * stats.t.sf(abs(self.t), self.freedom)
        return float(1 - (1 - alone) ** pairs(self.means))

    @property
    def told(self) -> bool:
        """Whether the difference is more than chance."""
        return abs(self.t) > critical(self.means, self.freedom, self.pooled)


class Analysis(NamedTuple):
    """What a table of one measure says of its settings (or levels)."""

    order: list[str] = []  # those that are compared, best first; then the others
    judged: list[str] = []  # those that a verdict is given on; empty or at least two
    means: dict[str, float] = {}  # as estimated, what a missing seed would add included
    against: dict[str, Comparison] = {}  # every other one against the first
    bars: dict[str, tuple[float, float]] = {}  # two that do not overlap are told apart
    spread: str = "pooled"  # treatment of the errors: pooled, log, apart, drawn (log)
    few: Sequence[str] = ()  # too few seeds for a verdict, or fewer than those compared
    sd: float = NAN  # of a run about its setting and seed, of logarithms where logged
    error: float = NAN  # the standard error of a difference
    freedom: float = NAN  # of the error
    seeds: int = 0  # the fewest that one of those compared has
    rows: int = 0  # settings that the error is pooled over
    crossed: int = 0  # settings in each of the means; 1 where settings are compared

    @property
    def best(self) -> str:
        """The first; empty where there is nothing."""
        return self.order[0] if self.order else ""

    @property
    def logged(self) -> bool:
        """Whether logarithms were compared."""
        return "log" in self.spread


def pairs(count: int) -> int:
    """How many comparisons `count` means have."""
    return count * (count - 1) // 2


@lru_cache(maxsize=4096)
def critical(count: int, freedom: float | int, pooled: bool = True) -> float:
    """The t that the widest of `count` equal means' differences exceeds by chance.

    Tukey's for one pooled error; for each pair's own error that of Sidak's correction
    (as Tamhane's T2 has it), which does not need the errors to be alike.
    """
    if count < 2 or not freedom >= 1:
        return float("inf")
    if pooled:
        q = stats.studentized_range.ppf(1 - LEVEL, count, freedom)
        return float(q / np.sqrt(2))
    alone = 1 - (1 - LEVEL) ** (1 / pairs(count))
    return float(stats.t.isf(alone / 2, freedom))


@lru_cache(maxsize=4096)
def _tail(q: float, count: int, freedom: float) -> float:
    return float(min(1.0, stats.studentized_range.sf(q, count, freedom)))


def least_squares(values: np.ndarray, design: np.ndarray) -> Any:
    """The fit of statsmodels; raises `UserError` where that is not installed.

    The columns of `design` shall be independent.
    """
    try:
        from statsmodels.regression.linear_model import OLS
    except ImportError as error:
        raise UserError(
            "reports compare by statsmodels, which is not installed: "
            "pip install 'deconvgen[report]'"
        ) from error
    return OLS(values, design).fit()


def dummies(labels: Sequence[Any]) -> np.ndarray:
    """A column for each level, in the order of their first appearance."""
    levels = list(dict.fromkeys(labels))
    return np.array([[label == level for level in levels] for label in labels], float)


def compare(
    table: Table, mode: str, groups: Groups | None = None, judge: bool = True,
    base: str = "",
) -> Analysis:  # fmt: skip
    """Every setting against the best, `min` or `max` of the mean, or against `base`.

    Judged are the settings of five seeds or more; where fewer than two have them,
    those of most seeds are compared without a verdict. Where the spreads cannot be
    pooled (see `spread.treatment`), logarithms are compared, if that mends it, and
    else each pair by its own spread; with 16 settings or more by each setting's own
    spread drawn toward the usual one (see `moderated`). With `groups` its levels are
    compared instead, each in the mean over what all of them are crossed with. Without
    `judge` there are differences alone.
    """
    table = {key: values for key, values in table.items() if values}
    most = max(map(len, table.values()), default=0)
    enough = [key for key, values in table.items() if len(values) >= ENOUGH]
    verdict = judge and len(enough) > 1
    kept = {
        k: v for k, v in table.items() if (k in enough if verdict else len(v) == most)
    }
    few = [key for key in table if key not in kept or not verdict]
    names = _weights(groups, kept)
    if not names:
        return Analysis(few=few)
    found = _compared(kept, names, mode, verdict and len(names) > 1, base)
    found = found._replace(few=few)
    for key in [] if groups else ranking(table, mode):
        if key not in kept:
            found.order.append(key)
            found.means[key] = interval(table[key].values()).mean
            gap = _difference(table[key], table[found.best], found.logged)
            found.against[key] = Comparison(gap)
    return found


def _compared(
    table: Table, names: Mapping[str, Mapping[str, float]], mode: str, verdict: bool,
    base: str,
) -> Analysis:  # fmt: skip
    """Those of `names`: what each is made of, by setting."""
    own = moderated(table) if verdict else None
    treated = "pooled" if own or not verdict else spread.treatment(table)
    treated = ("drawn log" if own.logged else "drawn") if own else treated
    back = np.exp if "log" in treated else float
    table = spread.logs(table) if "log" in treated else table
    keys, fit = list(table), _fit(table)
    weight = np.zeros((len(names), fit.model.exog.shape[1]))
    for row, weights in zip(weight, names.values(), strict=True):
        row[[keys.index(key) for key in weights]] = list(weights.values())
    place = {name: i for i, name in enumerate(names)}
    blocks = fit.model.exog[:, len(keys) :].mean(0)
    estimates = weight[:, : len(keys)] @ fit.params[: len(keys)]
    scale = max(float(np.abs(fit.model.endog).max()), 1e-300)
    found = settled(estimates + blocks @ fit.params[len(keys) :], scale)
    means = dict(zip(names, found, strict=True))
    sign = {"min": 1, "max": -1}[mode]
    order = sorted(means, key=lambda name: (name != base, sign * means[name]))
    count, freedom = len(order), float(fit.df_resid)
    crossed = max(map(len, names.values()))
    sd = float(np.sqrt(fit.ssr / freedom)) if freedom > 0 else NAN
    rows = [weight[place[name]] - weight[place[order[0]]] for name in order[1:]]
    steps = np.reshape(rows, (-1, len(fit.params))) @ fit.params
    errors = np.full(len(rows), NAN)
    if freedom > 0 and rows:
        errors = np.ravel(fit.t_test(np.array(rows)).sd)
    seeds = min(len(table[key]) for weights in names.values() for key in weights)
    freedoms = np.full(len(rows), freedom)
    if treated == "apart":
        each = [_paired(table, names[name], names[order[0]]) for name in order[1:]]
        steps, errors = map(np.array, zip(*each, strict=True))
        freedoms = np.full(len(rows), seeds - 1.0)
    if own:
        parts = np.reshape(rows, (-1, weight.shape[1]))[:, : len(keys)]
        squares = np.array([own.variance[key] for key in keys])
        shares = parts**2 / (parts**2).sum(1, keepdims=True)
        errors = errors / sd * np.sqrt(shares @ squares)
        least = np.array([own.freedom[key] for key in keys])
        freedoms = np.where(parts, least, np.inf).min(1)
    freedom = float(np.median(freedoms)) if rows else freedom
    steps, pooled = settled(steps, scale), treated != "apart"
    against = {}
    for name, step, error, free in zip(
        order[1:], steps, errors, map(float, freedoms), strict=True
    ):
        q = critical(count, free, pooled) if verdict else NAN
        known = verdict and error > ROUNDING * scale
        half, t = (q * error, step / error) if known else (NAN, NAN)
        low, high = float(back(step - half)), float(back(step + half))
        effect = float(step / sd) if sd > ROUNDING * scale else NAN
        against[name] = Comparison(
            float(back(step)), low, high, effect, float(t), count, free, pooled
        )
    error = float(np.median(errors)) if freedom > 0 and len(errors) else NAN
    error = error if error > ROUNDING * scale else NAN
    half = critical(count, freedom) * error / 2 if verdict else NAN
    bars = {
        name: (float(back(m - half)), float(back(m + half)))
        for name, m in means.items()
    }
    return Analysis(
        order,
        [name for name in order if verdict],
        {name: float(back(means[name])) for name in order},
        against,
        bars if pooled and not own and half > 0 else {},
        treated, (), sd, error, freedom, seeds, len(keys), crossed,
    )  # fmt: skip


def _fit(table: Table) -> Any:
    """Setting + seed; setting alone where no seeds tie the settings together."""
    values = np.array([v for seen in table.values() for v in seen.values()], np.float64)
    settings = dummies([key for key in table for _ in table[key]])
    seeds = dummies([seed for seen in table.values() for seed in seen])
    whole = np.hstack([settings, seeds[:, 1:]])
    tied = np.linalg.matrix_rank(whole) == whole.shape[1]
    return least_squares(values, whole if tied else settings)


def _weights(groups: Groups | None, table: Table) -> dict[str, dict[str, float]]:
    """What each mean that is compared is made of, by setting."""
    if groups is None:
        return {key: {key: 1.0} for key in table}
    inside = {
        level: {place: key for place, key in places.items() if key in table}
        for level, places in groups.items()
    }
    inside = {level: places for level, places in inside.items() if places}
    shared = set.intersection(*map(set, inside.values())) if inside else set()
    if not shared:
        return {}
    return {
        level: {places[place]: 1 / len(shared) for place in shared}
        for level, places in inside.items()
    }


def _paired(
    table: Table, one: Mapping[str, float], two: Mapping[str, float]
) -> tuple[float, float]:
    """The difference of two weighted means over the seeds that all have; its error."""
    shared = set.intersection(*(set(table[key]) for key in (*one, *two)))
    mean = lambda weights, seed: sum(w * table[key][seed] for key, w in weights.items())
    gaps = np.array([mean(one, seed) - mean(two, seed) for seed in sorted(shared)])
    return float(gaps.mean()), float(stats.sem(gaps))


def _difference(values: Values, best: Values, logged: bool) -> float:
    """Of a setting that the model leaves out: over the seeds in common, if any.

    A factor where the others are compared by their logarithms; NaN where it has none.
    """
    if logged and min(values.values()) <= 0:
        return NAN
    if logged:
        values, best = spread.logs({"one": values, "best": best}).values()
    common = sorted(values.keys() & best.keys())
    mean = lambda seen: np.mean([seen[seed] for seed in common or seen])
    gap = float(mean(values) - mean(best))
    return float(np.exp(gap)) if logged else gap
