"""Seeds of one setting trained together: the task's step under `vmap` over the seeds.

Every seed has its ordinary run folder, with the numbers that `runs.train` gives it
to rounding: the same batches, the same keys, the same first state. It pays where the
steps of one seed leave the device idle. On a CPU the smallest networks alone do, and
the gradients of convolutions whose kernels are mapped over are slower there: on two
cores, three seeds of a DCGAN of 8 and 4 channels take 0.6 of the time that they take
one by one, those of the default DCGAN 1.4.

Of what they share, each seed's records tell its part: `seconds` are the group's,
divided by `seeds_together`, and `images_per_second` counts the images of all seeds.
The peak of the memory is not known for a seed, and is left out.
"""

import math
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from ml_collections import ConfigDict

from deconvgen import config as configs
from deconvgen import data, tasks
from deconvgen.core import signals
from deconvgen.core.errors import UserError, unknown
from deconvgen.core.terminal import say
from deconvgen.core.types import State, Task, Tree
from deconvgen.runs import setup as runs
from deconvgen.runs.train import (
    Diverged,
    Outcome,
    Stopped,
    best_of,
    collapsed,
    diverged,
    is_collapsed,
)
from deconvgen.training import checkpoint, cost, evaluate
from deconvgen.training import parallel as devices
from deconvgen.training.log import Log


class Seed(NamedTuple):
    """One run among those that are trained together."""

    config: Any  # a ConfigDict
    workdir: Path
    log: Log
    saver: checkpoint.Saver
    eval_step: Callable
    sample: Callable
    batches: Any
    fixed: dict[str, float]  # what it costs whatever the step
    before: float  # seconds that earlier processes spent on it


def stack(trees: Sequence[Tree]) -> Tree:
    """Trees of arrays as one, with a first axis over them."""
    return jax.tree.map(lambda *leaves: jnp.stack(leaves), *trees)


def apart(tree: Tree, index: int) -> Tree:
    """One of the trees that were stacked."""
    return jax.tree.map(lambda leaf: leaf[index], tree)


def make_step(task: Task) -> Callable:
    """(roots [s], states, batches, index) -> (states, scalars), all over the seeds."""

    def one(root, state, batch, index):
        size = len(jax.tree.leaves(batch)[0])
        return task.train_step(state, batch, devices.example_keys(root, index, 0, size))

    return jax.jit(jax.vmap(one, in_axes=(0, 0, 0, None)), donate_argnums=(1,))


def reason_against(loaded: Sequence[ConfigDict], workdirs: Sequence[Path]) -> str:
    """Why these runs cannot be trained together; "" where they can."""
    first: Any = loaded[0]
    others = loaded[1:]
    changes = [change for c in others for change in configs.differences(first, c)]
    differing = {change.partition(":")[0] for change in changes}
    if differing - {"seed"}:
        return f"they differ in {', '.join(sorted(differing - {'seed'}))}"
    if jax.device_count() > 1:
        return "there are several devices"
    if first.monitor.patience:
        return "early stopping ends them at steps of their own"
    steps = {(checkpoint.steps(workdir) or [0])[-1] for workdir in workdirs}
    return "they are at different steps" if len(steps) > 1 else ""


def train(
    loaded: Sequence[ConfigDict], workdirs: Sequence[Path], *, quiet: bool = False
) -> list[Outcome | Exception]:
    """Train, or go on with, runs that differ in their seeds alone.

    A seed whose loss is no longer finite has `Diverged` as its outcome, and the others
    go on. Raises `Stopped` after SIGTERM or SIGINT, `UserError` where `reason_against`
    has a reason.
    """
    if why := reason_against(loaded, workdirs):
        raise UserError(f"the seeds cannot be trained together: {why}")
    spread = devices.one()
    first: Any = loaded[0]
    runs.check(first)
    train_set, test_set = runs.dataset(first, "train"), runs.dataset(first, "test")
    loaded = [runs.resolve(config, train_set) for config in loaded]
    first = loaded[0]
    example = next(test_set.eval_batches(1))
    task, target = tasks.make(first, None), runs.shape(first, example)
    shown = spread.put_batch(next(test_set.eval_batches(first.num_samples)))
    with ExitStack() as opened:
        seeds, states, start = [], [], 0
        config: Any
        for config, workdir in zip(loaded, workdirs, strict=True):
            changed = opened.enter_context(runs.claim(workdir, config))
            found = checkpoint.find(workdir, warn=say)
            start = found.step if found else 0
            history = (found.path / "metrics.jsonl").read_bytes() if found else b""
            state = (
                checkpoint.restore(found, target)
                if found
                else runs.initial(config, example, config.seed)
            )
            if not found:
                checkpoint.prove(workdir, state)
            states.append(state)
            seeds.append(_open(config, workdir, history, start, task, state, train_set))
            opened.callback(seeds[-1].log.close)
            if changed:
                seeds[-1].log.record(start, "config", {}, changed=changed)
        roots = jnp.stack(
            [devices.purpose_key(c.seed, devices.TRAINING) for c in loaded]
        )
        return _loop(
            task, seeds, roots, stack(states), start, spread, test_set, shown,
            opened.enter_context(signals.noted()), quiet,
        )  # fmt: skip


def _open(
    config: Any, workdir: Path, history: bytes, start: int, task: Task,
    state: State, train_set: data.Dataset,
) -> Seed:  # fmt: skip
    spread = devices.one()
    pictures = devices.purpose_key(config.seed, devices.PICTURES)
    log = Log(workdir, history, start)
    return Seed(
        config,
        workdir,
        log,
        checkpoint.Saver(workdir, config.monitor.metric, config.monitor.mode),
        evaluate.make_step(task, spread, config.seed),
        spread.run(task.sample, pictures),
        train_set.train_batches(config.seed, config.batch_size, start),
        cost.parameters(state),
        max((r.get("seconds", 0) for r in log.records("train")), default=0),
    )


def _loop(
    task: Task, seeds: list[Seed], roots: jax.Array, states: Tree, done: int,
    spread: Any, test_set: data.Dataset, shown: Any, asked: signals.Noted, quiet: bool,
) -> list[Outcome | Exception]:  # fmt: skip
    config, count = seeds[0].config, len(seeds)
    step = make_step(task)
    work: dict[str, float] = {}
    gone: dict[int, Exception] = {}
    began, first, clock, rate = time.monotonic(), 0, time.monotonic(), 0.0

    def spent(seed: Seed) -> float:
        return round(seed.before + (time.monotonic() - began) / count, 3)

    def read(at: int, scalars: Any) -> None:
        nonlocal first, clock, rate
        values = {name: np.asarray(v) for name, v in scalars.items()}
        if not first:
            first, clock = at, time.monotonic()
        passed = max(time.monotonic() - clock, 1e-9)
        rate = (at - first) * config.batch_size * count / passed
        for index, seed in enumerate(seeds):
            own = {name: float(v[index]) for name, v in values.items()}
            for name, value in own.items():
                if not math.isfinite(value) and index not in gone:
                    text = diverged(name, value, at, seed.workdir)
                    gone[index] = Diverged(text)
            if index in gone:
                continue
            if is_collapsed(at, own) and at % config.eval_every == 0:
                text = collapsed(own["diversity"], at, tasks.knobs(config))
                say(f"seed {seed.config.seed}: {text}")
            if at % config.log_every == 0:
                pace = {"images_per_second": round(rate, 1), "seconds": spent(seed)}
                seed.log.record(at, "train", own | pace)

    late = None
    while done < config.steps and len(gone) < len(seeds):
        batch = stack([next(seed.batches) for seed in seeds])
        states, scalars = step(roots, states, batch, done)
        done += 1
        if late:
            read(*late)
        late = (done, scalars)
        last, stop = done == config.steps, asked.look()
        saves = last or stop or done % config.checkpoint_every == 0
        evaluates = last or done % config.eval_every == 0
        samples = last or done % config.sample_every == 0
        if not (saves or evaluates or samples):
            continue
        read(*late)
        late, paused = None, time.monotonic()
        left = [(i, seed) for i, seed in enumerate(seeds) if i not in gone]
        figures: dict[int, dict[str, Any]] = {index: {} for index, _ in left}
        paces: dict[int, float] = {}
        for index, seed in left:
            state = apart(states, index)
            if samples:
                pictures = spread.join(seed.sample(state, shown, 0))
                seed.log.pictures(done, "samples", pictures)
            if evaluates:
                figures[index] = _evaluate(seed, spread, state, test_set, done)
                paces[index] = cost.sampling_rate(seed.sample, spread, state, shown)
                work = work or {
                    "multiply_adds_train": cost.multiply_adds_train(
                        task, spread, roots[0], state, apart(batch, index)
                    ),
                    "multiply_adds_sample": cost.multiply_adds(
                        seed.sample, state, shown
                    ),
                }
        for index, seed in left:  # once all have been evaluated, so that all share it
            if evaluates:
                own = {
                    "train_images_per_second": round(rate, 1),
                    "sample_images_per_second": round(paces[index], 1),
                    "seconds": spent(seed),
                    "seeds_together": count,
                }
                seed.log.record(done, "cost", seed.fixed | work | own)
            if saves or evaluates:
                meta = {"eval": figures[index], "config": seed.config.to_dict()}
                state = spread.get_state(apart(states, index))
                seed.saver.save(done, state, meta, seed.log.history())
        clock += time.monotonic() - paused
        names = next(iter(figures.values()), {})
        unmeasured = bool(names) and config.monitor.metric not in names
        if stop or unmeasured:
            for seed in seeds:
                seed.saver.wait()
        if stop:
            raise Stopped(stop, done, seeds[0].workdir.parent)
        if unmeasured:
            raise unknown("monitor.metric", config.monitor.metric, names)
        if not quiet:
            say(f"step {done}/{config.steps} of {len(seeds)} seeds")
    return [gone.get(i) or _outcome(seed, done) for i, seed in enumerate(seeds)]


def _evaluate(
    seed: Seed, spread: Any, state: State, test_set: data.Dataset, done: int
) -> dict[str, float]:
    """The figures of one seed, which its log has as well."""
    size, limit = seed.config.eval.batch_size, seed.config.eval.num_examples
    figures = evaluate.evaluate(seed.eval_step, spread, state, test_set, size, limit)
    facts = evaluate.provenance(seed.config, test_set, done, limit)
    seed.log.record(done, "eval", figures, **facts)
    return figures


def _outcome(seed: Seed, done: int) -> Outcome:
    seed.saver.wait()
    evals = seed.log.records("eval")
    return Outcome(seed.workdir, done, evals[-1], best_of(evals, seed.config))
