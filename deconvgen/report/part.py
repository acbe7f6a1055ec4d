"""The runs of one config: what can be compared with each other, and by what."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from deconvgen import sweep
from deconvgen.core.errors import UserError
from deconvgen.report import statistics
from deconvgen.report.names import labels, shorts, shown
from deconvgen.report.results import Result
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

    def label(self, result: Result) -> str:
        """A setting's name among those of the part."""
        return self.labels[result.trial.name]

    @property
    def done(self) -> list[Result]:
        """The finished runs."""
        return [r for r in self.results if r.state == "finished"]

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

    def order(self, measure: str, at: str = "last") -> list[str]:
        """The settings from the best to the worst."""
        return statistics.ranking(*self.scored(measure, at))

    def versus(
        self, measure: str, at: str = "last"
    ) -> dict[str, statistics.Comparison]:
        """Every other setting against the best one."""
        return statistics.against_best(*self.scored(measure, at))

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
    """A run's value of a measure or cost; NaN where it has none that is a number."""
    value: Any = ((result.last if at == "last" else result.best) | result.cost).get(
        measure
    )
    return value if isinstance(value, int | float) else math.nan


def parts(plan: Plan, results: Sequence[Result]) -> list[Part]:
    """The results by config, each with the measures that its runs have.

    A measure that no finished run has a finite value of answers nothing, so the next
    one does. Where none of the experiment's measures is there, the config's
    `monitor.metric` is.
    """
    found = []
    for config in dict.fromkeys(r.trial.config for r in results):
        own = [r for r in results if r.trial.config == config]
        settings = [r.trial.setting for r in own]
        keys = [key for key in sweep.varying(settings) if key != "seed"]
        short = shorts(keys)
        names = labels(settings, keys)
        level = lambda s, short=short: {short[k]: shown(s.get(k, "")) for k in short}
        have = list(dict.fromkeys(name for r in own for name in r.last))
        there, missing = measured(plan.measures, have)
        if not there and have:
            there = dict([next(r.monitor for r in own if r.last)])
        done = [r for r in own if r.state == "finished"]
        finite = lambda m, done=done: any(math.isfinite(figure(r, m)) for r in done)
        never = [m for m in there if done and not finite(m)]
        if len(never) < len(there):
            there = {m: mode for m, mode in there.items() if m not in never}
        found.append(
            Part(
                config,
                own,
                list(short.values()),
                {r.trial.name: n for r, n in zip(own, names, strict=True)},
                {n: level(s) for s, n in zip(settings, names, strict=True)},
                there,
                missing if have else [],
                never,
            )
        )
    return found


def measured(
    measures: dict[str, str], have: Sequence[str]
) -> tuple[dict[str, str], list[str]]:
    """An experiment's measures as figures that runs have, and those they lack."""
    there, missing = {}, []
    for pattern, mode in measures.items():
        name = sweep.matching(pattern, have)
        if name is None or (mode == "real" and f"{name}_real" not in have):
            missing.append(pattern)
        else:
            there.setdefault(name, mode)
    return there, missing
