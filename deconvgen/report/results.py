"""The runs of a sweep folder, collected: states, figures, curves; and as a table."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from deconvgen import sweep
from deconvgen.core import files
from deconvgen.core.errors import UserError
from deconvgen.report.splits import named
from deconvgen.runs import pinned
from deconvgen.sweep import plan as experiment
from deconvgen.sweep import spending, worker
from deconvgen.sweep.plan import Plan, Trial
from deconvgen.training.log import METRICS, figures, read
from deconvgen.training.monitor import Goal, is_collapsed


class Result(NamedTuple):
    """A run as it is now."""

    trial: Trial
    place: Path
    state: str  # finished, failed, begun, to do
    error: str
    step: int
    steps: int  # that it is to have; 0 where it has not begun
    last: dict[str, Any]  # the figures at the last step, see `named`
    best: dict[str, Any]  # at the best one, by the config's `monitor.metric`
    best_step: int  # of that one; 0 where there is none
    evals: list[dict[str, Any]]  # every evaluation's, with its `step`
    cost: dict[str, Any]  # what it takes: see `deconvgen.training.cost`
    seconds: float | int
    monitor: tuple[str, str]  # figure, min or max
    collapsed: list[int]  # steps at which training warned of a mode collapse
    config: Any = None  # that it runs by; None where it has not begun
    spent: Mapping[str, float] = {}  # by phase: see `deconvgen.sweep.spending`
    tests: Sequence[dict[str, Any]] = ()  # on test images: of the last and best step

    @property
    def seed(self) -> int:
        """Of the run."""
        return self.trial.seed

    def picture(self) -> Path | None:
        """The newest sample grid."""
        found = sorted((self.place / "samples").glob("*.png"))
        return found[-1] if found else None


def collect(folder: Path | str) -> tuple[Plan, list[Result]]:
    """The plan of a sweep folder, and each of its runs as it is now."""
    folder = Path(folder).expanduser()
    plan = experiment.read(folder)
    return plan, [result(experiment.place(folder, t), t) for t in plan.trials]


def result(place: Path, trial: Trial) -> Result:
    """The run in a folder as it is now."""
    records = read(place / METRICS)
    outcome = worker.outcome(place)
    evals = [r for r in records if r["kind"] == "eval"]
    cost: dict[str, Any] = {}
    for record in records:
        if record["kind"] == "cost":
            cost |= figures(record)
    try:
        config: Any = pinned.saved(place)
    except UserError:
        config = None
    tests = {r.get("checkpoint"): r for r in records if r["kind"] == "test"}
    state = outcome.get("state") or ("begun" if records else "to do")
    goal = Goal(config.monitor.metric, config.monitor.mode) if config else None
    best = goal.best(evals) if goal else {}
    seconds = max((r.get("seconds", 0) for r in records), default=0.0)
    return Result(
        trial,
        place,
        state,
        outcome.get("error", ""),
        records[-1]["step"] if records else 0,
        config.steps if config else 0,
        named(evals[-1], tests) if evals else {},
        named(best, tests) if best else {},
        best.get("step", 0),
        evals,
        cost | ({"seconds": seconds} if seconds else {}),
        float(outcome.get("seconds", seconds)),
        (config.monitor.metric, config.monitor.mode) if config else ("", "min"),
        collapses(records, config.eval_every) if config else [],
        config,
        spending.of(outcome),
        list(tests.values()),
    )


def collapses(records: Sequence[dict[str, Any]], every: int) -> list[int]:
    """The steps where training warned of a mode collapse, as far as it was logged."""
    thin = lambda r: r["kind"] == "train" and is_collapsed(r["step"], r)
    return [r["step"] for r in records if r["step"] % every == 0 and thin(r)]


def write_runs(found: Sequence[tuple[str, Result]], path: Path) -> None:
    """One line a run of an experiment: its setting, its state, its figures and its best
    evaluation's."""
    results = [r for _, r in found]
    keys = sweep.varying([r.trial.setting for r in results])
    names = sorted({name for r in results for name in (*r.cost, *r.last)})
    best = sorted({name for r in results for name in r.best})
    head = ["run", "experiment", "config", *(k for k in keys if k != "config")]
    head += ["state", "step"]
    told = [*names, "best_step", *(f"best_{n}" for n in best), "error"]
    rows: list[list[Any]] = [[*head, *told]]
    for experiment_name, r in found:
        setting = {k: sweep.text(v) for k, v in r.trial.setting.items()}
        own = {"run": r.trial.name, "config": r.trial.config, "state": r.state}
        own |= {"experiment": experiment_name}
        values = setting | own | {"step": r.step}
        row = [values.get(name, "") for name in head]
        row += [{**r.cost, **r.last}.get(name, "") for name in names]
        row += [r.best_step or "", *(r.best.get(name, "") for name in best)]
        rows.append([*row, r.error])
    files.write_csv(path, rows)
