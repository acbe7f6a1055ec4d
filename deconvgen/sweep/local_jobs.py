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
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from deconvgen.core import signals
from deconvgen.sweep import local as launch
from deconvgen.sweep import plan as experiment
from deconvgen.sweep import slurm, worker
from deconvgen.sweep.display import Display
from deconvgen.sweep.local import Outcome
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


def told(
    folder: Path, trial: Trial, place: int, jobs: int, settings: dict[str, Any]
) -> dict[str, Any]:
    """What a job is to do, on which cores and GPUs; as `launch.Worker` has them."""
    gpus, each = launch.gpus(), settings.get("gpus", 1)
    own = [gpus[i % len(gpus)] for i in range(place * each, (place + 1) * each) if gpus]
    cores = settings.get("cpus") or max(1, worker.cpus() // jobs)
    return worker.spec(experiment.place(folder.absolute(), trial), trial) | {
        "index": place,
        "cores": cores,
        "gpus": ",".join(own),
    }


def submit(
    folder: Path, trial: Trial, place: int, jobs: int, settings: dict[str, Any]
) -> Job:
    """Start a job; Ctrl-C at the sweep is not for it."""
    made = slurm.executor(folder, "local", jobs, settings)
    with deaf(), worker.inherited():
        job = made.submit(worker.Remote(), told(folder, trial, place, jobs, settings))
    return Job(int(job.job_id), place)


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


def run(
    folder: Path,
    trials: list[Trial],
    jobs: int = 0,
    *,
    settings: dict[str, Any] | None = None,
    poll: float = 0.5,
    display: Callable[..., Display] = Display,
) -> dict[str, Outcome]:
    """Run what is not finished of `trials`, `jobs` at a time; returns their outcomes.

    On KeyboardInterrupt the runs under way are saved before it is raised again.
    """
    left = launch.pending(folder, trials)
    if not left:
        return {}
    jobs = jobs or launch.default_jobs()
    running = earlier(folder, left)
    waiting = [trial for trial in left if trial.name not in running]
    done: dict[str, Outcome] = {}
    with display(folder, len(trials), len(trials) - len(left)) as shown:
        try:
            while len(done) < len(left):
                for trial in left:
                    job = running.get(trial.name)
                    if job and not job.runs():
                        del running[trial.name]
                        done[trial.name] = slurm.outcome(folder, trial, str(job.id))
                while waiting and len(running) < jobs:
                    taken = {job.place for job in running.values()}
                    place = next(i for i in range(len(left) + jobs) if i not in taken)
                    trial = waiting.pop(0)
                    job = submit(folder, trial, place, jobs, settings or {})
                    running[trial.name] = job
                    slurm.remember(folder, {trial.name: list(job)}, JOBS)
                shown.update(done, [t for t in left if t.name in running])
                if len(done) < len(left):
                    signals.pause(poll)
        except BaseException:
            stop(list(running.values()))
            raise
    return done


def earlier(folder: Path, trials: list[Trial]) -> dict[str, Job]:
    """The jobs of a sweep that was started before, which still train these trials."""
    before = slurm.known(folder, JOBS)
    told = {t.name: before[t.name] for t in trials if t.name in before}
    whole = lambda job: isinstance(job, list) and [*map(type, job)] == [int, int]
    found = {name: Job(*job) for name, job in told.items() if whole(job)}
    return {name: job for name, job in found.items() if job.runs()}


def stop(running: list[Job], patience: float = worker.PATIENCE) -> None:
    """Ask jobs to save and end, and wait until they have."""
    until = time.monotonic() + patience
    while time.monotonic() < until:
        running = [job for job in running if job.runs()]
        for job in running:
            with contextlib.suppress(OSError):
                os.kill(job.id, signal.SIGTERM)  # submitit hands it on to the run,
        if not running:  # which does not listen before it trains
            return
        time.sleep(0.5)
