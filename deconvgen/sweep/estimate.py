"""How long a sweep will take: from runs that are over, else from a short timing.

What a step, an evaluation and the rest of a run take depends on the model, the data
and the cores of a job: settings that share these share a measurement.
"""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import fmean
from typing import Any, NamedTuple

from ml_collections import ConfigDict

from deconvgen import config as configs
from deconvgen.config import Config
from deconvgen.core import files, signals
from deconvgen.core.errors import UserError
from deconvgen.runs import rehearsal
from deconvgen.sweep import local as launch
from deconvgen.sweep import plan as experiment
from deconvgen.sweep import worker
from deconvgen.sweep.plan import Trial
from deconvgen.training.log import METRICS, read

TIMED = 12
"""Steps of a timing, with an evaluation after each third of them."""
OPTIMIZERS = ("optimizer", "critic_optimizer")
LIMIT = 60.0
"""Seconds after which no further timing begins."""
PATIENCE = 240.0
"""Seconds after which the timings that have begun are given up."""
SEED_SHARE = 0.25
"""Of the time to start, compile and save, what a further run of the same kind needs."""
FOUND = "timing.json"


class Cost(NamedTuple):
    """What a run takes, in seconds."""

    start: float  # beside its steps and evaluations
    step: float
    evaluation: float
    test: float = 0.0  # at its end, of the last and the best step

    def of(self, config: Any, again: bool = False) -> float:
        """The seconds of a whole run; `again`: its programs have been compiled."""
        evaluations = -(-config.steps // config.eval_every)
        start = self.start * (SEED_SHARE if again else 1)
        running = self.step * config.steps + self.evaluation * evaluations
        return start + running + self.test


class Estimate(NamedTuple):
    """How long it takes, and on what grounds."""

    seconds: float
    known: int  # kinds of settings that were measured
    kinds: int  # of settings that there are, by what they cost


def kind(config: Config, cores: int) -> str:
    """What runs of the same cost a step and an evaluation have in common."""
    plain = config.to_dict()
    for group in OPTIMIZERS:
        if group in plain:
            plain[group] = plain[group]["name"]
    return f"{cores} cores, {rehearsal.program(ConfigDict(plain))}"


def estimate(
    folder: Path,
    trials: list[Trial],
    jobs: int,
    timing: bool = True,
    tell: Callable[[int], None] | None = None,
) -> Estimate | None:
    """About how long `trials` take one by one, `jobs` at a time; None: nobody knows.

    Runs of the sweep that are over tell, and earlier timings; with `timing`, a run of
    each other kind is begun on the side, as many at once as there are to be, for a
    minute or so (`tell` hears how many kinds there are to time). Kinds that nothing
    is known about are taken as the mean of the others of their config.
    """
    jobs = max(1, min(jobs, len(trials)))
    cores = max(1, worker.cpus() // jobs)
    loaded: dict[str, Any] = {}
    for trial in trials:
        if trial.group not in loaded:
            loaded[trial.group] = configs.load(trial.config, trial.overrides)
    kinds = {group: kind(config, cores) for group, config in loaded.items()}
    costs = earlier(folder) | measured(folder, cores)
    wanted: dict[str, Trial] = {}
    for trial in trials:
        if kinds[trial.group] not in costs:
            wanted.setdefault(kinds[trial.group], trial)
    if timing and wanted:
        if tell:
            tell(len(wanted))
        found = timed(wanted, jobs)
        costs |= found
        remember(folder, found)
    spent: list[float] = []
    seen: set[str] = set()
    for trial in trials:
        cost = costs.get(kinds[trial.group]) or mean(
            [
                costs[kinds[t.group]]
                for t in trials
                if t.config == trial.config and kinds[t.group] in costs
            ]
        )
        if cost is None:
            return None
        spent.append(cost.of(loaded[trial.group], kinds[trial.group] in seen))
        seen.add(kinds[trial.group])
    every = set(kinds.values())
    seconds = max(sum(spent) / jobs, max(spent))
    return Estimate(seconds, len(every & costs.keys()), len(every))


def mean(costs: list[Cost]) -> Cost | None:
    """The mean of costs; None of none."""
    return Cost(*map(fmean, zip(*costs))) if costs else None


def measured(folder: Path, cores: int) -> dict[str, Cost]:
    """The costs by kind, of the sweep's runs that are over."""
    found: dict[str, list[Cost]] = {}
    there = (folder / experiment.PLAN).exists()
    for trial in experiment.read(folder).trials if there else []:
        place = experiment.place(folder, trial)
        outcome = worker.outcome(place)
        if outcome.get("state") == "finished" and (cost := of_run(place, outcome)):
            config = configs.load(trial.config, trial.overrides)
            found.setdefault(kind(config, cores), []).append(cost)
    average = {name: mean(costs) for name, costs in found.items()}
    return {name: cost for name, cost in average.items() if cost}


def earlier(folder: Path) -> dict[str, Cost]:
    """The costs by kind that were timed when the sweep was started before."""
    try:
        found = files.read_json(folder / FOUND)
    except (OSError, UserError):
        return {}
    whole = lambda v: isinstance(v, list) and [files.is_a(x, float) for x in v]
    return {k: Cost(*v) for k, v in found.items() if whole(v) == [True] * 4}


def remember(folder: Path, found: dict[str, Cost]) -> None:
    """Add timings to those that the sweep folder knows, if it is there already."""
    if found and folder.is_dir():
        files.write_json(folder / FOUND, earlier(folder) | found, indent=1)


def timed(wanted: dict[str, Trial], jobs: int) -> dict[str, Cost]:
    """Run trials of each kind for a few steps in a folder of their own, side by side.

    Those that fail or were not reached in time are left out.
    """
    first = {t.config: name for name, t in reversed(wanted.items())}
    order = [*first.values(), *(n for n in wanted if n not in first.values())]
    trials = {
        name: Trial(
            f"{number}",
            {"timing": number},
            wanted[name].config,
            [*wanted[name].overrides, *short(wanted[name])],
        )
        for number, name in enumerate(order)
    }
    began = time.monotonic()
    aside = tempfile.TemporaryDirectory(
        prefix="deconvgen-timing-", ignore_cleanup_errors=True
    )
    with signals.noted(matters=True), aside as place:
        pool = launch.Pool(Path(place), list(trials.values()), jobs)
        try:
            pool.start()
            while pool.alive() and time.monotonic() - began < PATIENCE:
                pool.ending |= time.monotonic() - began > LIMIT
                signals.pause(0.1)
        finally:
            pool.stop(kill=True)
        found = {}
        for name, trial in trials.items():
            outcome = pool.done.get(trial.name, {})
            run = experiment.place(Path(place), trial)
            if outcome.get("state") == "finished" and (cost := of_run(run, outcome)):
                found[name] = cost
    return found


def short(trial: Trial) -> list[str]:
    """The overrides that make a timing of a run; each network is trained in it."""
    config = configs.load(trial.config, trial.overrides)
    steps = max(TIMED, config.get("critic_steps", 1))
    told = {f"{group}.warmup_steps": 0 for group in OPTIMIZERS if group in config}
    told |= {"steps": steps, "log_every": 1, "eval_every": -(-steps // 3)}
    told |= dict.fromkeys(("sample_every", "checkpoint_every"), -(-steps // 2))
    return [f"{key}={value}" for key, value in told.items()]


def of_run(place: Path, outcome: dict[str, Any]) -> Cost | None:
    """The cost of a run that is over; None where its records do not tell.

    An evaluation is the time from the last training record of its step to the record
    of the costs; that of the first one, which compiles, counts as starting. What the
    last one takes longer, where test images follow it, is the test.
    """
    records = read(place / METRICS)
    rates = [r["images_per_second"] for r in records if r.get("images_per_second")]
    if not rates:
        return None
    try:
        config = configs.read(place / "config.json")
    except UserError:
        return None
    clock = lambda kind: {
        r["step"]: r["seconds"] for r in records if r["kind"] == kind and "seconds" in r
    }
    train, costs = clock("train"), clock("cost")
    spans = [costs[s] - train[s] for s in sorted(costs) if s in train]
    tests = sum(r["kind"] == "test" for r in records)
    last = spans[-1] if spans else 0.0
    alone = spans[1:-1] if tests else spans[1:]
    evaluation = fmean(alone) if alone else last / (1 + tests)
    test = max(last - evaluation, 0.0) if tests else 0.0
    step = config.batch_size / rates[-1]
    running = step * config.steps + evaluation * len(costs) + test
    return Cost(max(outcome["seconds"] - running, 0.0), step, evaluation, test)
