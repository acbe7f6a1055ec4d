"""submitit without Slurm: the jobs of a sweep on this machine, a few at a time.

A job is a process that outlives the sweep's own. DIR/slurm/here.json remembers each
run's, with the place that it takes: a share of the cores and one of the GPUs. A sweep
that is started again watches those that still run, and gives their places to nobody
else.
"""

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from deconvgen.sweep import slurm, worker
from deconvgen.sweep.launcher import Launcher
from deconvgen.sweep.local import default_jobs, gpus
from deconvgen.sweep.plan import Trial

JOBS = "here.json"


class Job(NamedTuple):
    """A process that trains a run."""

    id: int  # of the process
    place: int  # 0, 1, ... of those that there are jobs at a time

    def runs(self) -> bool:
        """Whether it is there, and no other process that has got its number since."""
        try:
            os.kill(self.id, 0)
        except OSError:
            return False
        with contextlib.suppress(ChildProcessError):
            return not os.waitpid(self.id, os.WNOHANG)[0]  # it is one of our own
        with contextlib.suppress(OSError):
            return b"submitit" in Path(f"/proc/{self.id}/cmdline").read_bytes()
        return not Path("/proc/self").exists()


@contextmanager
def deaf() -> Iterator[None]:
    """Processes that start meanwhile ignore Ctrl-C, until they say otherwise."""
    try:
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    except ValueError:  # not in the main thread, where Ctrl-C would arrive
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


class Jobs(slurm.Jobs):
    """Jobs that are submitted one by one, when another has ended."""

    here, pause, saved = True, Launcher.pause, Launcher.saved
    file = JOBS
    usual = staticmethod(default_jobs)

    def start(self) -> None:
        """Find the jobs of a sweep that was started before, which still train."""
        before = slurm.known(self.folder, self.file)
        told = {t.name: before[t.name] for t in self.trials if t.name in before}
        whole = lambda job: isinstance(job, list) and [*map(type, job)] == [int, int]
        found = {name: Job(*job) for name, job in told.items() if whole(job)}
        self.running = {name: job for name, job in found.items() if job.runs()}
        self.waiting = [t for t in self.trials if t.name not in self.running]

    def look(self) -> list[Trial]:
        """Note what has ended, and begin as many as there is room for."""
        for trial in self.trials:
            job = self.running.get(trial.name)
            if job and not job.runs():
                del self.running[trial.name]
                self.ended(trial, str(job.id))
        while self.waiting and len(self.running) < self.jobs:
            taken = {job.place for job in self.running.values()}
            free = (i for i in range(len(taken) + 1) if i not in taken)
            self.begin(self.waiting.pop(0), next(free))
        return [trial for trial in self.trials if trial.name in self.running]

    def begin(self, trial: Trial, place: int) -> None:
        """Start a job; Ctrl-C at the sweep is not for it."""
        made = slurm.executor(self.folder, "local", self.jobs, self.settings)
        with deaf(), worker.inherited():
            job = made.submit(worker.Remote(), self.told(trial, **self.share(place)))
        self.running[trial.name] = Job(int(job.job_id), place)
        told = {trial.name: list(self.running[trial.name])}
        slurm.remember(self.folder, told, self.file)

    def share(self, place: int) -> dict[str, Any]:
        """The cores and GPUs of a place, as `local.Worker` has them."""
        each, known = self.settings.get("gpus", 1), gpus()
        places = range(place * each, (place + 1) * each)
        return {
            "index": place,
            "cores": self.settings.get("cpus") or max(1, worker.cpus() // self.jobs),
            "gpus": ",".join(known[i % len(known)] for i in places if known),
        }

    def stop(self, patience: float = worker.PATIENCE) -> None:
        """Ask the jobs to save and end, and wait until they have."""
        running, until = list(self.running.values()), time.monotonic() + patience
        while time.monotonic() < until:
            running = [job for job in running if job.runs()]
            for job in running:
                with contextlib.suppress(OSError):
                    os.kill(job.id, signal.SIGTERM)  # submitit hands it on to the run,
            if not running:  # which does not listen before it trains
                return
            time.sleep(0.5)
