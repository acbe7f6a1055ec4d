"""The runs of a sweep folder, collected: states, figures, curves; and as a table."""

import csv
import fnmatch
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from deconvgen import config as configs
from deconvgen import experiment, sweep, worker
from deconvgen.errors import UserError
from deconvgen.experiment import Plan, Trial
from deconvgen.log import METRICS, read
from deconvgen.tables import figures
from deconvgen.train import best_of


class Result(NamedTuple):
    """A run as it is now."""

    trial: Trial
    place: Path
    state: str  # finished, failed, begun, to do
    error: str
    step: int
    steps: int  # that it is to have; 0 where it has not begun
    last: dict[str, Any]  # the figures of the last evaluation
    best: dict[str, Any]  # of the best one, by the config's `monitor.metric`
    evals: list[dict[str, Any]]  # every evaluation's, with its `step`
    cost: dict[str, Any]  # what it takes: see `deconvgen.cost`
    seconds: float | int
    monitor: tuple[str, str]  # figure, min or max

    @property
    def seed(self) -> int:
        """Of the run."""
        return int(self.trial.setting.get("seed", 0))

    def picture(self) -> Path | None:
        """The newest sample grid."""
        found = sorted((self.place / "samples").glob("*.png"))
        return found[-1] if found else None


class Part(NamedTuple):
    """The runs of one config: what can be compared with each other."""

    config: str
    results: list[Result]
    keys: list[str]  # that tell its settings apart
    measures: dict[str, str]  # figure -> min or max; those that its runs have
    missing: list[str]  # measures of the experiment that they lack

    def label(self, result: Result) -> str:
        """A setting's name among those of the part."""
        return label(result.trial.setting, self.keys)

    def table(self, measure: str) -> dict[str, dict[int, float | int]]:
        """{setting: {seed: value}} of the finished runs, for a measure or a cost."""
        found: dict[str, dict[int, float | int]] = {}
        for result in self.results:
            value: Any = (result.last | result.cost).get(measure)
            number = isinstance(value, int | float) and math.isfinite(value)
            if result.state == "finished" and number:
                found.setdefault(self.label(result), {})[result.seed] = value
        return found

    def levels(self) -> dict[str, dict[str, str]]:
        """{setting: {key: value}}."""
        levels = lambda s: {key: shown(s.get(key, "")) for key in self.keys}
        return {self.label(r): levels(r.trial.setting) for r in self.results}


def shown(value: Any) -> str:
    """A level's name, for people."""
    text = sweep.text(value)
    return text if text else "-"


def label(setting: sweep.Setting, keys: Sequence[str]) -> str:
    """The values of the keys, each with its name where it would not tell by itself."""
    words = []
    for key in keys:
        if key not in setting:
            continue
        value, name = setting[key], key.rpartition(".")[2]
        telling = isinstance(value, str) and value and not name.startswith("last")
        words.append(shown(value) if telling else f"{name} {shown(value)}")
    return ", ".join(words) or "as configured"


def collect(folder: Path | str) -> tuple[Plan, list[Result]]:
    """The plan of a sweep folder, and each of its runs as it is now."""
    folder = Path(folder).expanduser()
    plan = experiment.read(folder)
    return plan, [_result(experiment.place(folder, t), t) for t in plan.trials]


def _result(place: Path, trial: Trial) -> Result:
    records = read(place / METRICS)
    outcome = worker.outcome(place)
    evals = [r for r in records if r["kind"] == "eval"]
    cost: dict[str, Any] = {}
    for record in records:
        if record["kind"] == "cost":
            cost |= figures(record)
    try:
        config: Any = configs.read(place / "config.json")
    except UserError:
        config = None
    state = outcome.get("state") or ("begun" if records else "to do")
    seconds = max((r.get("seconds", 0) for r in records), default=0.0)
    return Result(
        trial,
        place,
        state,
        outcome.get("error", ""),
        records[-1]["step"] if records else 0,
        config.steps if config else 0,
        figures(evals[-1]) if evals else {},
        figures(best_of(evals, config)) if evals and config else {},
        evals,
        cost | ({"seconds": seconds} if seconds else {}),
        float(outcome.get("seconds", seconds)),
        (config.monitor.metric, config.monitor.mode) if config else ("", "min"),
    )


def parts(plan: Plan, results: Sequence[Result]) -> list[Part]:
    """The results by config, each with the measures that its runs have.

    Where none of the experiment's measures is there, the config's `monitor.metric` is.
    """
    found = []
    for config in dict.fromkeys(r.trial.config for r in results):
        own = [r for r in results if r.trial.config == config]
        keys = sweep.varying([r.trial.setting for r in own])
        keys = [key for key in keys if key != "seed"]
        have = list(dict.fromkeys(name for r in own for name in r.last))
        there, missing = {}, []
        for pattern, mode in plan.measures.items():
            if (name := matching(pattern, have)) is None:
                missing.append(pattern)
            else:
                there[name] = mode
        if not there and have:
            there = dict([next(r.monitor for r in own if r.last)])
        found.append(Part(config, own, keys, there, missing if have else []))
    return found


def matching(pattern: str, names: Sequence[str]) -> str | None:
    """The figure that a measure means; `*` in it is any extractor of features."""
    return next((n for n in names if fnmatch.fnmatchcase(n, pattern)), None)


def write_runs(results: Sequence[Result], path: Path) -> None:
    """One line a run: its setting, its state, its last figures and its best ones."""
    keys = sweep.varying([r.trial.setting for r in results])
    names = sorted({name for r in results for name in (*r.cost, *r.last)})
    best = sorted({name for r in results for name in r.best})
    head = ["run", "config", *(k for k in keys if k != "config"), "state", "step"]
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*head, *names, *(f"best_{n}" for n in best), "error"])
        for r in results:
            setting = {k: sweep.text(v) for k, v in r.trial.setting.items()}
            own = {"run": r.trial.name, "config": r.trial.config, "state": r.state}
            values = setting | own | {"step": r.step}
            row = [values.get(name, "") for name in head]
            row += [{**r.cost, **r.last}.get(name, "") for name in names]
            row += [r.best.get(name, "") for name in best]
            writer.writerow([*row, r.error])
