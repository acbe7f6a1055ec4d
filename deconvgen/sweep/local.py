"""Run a sweep here: several workers, a run each, until all are over.

    DIR/
        sweep.json      the plan; see `deconvgen.sweep.plan`
        runs/NAME/      a run folder of `deconvgen train`, with outcome.json and log.txt

What is finished is not run again, whatever killed the sweep; what was interrupted goes
on from its checkpoint; what failed is tried again when the sweep is started again.
"""

import contextlib
import itertools
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from deconvgen.core import signals
from deconvgen.sweep import plan as experiment
from deconvgen.sweep import worker
from deconvgen.sweep.display import Display
from deconvgen.sweep.plan import Trial

Outcome = dict[str, Any]


def pending(folder: Path, trials: list[Trial]) -> list[Trial]:
    """The trials that are not finished."""
    state = lambda trial: worker.outcome(experiment.place(folder, trial)).get("state")
    return [trial for trial in trials if state(trial) != "finished"]


def gpus() -> list[str]:
    """The GPUs that this process may use, as CUDA_VISIBLE_DEVICES names them."""
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    if named is not None:
        return [name for name in named.split(",") if name.strip()]
    try:
        listed = subprocess.run(
            ["nvidia-smi", "--query-gpu=index", "--format=csv,noheader"],
            capture_output=True,
            text=True,
            timeout=20,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return []
    return listed.stdout.split()


def default_jobs() -> int:
    """One run for each GPU, else for each CPU core, up to 8."""
    return len(gpus()) or min(worker.cpus(), 8)


class Worker:
    """A worker process and how to talk to it; `index` of `count` tells its share."""

    def __init__(self, index: int, count: int):
        reading, writing = os.pipe()
        module, part = "deconvgen.sweep.worker", f"{index}/{count}"
        with worker.inherited() as environment:
            if devices := gpus():
                environment["CUDA_VISIBLE_DEVICES"] = devices[index % len(devices)]
            self.process: Any = subprocess.Popen(
                [sys.executable, "-m", module, part, str(writing)],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
                env=environment,
                pass_fds=(writing,),
                start_new_session=True,  # Ctrl-C is for the sweep, which tells them
            )
        os.close(writing)
        self.answers = os.fdopen(reading)

    def run(self, specs: list[dict[str, Any]]) -> list[Outcome]:
        """Train one run, or seeds together; empty where the process has ended."""
        line = json.dumps(specs) + "\n"
        try:
            self.process.stdin.write(line)
            self.process.stdin.flush()
            answer = self.answers.readline()
        except (OSError, ValueError):
            answer = ""
        if answer.endswith("\n"):  # else it ended while it told
            return json.loads(answer)
        self.process.wait()
        return []

    def stop(self, patience: float = worker.PATIENCE) -> None:
        """Close its input, on which it saves and ends; kill it if it does not."""
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        try:
            self.process.wait(patience)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.answers.close()
        self.process.stderr.close()


class Pool:
    """Hands the trials to workers, the seeds of a setting to the same one if it can.

    With `together`, the seeds of a setting are one piece of work.
    """

    def __init__(
        self, folder: Path, trials: list[Trial], jobs: int, together: bool = False
    ):
        self.folder, self.jobs = folder, jobs
        pieces: dict[str, list[Trial]] = {}
        for trial in trials:
            key = trial.group if together else trial.name
            pieces.setdefault(key, []).append(trial)
        self.left = list(pieces.values())
        self.done: dict[str, Outcome] = {}
        self.active: dict[int, list[Trial]] = {}
        self.ending = False
        self.error: BaseException | None = None
        self._lock = threading.Lock()
        self._threads = [
            threading.Thread(target=self._serve, args=(index,), daemon=True)
            for index in range(min(jobs, len(self.left)))
        ]
        self._workers: dict[int, Worker] = {}

    def start(self) -> None:
        """Start the workers."""
        for thread in self._threads:
            thread.start()

    def alive(self) -> bool:
        """Whether any worker has something to do."""
        return any(thread.is_alive() for thread in self._threads)

    def stop(self, kill: bool = False) -> None:
        """Let the runs under way save and end; with `kill`, end them as they are."""
        self.ending = True
        with self._lock:
            workers = list(self._workers.values())
        for each in workers:
            with contextlib.suppress(OSError):
                each.process.kill() if kill else each.process.stdin.close()
        for thread in self._threads:
            thread.join()

    def _next(self, index: int, last: str) -> list[Trial]:
        with self._lock:
            busy = {trials[0].group for trials in self.active.values()}
            order = [
                lambda trials: trials[0].group == last,  # its programs are compiled
                lambda trials: trials[0].group not in busy,  # nobody else compiles them
                lambda trials: True,
            ]
            for wanted in order:
                found = next(filter(wanted, self.left), None)
                if found and not self.ending:
                    self.left.remove(found)
                    self.active[index] = found
                    return found
            return []

    def _serve(self, index: int) -> None:
        try:
            self._hand_out(index)
        except BaseException as error:
            self.error = error  # raised where the sweep waits

    def _hand_out(self, index: int) -> None:
        own: Worker | None = None
        last = ""
        while trials := self._next(index, last):
            if own is None:
                own = Worker(index, self.jobs)
                with self._lock:
                    self._workers[index] = own
                if self.ending:  # nobody has told this one
                    own.process.kill()
            places = [experiment.place(self.folder, trial) for trial in trials]
            specs = [worker.spec(*pair) for pair in zip(places, trials, strict=True)]
            outcomes = own.run(specs)
            if not outcomes and not self.ending:
                outcomes = died(own, places)
                own = None
            last = trials[0].group
            with self._lock:
                del self.active[index]
                for trial, outcome in zip(trials, outcomes, strict=False):
                    self.done[trial.name] = outcome
        if own is not None:
            own.stop()


def died(own: Worker, places: list[Path]) -> list[Outcome]:
    """The outcomes of runs whose process ended under them."""
    code = own.process.returncode
    why = f"signal {-code}" if code < 0 else f"exit code {code}"
    said = own.process.stderr.read().strip().splitlines()
    if said:
        why += f": {said[-1]}"
    own.stop()
    if code == -9:
        why += ", as when memory runs out"
    outcome = {"state": "failed", "error": f"its process ended by {why}"}
    for place in places:
        worker.record(place, outcome)
    return [outcome] * len(places)


def run(
    folder: Path,
    trials: list[Trial],
    jobs: int = 0,
    *,
    together: bool = False,
    display: Callable[..., Display] = Display,
) -> dict[str, Outcome]:
    """Run what is not finished of `trials`; returns the outcomes of these.

    With `together`, the seeds of a setting are trained under one `vmap`; see
    `train_together`. On KeyboardInterrupt the runs under way are saved before
    it is raised again.
    """
    left = pending(folder, trials)
    if not left:
        return {}
    pool = Pool(folder, left, jobs or default_jobs(), together)
    with display(folder, len(trials), len(trials) - len(left)) as shown:
        pool.start()
        try:
            while pool.alive():
                signals.pause(0.2)
                active = itertools.chain(*list(pool.active.values()))
                shown.update(pool.done, list(active))
        except BaseException:
            pool.stop()
            raise
        shown.update(pool.done, [])
    if pool.error:
        raise pool.error
    return pool.done
