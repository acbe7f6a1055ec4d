"""A process that trains runs one after another, as it is told.

Each line on its standard input is a list of runs in JSON, the seeds to train together
or a single run; each answer, on a pipe of its own, is what became of them. Starting
Python, JAX and the devices is paid once, and the programs that XLA compiled for one
seed serve the next. When its input ends, because whoever started it ended, it stops
the run under way as SIGTERM does: saved, to be gone on with.
"""

import fcntl
import json
import os
import queue
import signal
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from deconvgen.core import files
from deconvgen.core.errors import UserError
from deconvgen.core.runtime import cpus

OUTCOME = "outcome.json"
LOG = "log.txt"
FULL = "RESOURCE_EXHAUSTED"
"""What XLA says where a device's memory does not hold a program."""
PATIENCE = 60.0
"""Seconds that a run waits for one that is just ending in its folder."""


def spec(folder: Path, trial: Any) -> dict[str, Any]:
    """A run as a line of input tells it."""
    return {
        "workdir": str(folder),
        "config": trial.config,
        "overrides": trial.overrides,
        "name": trial.name,
    }


def execute(
    specs: list[dict[str, Any]], lead: float = 0.0, kept: Any = None
) -> list[dict[str, Any]]:
    """Train runs in their folders, in one program those that one can train.

    Writes and returns what became of each: `{"state": "finished" or "failed", ...}`.
    Nothing is written where a signal stopped them (`deconvgen.runs.train.Stopped` is
    raised). What keeps some from being trained together, another step or too little
    memory, leaves them to be trained in parts. `lead` are seconds that the process has
    spent to start, for which the first of them answers; `kept` is a
    `deconvgen.runs.kept.Kept`, of what it has trained before.
    """
    from deconvgen import config
    from deconvgen.runs import population
    from deconvgen.runs.train import Stopped, train_together
    from deconvgen.training.stopwatch import Stopwatch

    began, watch = time.monotonic(), Stopwatch()
    watch.seconds["starting"] += lead
    folders = [Path(spec["workdir"]) for spec in specs]
    places = range(len(specs))
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / OUTCOME).unlink(missing_ok=True)  # of an earlier try that failed
    ended: list[Any] = []
    groups: list[list[int]] = [[*places]]
    try:
        with watch.during("waiting"):
            for folder in folders:
                wait(folder)
        loaded = [config.load(spec["config"], spec["overrides"]) for spec in specs]
        groups = population.groups(loaded, folders)
        if len(groups) == 1:
            ended = train_together(loaded, folders, watch=watch, kept=kept)
    except Stopped:
        raise
    except Exception as error:
        if not isinstance(error, UserError):
            traceback.print_exc()
        ended = [error] * len(specs)
        count = parts(error, len(specs))
        if count > 1:
            groups = [[*places[i::count]] for i in range(count)]
            print(f"trained in {count} parts: {error}", flush=True)
    outcomes: list[dict[str, Any]] = [{}] * len(specs)
    if len(groups) > 1:
        for group in groups:
            done = execute([specs[i] for i in group], lead, kept)
            lead = 0.0
            for i, outcome in zip(group, done, strict=True):
                outcomes[i] = outcome
        return outcomes
    seconds = round((time.monotonic() - began) / len(specs), 1)
    for i, end in enumerate(ended):
        if isinstance(end, Exception):
            outcome = {"state": "failed", "error": f"{end}" or type(end).__name__}
        else:
            outcome = {"state": "finished", "step": end.step}
        outcomes[i] = outcome | {"seconds": seconds, "spent": watch.share(len(specs))}
        record(folders[i], outcomes[i])
    return outcomes


def parts(error: Exception, count: int) -> int:
    """In how many parts to train runs that could not be trained at once; 1: in none."""
    if fits := getattr(error, "fits", 0):
        return -(-count // fits)
    if FULL in f"{error}":
        return min(2, count)
    return count if isinstance(error, UserError) else 1


def record(folder: Path, outcome: dict[str, Any]) -> None:
    """Write what became of a run, whole or not at all."""
    files.write_json(folder / OUTCOME, outcome)


def outcome(folder: Path) -> dict[str, Any]:
    """What became of a run; empty where it is not over, or nobody can tell."""
    try:
        found = files.read_json(folder / OUTCOME, {"state": str})
    except (OSError, UserError):
        return {}
    over = found["state"] == "finished" and files.is_a(found.get("seconds"), float)
    failed = found["state"] == "failed" and files.is_a(found.get("error"), str)
    return found if over or failed else {}


def wait(folder: Path, patience: float = PATIENCE) -> None:
    """Until no other process holds the run folder, or for as long as `patience`."""
    with (folder / ".lock").open("w") as lock:
        until = time.monotonic() + patience
        while time.monotonic() < until:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except OSError:
                time.sleep(0.2)


class Remote:
    """What a job of a cluster calls; submitit pickles it. This module imports little,
    so that JAX starts prepared there as well."""

    def __call__(self, told: dict[str, Any]) -> dict[str, Any]:
        """Train one run, in the job, on `told["cores"]` of the machine's cores."""
        from deconvgen.core import runtime

        if gpus := told.get("gpus"):  # in place of what submitit made of it
            os.environ["CUDA_VISIBLE_DEVICES"] = gpus
        if cores := told.get("cores"):
            share(told["index"], cpus() // cores or 1)
        runtime.prepare()
        return execute([told])[0]

    def checkpoint(self, told: dict[str, Any]) -> Any:
        """What to run when the job is requeued: the same, which goes on."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self, told)


@contextmanager
def inherited() -> Iterator[dict[str, str]]:
    """The environment in which Python finds what it finds here, and nothing else.

    It would look into the current folder first, whatever lies there: an older clone of
    this package, a queue.py. Processes that start meanwhile have it.
    """
    here = [os.path.abspath(entry) for entry in sys.path]
    ours = {"PYTHONSAFEPATH": "1", "PYTHONPATH": os.pathsep.join(here)}
    before = {name: os.environ.get(name) for name in ours}
    os.environ |= ours
    try:
        yield dict(os.environ)
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


def share(index: int, count: int) -> None:
    """Keep to one of `count` parts of the CPU cores, where there are that many.

    The number of cores decides in which order XLA adds, so figures are the same to the
    last bit only for the same number.
    """
    if not hasattr(os, "sched_setaffinity"):
        return
    cores = sorted(os.sched_getaffinity(0))
    each = len(cores) // count
    if each:
        os.sched_setaffinity(0, cores[index % count * each :][:each])


def main(part: str, answers_to: str, began: str) -> None:
    """Read runs, train them, answer; `part` is INDEX/COUNT of the workers, which were
    `began` then, in seconds of the epoch.

    Answers go to an open file of their own, by its number: what anybody prints, from
    the start of Python on, is not one.
    """
    index, count = map(int, part.split("/"))
    share(index, count)
    answers = os.fdopen(int(answers_to), "w")
    runs: queue.Queue[str] = queue.Queue()

    def listen() -> None:
        for line in sys.stdin:
            runs.put(line)
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(PATIENCE)
        os._exit(1)

    threading.Thread(target=listen, daemon=True).start()
    from deconvgen.core import runtime

    runtime.prepare()
    from deconvgen.runs.kept import Kept
    from deconvgen.runs.train import Stopped

    kept = Kept(shared=True)
    lead = max(time.time() - float(began), 0.0)
    while True:
        told = json.loads(runs.get())
        folder = Path(told[0]["workdir"])
        folder.mkdir(parents=True, exist_ok=True)
        log = os.open(folder / LOG, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.close(log)
        try:
            answer = execute(told, lead, kept)
            lead = 0.0
        except Stopped as stopped:
            print(stopped, flush=True)
            sys.exit(stopped.code)
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
