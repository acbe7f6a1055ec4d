"""THE training loop: no hooks, no callbacks, no class."""

import math
import signal
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
from jax.experimental import multihost_utils
from ml_collections import ConfigDict

from deconvgen import data, tasks
from deconvgen.core import signals
from deconvgen.core.errors import KNOBS, Diverged, unknown
from deconvgen.core.terminal import Bar, say
from deconvgen.runs import setup as runs
from deconvgen.training import checkpoint, cost, evaluate
from deconvgen.training import parallel as devices
from deconvgen.training.log import Log

COLLAPSED = 0.2
"""Deviation of the generated over that of the real images, per pixel over a batch."""

EARLY = 200
"""Steps before which a generator that draws little variety has merely not begun."""


class Stopped(Exception):
    """A signal asked the run to stop; it has saved what it had."""

    def __init__(self, number: int, step: int, workdir: Path):
        super().__init__(
            f"stopped by {signal.Signals(number).name} at step {step}, which is saved; "
            f"give the same command again to go on (run folder {workdir})"
        )
        self.code = 128 + number


class Outcome(NamedTuple):
    """How a run ended."""

    workdir: Path
    step: int
    last: dict[str, Any]  # the last evaluation
    best: dict[str, Any]  # the best one, by `monitor.metric`


def train(config: ConfigDict, workdir: Path | str, *, quiet: bool = False) -> Outcome:
    """Train from the beginning, or go on from the newest checkpoint of `workdir`.

    Raises `UserError` for a config that makes no sense or differs from the folder's,
    `Diverged` where a loss is no longer finite, `Stopped` after SIGTERM or SIGINT.
    """
    workdir = Path(workdir).expanduser()
    runs.check(config)
    memory = cost.begin_peak()
    spread = devices.choose(config.batch_size)
    train_set, test_set = runs.dataset(config, "train"), runs.dataset(config, "test")
    if jax.process_index() == 0 and not quiet:
        say("\n".join(data.summary(train_set, test_set)))
    config = runs.resolve(config, train_set)
    example = next(test_set.eval_batches(1))
    target = runs.shape(config, example)
    task = tasks.make(config, spread.axis)
    main, hosts = jax.process_index() == 0, jax.process_count()

    with ExitStack() as stack:
        changed = stack.enter_context(runs.claim(workdir, config)) if main else {}
        found = checkpoint.find(workdir, warn=say)
        if found:
            start, state = found.step, checkpoint.restore(found, target)
            history = (found.path / "metrics.jsonl").read_bytes()
            say(f"going on from step {start} of {workdir}") if not quiet else None
        else:
            start, history = 0, b""
            state = runs.initial(config, example, config.seed)
            checkpoint.prove(workdir, state) if main else None
        fixed = cost.parameters(state)
        state = spread.put_state(state)

        log = Log(workdir, history, start, writes=main)
        stack.callback(log.close)
        if changed:
            log.record(start, "config", {}, changed=changed)
        monitor = config.monitor
        saver = checkpoint.Saver(workdir, monitor.metric, monitor.mode)
        train_key = devices.purpose_key(config.seed, devices.TRAINING)
        sample_key = devices.purpose_key(config.seed, devices.PICTURES)
        train_step = spread.run(task.train_step, train_key, donate=True)
        eval_step = evaluate.make_step(task, spread, config.seed)
        sample = spread.run(task.sample, sample_key)
        num_samples = -(-config.num_samples // spread.count) * spread.count
        place = (jax.process_index(), hosts)
        shown = next(test_set.eval_batches(num_samples, *place))
        batches = train_set.train_batches(config.seed, config.batch_size, start, *place)
        before = max((r.get("seconds", 0) for r in log.records("train")), default=0)
        began = time.monotonic()
        asked = stack.enter_context(signals.noted())
        bar = stack.enter_context(
            Bar(start, config.steps, config.batch_size, quiet or not main)
        )

        def read(step: int, scalars: Any) -> None:
            values = {k: float(v) for k, v in spread.local(scalars).items()}
            for name, value in values.items():
                if not math.isfinite(value):
                    raise Diverged(diverged(name, value, step, workdir))
            rate = bar.update(step, values)
            if is_collapsed(step, values) and step % config.eval_every == 0:
                say(collapsed(values["diversity"], step, tasks.knobs(config)))
            if step % config.log_every == 0:
                seconds = round(before + time.monotonic() - began, 3)
                pace = {"images_per_second": round(rate, 1), "seconds": seconds}
                log.record(step, "train", values | pace)

        def spent(batch: Any) -> dict[str, Any]:
            rate = cost.sampling_rate(sample, spread, state, shown)
            return fixed | {
                "multiply_adds_train": cost.multiply_adds_train(
                    task, spread, train_key, state, batch
                ),
                "multiply_adds_sample": cost.multiply_adds(
                    sample, state, spread.put_batch(shown)
                ),
                **({"train_images_per_second": round(bar.last, 1)} if bar.last else {}),
                "sample_images_per_second": round(rate, 1),
                "seconds": round(before + time.monotonic() - began, 3),
                **cost.peak_memory(memory),
            }

        late = None  # the scalars of the step before, read while the next one computes
        done = start
        while done < config.steps and not exhausted(log, config):
            batch = spread.put_batch(next(batches))
            state, scalars = train_step(state, batch, done)
            done += 1
            if late:
                read(*late)
            late = (done, scalars)
            last = done == config.steps
            stop = agreed(asked, hosts, done, config.log_every)
            saves = last or stop or done % config.checkpoint_every == 0
            evaluates = last or done % config.eval_every == 0
            samples = last or done % config.sample_every == 0
            if not (saves or evaluates or samples):
                continue
            read(*late)
            late = None
            figures: dict[str, Any] = {}
            with bar.pause():
                if samples:
                    pictures = spread.join(sample(state, spread.put_batch(shown), 0))
                    log.pictures(done, "samples", pictures[: config.num_samples])
                if evaluates:
                    limit = config.eval.num_examples
                    figures = evaluate.evaluate(
                        eval_step,
                        spread,
                        state,
                        test_set,
                        config.eval.batch_size,
                        limit,
                    )
                    facts = evaluate.provenance(config, test_set, done, limit)
                    log.record(done, "eval", figures, **facts)
                    log.record(done, "cost", spent(batch))
                if main and (saves or evaluates):
                    meta = {"eval": figures, "config": config.to_dict()}
                    saver.save(done, spread.get_state(state), meta, log.history())
            if stop:
                saver.wait()
                raise Stopped(stop, done, workdir)
            if figures and config.monitor.metric not in figures:
                saver.wait()
                raise unknown("monitor.metric", config.monitor.metric, figures)
        saver.wait()
        evals = log.records("eval")
        if done < config.steps and not quiet:
            say(
                f"stopped early at step {done}: no better {config.monitor.metric} in "
                f"{config.monitor.patience} evaluations"
            )
        return Outcome(workdir, done, evals[-1], best_of(evals, config))


def best_of(evals: list[dict[str, Any]], config: ConfigDict) -> dict[str, Any]:
    """The evaluation with the best `monitor.metric`; the earliest of equals."""
    sign = {"min": 1, "max": -1}[config.monitor.mode]
    value = lambda record: record.get(config.monitor.metric, math.nan)
    finite = [r for r in evals if isinstance(value(r), float | int)]
    finite = [r for r in finite if math.isfinite(value(r))]
    return min(finite, key=lambda r: sign * value(r)) if finite else {}


def exhausted(log: Log, config: ConfigDict) -> bool:
    """Early stopping: `monitor.patience` evaluations have passed without a new best."""
    if not config.monitor.patience:
        return False
    evals = log.records("eval")
    best = best_of(evals, config)
    return bool(best) and evals[::-1].index(best) >= config.monitor.patience


def is_collapsed(step: int, scalars: dict[str, Any]) -> bool:
    """Whether the scalars of a step call for the warning `collapsed`."""
    return step >= EARLY and scalars.get("diversity", 1.0) < COLLAPSED


def collapsed(diversity: float, step: int, knobs: str) -> str:
    """The warning about a generator that draws the same image again and again."""
    return (
        f"warning: at step {step} the generated images vary {diversity:.2f} times as "
        f"much as the real ones, as after a mode collapse. Likely knobs: {knobs}"
    )


def diverged(name: str, value: float, step: int, workdir: Path) -> str:
    """The sentence about a loss that is no longer finite."""
    good = checkpoint.steps(workdir)
    kept = (
        f"the last good checkpoint is step {good[-1]} ({workdir})"
        if good
        else "there is no checkpoint yet"
    )
    return f"{name} became {value} at step {step}; {kept}. {KNOBS}"


def agreed(asked: signals.Noted, hosts: int, step: int, every: int) -> int:
    """The signal to stop for, or 0; several hosts agree on it every few steps."""
    mine = asked.look()
    if hosts == 1:
        return mine
    if step % every:
        return 0
    return int(np.max(multihost_utils.process_allgather(np.int32(mine))))
