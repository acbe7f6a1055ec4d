"""Run a sweep here: several workers, a run each, until all are over.

DIR/
    sweep.json      the plan; see `deconvgen.sweep.plan`
    runs/NAME/      a run folder of `deconvgen train`, with outcome.json and log.txt
"""

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from importlib.util import find_spec
from typing import Any

from deconvgen.core import runtime
from deconvgen.sweep import grouping, worker
from deconvgen.sweep.launcher import Launcher, Outcome
from deconvgen.sweep.plan import Trial, place


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


def accelerated() -> bool:
    """Whether the workers will train on something else than a CPU."""
    tpu = find_spec("libtpu") is not None
    return not runtime.on_cpu_only() and (tpu or bool(gpus()))


class Worker:
    """A worker process and how to talk to it; `index` of `count` tells its share."""

    def __init__(self, index: int, count: int):
        reading, writing = os.pipe()
        module, part = "deconvgen.sweep.worker", f"{index}/{count}"
        with worker.inherited() as environment:
            if devices := gpus():
                environment["CUDA_VISIBLE_DEVICES"] = devices[index % len(devices)]
                if count > len(devices):  # several share one: none may take it all
                    environment.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
            self.process: Any = subprocess.Popen(
                [sys.executable, "-m", module, part, f"{writing}", f"{time.time()}"],
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


class Pool(Launcher):
    """Hands the trials to workers, those of a program to the same one if it can.

    What is trained in one program is one piece of work.
    """

    usual = staticmethod(default_jobs)

    def __init__(self, *arguments: Any, **how: Any):
        super().__init__(*arguments, **how)
        self.left = grouping.pieces(self.trials, self.most, self.jobs)
        self.active: dict[int, list[Trial]] = {}
        self.ending = False
        self.error: BaseException | None = None
        self._lock = threading.Lock()
        self._threads = [
            threading.Thread(target=self._serve, args=(index,), daemon=True)
            for index in range(min(self.jobs, len(self.left)))
        ]
        self._workers: dict[int, Worker] = {}

    def start(self) -> None:
        """Start the workers."""
        for thread in self._threads:
            thread.start()

    def alive(self) -> bool:
        """Whether any worker has something to do."""
        return any(thread.is_alive() for thread in self._threads)

    def look(self) -> list[Trial]:
        """The trials under way; raises what a thread stumbled on, once all are over."""
        if self.error and not self.alive():
            raise self.error
        with self._lock:
            return [trial for trials in self.active.values() for trial in trials]

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
            busy = {grouping.kin(trials[0]) for trials in self.active.values()}
            order = [
                lambda trials: grouping.kin(trials[0]) == last,  # which are compiled
                lambda trials: grouping.kin(trials[0]) not in busy,  # nobody else does
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
            outcomes = own.run([self.told(trial) for trial in trials])
            if not outcomes and not self.ending:
                why = died(own)
                outcomes = [self.lost(trial, why) for trial in trials]
                own = None
            last = grouping.kin(trials[0])
            with self._lock:
                del self.active[index]
                for trial, outcome in zip(trials, outcomes, strict=False):
                    self.done[trial.name] = outcome
        if own is not None:
            own.stop()

    def lost(self, trial: Trial, why: str) -> Outcome:
        """The outcome of a run whose process ended; it may have told before."""
        told = worker.outcome(place(self.folder, trial))
        return told or self.failed(trial, why)


def died(own: Worker) -> str:
    """Why a process ended under its runs, in words."""
    code = own.process.returncode
    why = f"signal {-code}" if code < 0 else f"exit code {code}"
    said = own.process.stderr.read().strip().splitlines()
    if said:
        why += f": {said[-1]}"
    own.stop()
    if code == -9:
        why += ", as when memory runs out"
    return f"its process ended by {why}"
