"""Where the runs of a sweep are trained: what every place has in common, and the loop.

Here, in a pool of processes: `deconvgen.sweep.local`. As jobs of submitit on this
machine: `deconvgen.sweep.local_jobs`; on a cluster: `deconvgen.sweep.slurm`.

What is finished is not run again, whatever killed the sweep; what was interrupted goes
on from its checkpoint; what failed is tried again when the sweep is started again.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any

from deconvgen.core import signals
from deconvgen.sweep import worker
from deconvgen.sweep.display import Display
from deconvgen.sweep.plan import Trial, place

Outcome = dict[str, Any]


class Launcher(ABC):
    """Trains `trials` in the sweep's `folder`, `jobs` at a time.

    `done` has the outcomes of those that are over. A launcher that can trains at most
    `most` runs in one program (0: what fits); see `deconvgen.sweep.grouping`.
    """

    here = True  # on this machine, whose speed tells how long it takes
    pause = 0.2  # seconds from one look to the next
    saved = "the runs under way are saved"  # what becomes of them on Ctrl-C

    def __init__(
        self,
        folder: Path,
        trials: list[Trial],
        jobs: int,
        settings: dict[str, Any] | None = None,
        most: int = 1,
    ):
        self.folder, self.trials, self.jobs = folder, trials, jobs
        self.settings, self.most = settings or {}, most
        self.done: dict[str, Outcome] = {}

    @staticmethod
    @abstractmethod
    def usual() -> int:
        """How many run at a time where nobody says."""

    @abstractmethod
    def start(self) -> None:
        """Begin; or find what an earlier sweep has begun."""

    @abstractmethod
    def look(self) -> list[Trial]:
        """Bring `done` up to date; returns the trials under way."""

    @abstractmethod
    def stop(self) -> None:
        """Let the runs under way save and end, and wait until they have."""

    def told(self, trial: Trial, **more: Any) -> dict[str, Any]:
        """A run as `worker.execute` reads it."""
        return worker.spec(place(self.folder.absolute(), trial), trial) | more

    def failed(self, trial: Trial, error: str) -> Outcome:
        """The outcome of a run that could not tell its own, noted in its folder."""
        outcome = {"state": "failed", "error": error}
        worker.record(place(self.folder, trial), outcome)
        return outcome


def pending(folder: Path, trials: list[Trial]) -> list[Trial]:
    """The trials that are not finished."""
    state = lambda trial: worker.outcome(place(folder, trial)).get("state")
    return [trial for trial in trials if state(trial) != "finished"]


def run(
    launcher: type[Launcher],
    folder: Path,
    trials: list[Trial],
    jobs: int = 0,
    settings: dict[str, Any] | None = None,
    most: int = 1,
    display: Callable[..., Display] = Display,
) -> dict[str, Outcome]:
    """Run what is not finished of `trials`; returns the outcomes of these.

    On KeyboardInterrupt the launcher stops before it is raised again.
    """
    left = pending(folder, trials)
    if not left:
        return {}
    own = launcher(folder, left, jobs or launcher.usual(), settings, most)
    with display(folder, len(trials), len(trials) - len(left)) as shown:
        own.start()
        try:
            while True:
                shown.update(own.done, own.look())
                if len(own.done) == len(left):
                    return own.done
                signals.pause(own.pause)
        finally:
            own.stop()
