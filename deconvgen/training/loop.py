"""THE training loop: one run, or several together; one step a call, or several.

`pmap(devices) o vmap(members) o scan(steps) o task.train_step`, in this order, each
absent where its number is 1 (`deconvgen.training.parallel.Spread.rounds`). What lies
between two steps (a record, pictures, an evaluation, a checkpoint) is done for each
member as if it were alone, and one that diverges or stops early harms no other. The
scalars of a call are read while the next one computes.
"""

import signal
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext, suppress
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental import multihost_utils

from deconvgen.core import runtime, signals
from deconvgen.core.errors import Diverged, Exit
from deconvgen.core.terminal import Bar, say
from deconvgen.core.types import Task, Tree
from deconvgen.training import checkpoint, monitor
from deconvgen.training.feed import Feed
from deconvgen.training.log import Log
from deconvgen.training.parallel import TRAINING, Spread, purpose_key


class Times(NamedTuple):
    """How much and how often: the same for all that are trained together."""

    steps: int
    batch_size: int
    log_every: int
    sample_every: int
    eval_every: int
    checkpoint_every: int
    steps_per_call: int = 1

    def call(self, done: int) -> int:
        """The steps of the next call: `steps_per_call`, or 1 where something is due
        before it would end, so that no more than two programs are compiled."""
        every = (self.log_every, self.sample_every, self.eval_every)
        room = min(n - done % n for n in (*every, self.checkpoint_every))
        fits = self.steps_per_call <= min(room, self.steps - done)
        return self.steps_per_call if fits else 1


class Due(NamedTuple):
    """What is to be done before the next call."""

    samples: bool
    evaluates: bool
    saves: bool

    @classmethod
    def at(cls, done: int, times: Times, stop: int) -> "Due":
        """After `done` steps; everything at the end."""
        last = done == times.steps
        return cls(
            last or done % times.sample_every == 0,
            last or done % times.eval_every == 0,
            last or bool(stop) or done % times.checkpoint_every == 0,
        )


class Member(NamedTuple):
    """One run folder in training."""

    workdir: Path
    name: str  # before what is said of it; "" of a run that is alone
    seed: int
    log: Log
    saver: checkpoint.Saver
    goal: monitor.Goal
    knobs: str  # what to try after a collapse
    before: float  # seconds that earlier processes spent on it


class Outcome(NamedTuple):
    """How a run ended.

    >>> Outcome(Path("runs/x"), 100, {"psnr": 20.1}, {"psnr": 20.3}).best
    {'psnr': 20.3}
    """

    workdir: Path
    step: int
    last: dict[str, Any]  # the last evaluation
    best: dict[str, Any]  # the best one, by the goal
    tests: list[dict[str, Any]] = []  # test figures of the last and the best step


class Stopped(Exit):
    """A signal asked the run to stop; it has saved what it had.

    >>> Stopped(15, 100, Path("runs/x")).code
    143
    """

    def __init__(self, number: int, step: int, workdir: Path):
        super().__init__(
            f"stopped by {signal.Signals(number).name} at step {step}, which is saved; "
            f"give the same command again to go on (run folder {workdir})"
        )
        self.code = 128 + number


Visit = Callable[[Member, Tree, int, Due, float, Callable[[], float]], None]
"""(member, its state on the devices, step, what is due, images/s, its seconds)."""


def fit(
    task: Task,
    members: Sequence[Member],
    state: Tree,
    times: Times,
    spread: Spread,
    feed: Feed,
    visit: Visit,
    start: int = 0,
    quiet: bool = False,
    aside: Callable[[], AbstractContextManager] = nullcontext,
) -> list[Outcome | Diverged]:
    """Train to the end; how each member ended.

    - state: what the task's step takes, on the host; of several members with a leading
      axis over them.
    - feed: the batches of all members.
    - visit: records, draws, evaluates and saves what is due, for one member; those of
      several are side by side, in threads.
    - aside: is entered meanwhile.

    Raises `Stopped` after SIGTERM or SIGINT, once everything is saved.

    >>> ended = fit(task, members, state, times, spread, feed, visit)  # doctest: +SKIP
    """
    count, many = len(members), len(members) > 1
    ended: dict[int, Outcome | Diverged] = {}
    rounds = spread.rounds(task.train_step, feed.read, many)
    roots = [purpose_key(member.seed, TRAINING) for member in members]
    roots = jnp.stack(roots) if many else roots[0]
    state, shared = spread.put_state((state, feed.shared))
    began = time.monotonic()
    seconds = lambda m: round(m.before + (time.monotonic() - began) / count, 3)

    def read(done: int, scalars: Tree) -> None:
        """Look at the scalars of the call that ended at step `done`."""
        found = {k: np.asarray(v) for k, v in spread.local(scalars).items()}
        if not many:
            found = {k: v[None] for k, v in found.items()}  # [m, k]
        alive = [i for i in range(count) if i not in ended]
        rate = bar.update(done, {k: float(v[alive[0], -1]) for k, v in found.items()})
        for i in alive:
            member = members[i]
            rows = {name: values[i] for name, values in found.items()}
            if bad := monitor.not_finite(rows, done):
                ended[i] = Diverged(monitor.diverged(*bad, member.workdir))
                continue
            own = {name: float(values[-1]) for name, values in rows.items()}
            if monitor.is_collapsed(done, own) and done % times.eval_every == 0:
                told = monitor.collapsed(own["diversity"], done, member.knobs)
                say(member.name + told)
            if done % times.log_every == 0:
                pace = {
                    "images_per_second": round(rate, 1),
                    "seconds": seconds(member),
                }
                member.log.record(done, "train", own | pace)

    def visited(state: Tree, done: int, due: Due, i: int) -> Diverged | None:
        """What is due for a member; what is wrong with a state that is not saved."""
        own = spread.member(state, i) if many else state
        try:
            spent = partial(seconds, members[i])
            visit(members[i], own, done, due, bar.last, spent)
        except Diverged as error:
            return error

    late: tuple[int, Tree] | None = None
    done = start
    shown = Bar(start, times.steps, times.batch_size * count, quiet)
    with signals.noted() as asked, shown as bar:
        while done < times.steps:
            for i, member in enumerate(members):
                if i not in ended and member.goal.exhausted(member.log.records("eval")):
                    ended[i] = outcome(member, done)
                    if not quiet:
                        say(f"{member.name}stopped early at step {done}: {member.goal}")
            if len(ended) == count:
                break
            size = times.call(done)
            batches = spread.put_rounds(feed.take(done, size), many)
            state, scalars = rounds(roots, state, shared, batches, done)
            done += size
            if late:
                read(*late)
            late = (done, scalars)
            stop = agreed(asked, done, times.log_every)
            due = Due.at(done, times, stop)
            if not any(due):
                continue
            read(*late)
            late = None
            with bar.pause(), aside():
                alive = [i for i in range(count) if i not in ended]
                threads = runtime.cpus() if spread.count == 1 else 1
                ended |= each(partial(visited, state, done, due), alive, threads)
            if stop:
                for member in members:
                    with suppress(Diverged):
                        member.saver.wait()
                place = members[0].workdir
                raise Stopped(stop, done, place.parent if many else place)
    return [ended.get(i) or outcome(m, done) for i, m in enumerate(members)]


def each(call: Callable[[int], Any], places: list[int], threads: int) -> dict[int, Any]:
    """What `call` gives for the places where it gives something.

    The first by itself, since it compiles; the others side by side, as most of a visit
    is the host's work while an accelerator waits.
    """
    first, rest = places[:1], places[1:]
    found = [call(i) for i in first]
    if rest:
        with ThreadPoolExecutor(threads) as pool:
            found += pool.map(call, rest)
    return {i: given for i, given in zip(places, found, strict=True) if given}


def outcome(member: Member, done: int) -> Outcome | Diverged:
    """How a member ended at a step, once all that it has is on disk."""
    try:
        member.saver.wait()
    except Diverged as error:
        return error
    evals, tests = (member.log.records(kind) for kind in ("eval", "test"))
    tests = [record for record in tests if record["step"] == done]
    return Outcome(member.workdir, done, evals[-1], member.goal.best(evals), tests)


def agreed(asked: signals.Noted, step: int, every: int) -> int:
    """The signal to stop for, or 0; several hosts agree on it every few steps."""
    mine = asked.look()
    if jax.process_count() == 1:
        return mine
    if step % every:
        return 0
    return int(np.max(multihost_utils.process_allgather(np.int32(mine))))
