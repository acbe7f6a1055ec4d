"""The runs of one config: what can be compared with each other, and by what."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy import integrate

from deconvgen import sweep
from deconvgen.core.errors import UserError
from deconvgen.metrics.measures import plain, under
from deconvgen.report import blocks, statistics
from deconvgen.report.counted import counted, spelled
from deconvgen.report.names import labels, shorts, shown
from deconvgen.report.results import Result
from deconvgen.report.splits import find, measured
from deconvgen.sweep.design import Design
from deconvgen.sweep.plan import Plan

Table = dict[str, dict[int, float | int]]
"""{setting: {seed: value}}."""


class Part(NamedTuple):
    """The runs of one config and the measures that they are compared by."""

    config: str
    results: list[Result]
    keys: list[str]  # that tell its settings apart, in their last words
    labels: dict[str, str]  # run -> the name of its setting
    levels: dict[str, dict[str, str]]  # setting -> {key: value}
    measures: dict[str, str]  # figure -> min, max or real; the one that answers first
    missing: list[str]  # measures of the experiment that its runs lack
    never: list[str]  # that are not finite in any finished run
    primary: str  # the figure that answers; empty where the runs lack it
    design: Design | None = None  # named before the first run
    key: str = ""  # whose values the design's test compares; empty: whole settings
    uncounted: Sequence[str] = ()  # what is said of runs that are left out

    def label(self, result: Result) -> str:
        """A setting's name among those of the part."""
        return self.labels[result.trial.name]

    @property
    def done(self) -> list[Result]:
        """The finished runs."""
        return [r for r in self.results if r.state == "finished"]

    @property
    def to_come(self) -> int:
        """Planned runs that are neither finished nor failed: until then, no verdict.

        Looking again after each run would find something by chance sooner or later.
        """
        waiting = [r for r in self.results if r.state in ("to do", "begun")]
        return len(waiting) if self.design else 0

    def table(self, measure: str, at: str = "last") -> Table:
        """The finite values of the finished runs, for a measure or a cost.

        `at` is the `last` evaluation or each run's `best` one. Raises `UserError` for
        two runs of one setting and seed, since one would hide the other.
        """
        found: Table = {}
        runs: dict[tuple[str, int], str] = {}
        for result in self.done:
            value = figure(result, measure, at)
            if not math.isfinite(value):
                continue
            name = self.label(result)
            place = (name, result.seed)
            if place in runs:
                raise UserError(
                    f"the runs {runs[place]} and {result.trial.name} of {self.config} "
                    f"are both seed {result.seed} of “{name}”: nothing tells them apart"
                )
            runs[place] = result.trial.name
            found.setdefault(name, {})[result.seed] = value
        return found

    def scored(self, measure: str, at: str = "last") -> tuple[Table, str]:
        """What ranks the settings by a measure, and whether its min or max is best.

        For the mode `real` that is the distance from the real images' own value.
        """
        if self.measures[measure] != "real":
            return self.table(measure, at), self.measures[measure]
        table, real = self.table(measure, at), self.table(f"{measure}_real", at)
        return {
            key: {s: abs(v - real[key][s]) for s, v in values.items() if s in real[key]}
            for key, values in table.items()
            if key in real
        }, "min"

    def analysis(self, measure: str, at: str = "last") -> blocks.Analysis:
        """Every setting against the best one; judged by the primary measure alone."""
        scored = self.scored(measure, at)
        judge = self.is_judged(measure, at) and not self.to_come
        return blocks.compare(*scored, judge=judge)

    def order(self, measure: str, at: str = "last") -> list[str]:
        """The settings from the best to the worst."""
        return self.analysis(measure, at).order

    def between(self, measure: str, key: str) -> blocks.Analysis:
        """The values of a key against each other, each in the mean over the rest.

        The rest is the combinations of other keys that all values of it have.
        """
        groups: dict[str, dict[Any, str]] = {}
        for name, levels in self.levels.items():
            place = tuple(v for k, v in levels.items() if k != key)
            groups.setdefault(levels[key], {})[place] = name
        judge = measure == self.primary and not self.to_come
        return blocks.compare(*self.scored(measure), groups, judge=judge)

    def tested(self) -> blocks.Analysis:
        """What the design's test compares by the primary measure."""
        if self.key:
            return self.between(self.primary, self.key)
        return self.analysis(self.primary)

    def is_judged(self, measure: str, at: str = "last") -> bool:
        """Whether there is a verdict on settings by this; all else is description."""
        return measure == self.primary and at == "last" and not self.key

    def real(self, measure: str) -> float:
        """The real images' value of a measure; NaN where the runs do not say it."""
        values = [figure(r, f"{measure}_real") for r in self.done]
        return statistics.interval([v for v in values if math.isfinite(v)]).mean

    def lacking(self, measure: str) -> list[Result]:
        """The finished runs that have no finite value of a measure."""
        return [r for r in self.done if not math.isfinite(figure(r, measure))]

    def short_of_seeds(self, measure: str) -> list[str]:
        """The settings with fewer values of a measure than others."""
        table = self.table(measure)
        most = max((len(values) for values in table.values()), default=0)
        return [key for key, values in table.items() if len(values) < most]


def figure(result: Result, measure: str, at: str = "last") -> float | int:
    """A run's value of a measure or cost; NaN where it has none that is a number.

    All figures of a run without validation are of test images.
    """
    if (name := under(measure)) != measure:
        return _height([(e["step"], e.get(name)) for e in result.evals])
    found = (result.last if at == "last" else result.best) | result.cost
    value: Any = found.get(measure)
    if measure.startswith("test/") and value is None:
        value = found.get(plain(measure))
    return value if isinstance(value, int | float) else math.nan


def _height(curve: Sequence[tuple[int, Any]]) -> float | int:
    """The area under a curve by its length; NaN where a point of it is no number."""
    if not curve or not all(isinstance(y, int | float) for _, y in curve):
        return math.nan
    x, y = np.array(curve, np.float64).T
    length = x[-1] - x[0]
    return float(integrate.trapezoid(y, x) / length if length else y[0])


def parts(plan: Plan, results: Sequence[Result]) -> list[Part]:
    """The results by config, each with the measures that its runs have.

    The design's primary measure comes first. A measure that no finished run has a
    finite value of answers nothing. Where none of the experiment's measures is there,
    the config's `monitor.metric` is.
    """
    return [
        _part(plan, config, [r for r in results if r.trial.config == config])
        for config in dict.fromkeys(r.trial.config for r in results)
    ]


def _part(plan: Plan, config: str, results: list[Result]) -> Part:
    own, uncounted = counted(results)
    names, levels, shorter = _named(own)
    have = list(dict.fromkeys(name for r in own for name in r.last))
    first = plan.design.measure(config) if plan.design else ""
    ordered = {m: plan.measures[m] for m in (first, *plan.measures) if m}
    there, missing = measured(ordered, have)
    if not there and have:
        metric, mode = next(r.monitor for r in own if r.last)
        there = measured({metric: mode}, have)[0] or {metric: mode}
    done = [r for r in own if r.state == "finished"]
    finite = lambda m: any(math.isfinite(figure(r, m)) for r in done)
    never = [m for m in there if done and not finite(m)]
    if len(never) < len(there):
        there = {m: mode for m, mode in there.items() if m not in never}
    primary = next(iter(there), "")
    if first and find(first, have) != primary:
        primary = ""
    return Part(
        config,
        own,
        list(shorter.values()),
        {r.trial.name: n for r, n in zip(own, names, strict=True)},
        levels,
        there,
        missing if have else [],
        never,
        primary,
        plan.design,
        shorter.get(plan.design.key, "") if plan.design else "",
        uncounted,
    )


def _named(
    results: Sequence[Result],
) -> tuple[list[str], dict[str, dict[str, str]], dict[str, str]]:
    """Each run's setting in words; {setting: {key: value}}; {key: its last words}."""
    settings: list[Mapping[str, Any]] = [r.trial.setting for r in results]
    varied = [key for key in sweep.varying(settings) if key != "seed"]
    whole = [spelled(r, varied) for r in results]
    like_others = lambda s, k: s[k] == "" and k.rpartition(".")[2].startswith("last_")
    said = [
        {k: w[k] if like_others(s, k) else s[k] for k in varied if k in s}
        for s, w in zip(settings, whole, strict=True)
    ]
    names = labels(said, [key for key in varied if key in sweep.varying(said)])
    keys = shorts([key for key in sweep.varying(whole) if key != "seed"])
    level = lambda w: {short: shown(w[key]) for key, short in keys.items()}
    levels = {name: level(w) for name, w in zip(names, whole, strict=True)}
    return names, levels, keys
