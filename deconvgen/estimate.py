"""How long a sweep will take: from runs that are over, else from a short timing."""

import json
import shutil
from pathlib import Path
from typing import NamedTuple

from deconvgen import config as configs
from deconvgen import experiment, launch, worker
from deconvgen.experiment import Trial
from deconvgen.log import METRICS, read

TIMED = 12
"""Steps of the timing; the first of them compiles."""
SEED_SHARE = 0.25
"""Of the time for starting, compiling and saving, what a further seed needs."""


class Cost(NamedTuple):
    """What a run takes, in seconds."""

    start: float  # beside its steps
    step: float


def seconds(folder: Path, trials: list[Trial], jobs: int, timing: bool = True) -> float:
    """About how long `trials` will take, `jobs` at a time; NaN where nobody knows.

    For each config a run of the sweep that is over tells; else, with `timing`, the
    first one is run for a few steps on the side.
    """
    costs: dict[str, Cost | None] = {}
    total, groups = 0.0, set()
    for trial in trials:
        if trial.config not in costs:
            costs[trial.config] = measured(folder, trial.config) or (
                timed(folder, trial) if timing else None
            )
        cost = costs[trial.config]
        if cost is None:
            return float("nan")
        steps: Any = configs.load(trial.config, trial.overrides).steps
        again = trial.group in groups
        groups.add(trial.group)
        total += cost.start * (SEED_SHARE if again else 1) + cost.step * steps
    return total / max(1, min(jobs, len(trials)))


def measured(folder: Path, config: str) -> Cost | None:
    """The cost of a config's runs, by those that are over in the sweep."""
    path = folder / experiment.PLAN
    found = []
    for trial in experiment.read(folder).trials if path.exists() else []:
        place = experiment.place(folder, trial)
        outcome = worker.outcome(place)
        if trial.config == config and outcome.get("state") == "finished":
            found.append(_cost(place, outcome["seconds"]))
    found = [cost for cost in found if cost]
    if not found:
        return None
    return Cost(max(c.start for c in found), sum(c.step for c in found) / len(found))


def timed(folder: Path, trial: Trial) -> Cost | None:
    """Run a trial for a few steps in a folder of its own; None where that fails."""
    place = folder / "timing"
    shutil.rmtree(place, ignore_errors=True)
    rare = ("eval_every", "sample_every", "checkpoint_every")
    short = [f"steps={TIMED}", "log_every=1", *(f"{key}={TIMED}" for key in rare)]
    own = launch.Worker(0, 1)
    try:
        told = trial._replace(overrides=[*trial.overrides, *short])
        outcomes = own.run([worker.spec(place, told)])
        if not outcomes or outcomes[0]["state"] != "finished":
            return None
        return _cost(place, outcomes[0]["seconds"])
    finally:
        own.stop()
        shutil.rmtree(place, ignore_errors=True)


def _cost(place: Path, total: float) -> Cost | None:
    records = [r for r in read(place / METRICS) if r["kind"] == "train"]
    rates = [r["images_per_second"] for r in records if r.get("images_per_second")]
    if not rates:
        return None
    config = json.loads((place / "config.json").read_text())
    step = config["batch_size"] / rates[-1]
    return Cost(max(total - step * config["steps"], 0.0), step)
