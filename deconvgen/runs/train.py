"""Train runs in their folders: one, or several together, each as if it were alone."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jax.errors import JAXTypeError

from deconvgen import data, tasks
from deconvgen.core import runtime
from deconvgen.core.errors import Diverged, first_line, unknown
from deconvgen.core.terminal import say
from deconvgen.core.types import Tree
from deconvgen.data import Dataset
from deconvgen.metrics.sums import results
from deconvgen.runs import final, memory, pinned, population, setup
from deconvgen.runs.kept import Kept, Program
from deconvgen.runs.population import Apart, Valued, state_of
from deconvgen.runs.real_features import known
from deconvgen.training import checkpoint, cost, evaluate, feed, monitor, parallel
from deconvgen.training.log import METRICS, Log
from deconvgen.training.logger import chosen
from deconvgen.training.loop import Due, Member, Outcome, Stopped, Visit, fit
from deconvgen.training.parallel import EVALUATION, PICTURES, TRAINING, purpose_key
from deconvgen.training.stopwatch import Stopwatch

__all__ = ["Diverged", "Outcome", "Stopped", "train", "train_together"]


def train(
    config: Any,
    workdir: Path | str,
    *,
    quiet: bool = False,
    loggers: Sequence[str] = (),
) -> Outcome:
    """Train from the beginning, or go on from the newest checkpoint of `workdir`.

    `loggers` are told what the run folder is: see `deconvgen.training.logger`.

    Raises `UserError` for a config that makes no sense or differs from the folder's,
    `Diverged` where a loss is no longer finite, `Stopped` after SIGTERM or SIGINT.
    """
    (ended,) = train_together([config], [workdir], quiet=quiet, loggers=loggers)
    if isinstance(ended, Exception):
        raise ended
    return ended


def train_together(
    loaded: Sequence[Any],
    workdirs: Sequence[Path | str],
    *,
    quiet: bool = False,
    watch: Stopwatch | None = None,
    loggers: Sequence[str] = (),
    kept: Kept | None = None,
) -> list[Outcome | Diverged]:
    """Train, or go on with, runs that one program can train.

    They may differ in their seeds, their starts and the numbers of their configs: see
    `deconvgen.runs.population`.

    Every run has its ordinary folder, with the numbers that `train` gives it to
    rounding: the same batches, keys and first state. Of what they share, each one's
    records tell its part: `seconds` are the group's, divided by `runs_together`, and
    `images_per_second` counts the images of all. A run whose loss is no longer finite
    has `Diverged` as its outcome, and the others go on. It pays where the steps of one
    leave the device idle; on a CPU one after the other is faster. `watch` is told where
    the seconds go; `kept` is what earlier calls have traced and compiled.

    Raises `Apart` where they need programs of their own, and what `train` raises.

    >>> own = [config.load("dcgan", [f"seed={seed}"]) for seed in range(3)]
    >>> train_together(own, ["runs/0", "runs/1", "runs/2"])  # doctest: +SKIP
    """
    workdirs = [Path(workdir).expanduser() for workdir in workdirs]
    watch = watch or Stopwatch()
    with watch.listening(), watch.during("starting"):
        return _train_together(loaded, workdirs, quiet, watch, loggers, kept or Kept())


def _train_together(
    loaded: Sequence[Any],
    workdirs: Sequence[Path],
    quiet: bool,
    watch: Stopwatch,
    loggers: Sequence[str],
    kept: Kept,
) -> list[Outcome | Diverged]:
    if why := population.reason_against(loaded, workdirs):
        raise Apart(f"the runs cannot be trained together: {why}")
    for config in loaded:
        setup.check(config)
    loggers = chosen(loggers)
    before = cost.begin_peak()
    spread = kept.spread(loaded[0].batch_size)
    sets = {s: kept.dataset(loaded[0], s) for s in setup.splits(loaded[0])}
    main = jax.process_index() == 0
    if main and not quiet:
        say("\n".join(data.summary(*sets.values())))
    loaded = [
        setup.resolve(config, sets["train"], pinned.begun(workdir))
        for config, workdir in zip(loaded, workdirs, strict=True)
    ]
    first: Any = loaded[0]
    example = next(sets["test"].eval_batches(1))
    many, keys = len(loaded) > 1, population.traced(loaded)
    program = kept.program(first, spread, keys, many)
    task = program.task
    target = setup.shape(first, example, kept.init(first))
    together = population.common_step(workdirs)
    if many:
        runtime.allow_files()
    with ExitStack() as opened:
        members, states, start = [], [], 0
        for config, workdir in zip(loaded, workdirs, strict=True):
            claimed = setup.claim(workdir, config)
            changed = opened.enter_context(claimed) if main else {}
            which = str(together) if together else "latest"
            found = checkpoint.find(workdir, which, warn=say)
            start = found.step if found else 0
            if many and start != together:
                raise Apart(f"{workdir} goes on from step {start}, not {together}")
            if found:
                states.append(checkpoint.restore(found, target))
                history = (found.path / METRICS).read_bytes()
                say(f"going on from step {start} of {workdir}") if not quiet else None
            else:
                init = kept.init(config)
                states.append(setup.initial(config, example, config.seed, init))
                history = b""
                if main and workdir.parent not in kept.proved:
                    checkpoint.prove(workdir, states[-1])
                    kept.proved.add(workdir.parent)
            log = Log(workdir, history, start, main, loggers, config.to_dict())
            opened.callback(log.close)
            if changed:
                log.record(start, "config", {}, changed=changed)
            members.append(member(config, workdir, log, many, watch))
        by_folder = dict(zip(workdirs, loaded, strict=True))
        fixed = cost.parameters(states[0])
        if keys:
            valued = zip(loaded, states, strict=True)
            states = [Valued(population.values(c, keys), s) for c, s in valued]
        if many:
            size = first.batch_size
            memory.check(task, spread, example, states[0], size, len(loaded))
        visit = visitor(program, spread, sets, by_folder, target, fixed, before, watch)
        seeds = [config.seed for config in loaded]
        rows = feed.make(
            sets["train"], seeds, first.batch_size, start, setup.resident(first)
        )
        state, silent = feed.stack(states) if many else states[0], quiet or not main
        try:
            with watch.during("training"):
                often, aside = setup.times(first), partial(watch.during, "evaluating")
                how = (spread, rows, visit, start, silent, aside)
                return fit(task, members, state, often, *how)
        except JAXTypeError as error:
            if not keys:
                raise
            raise Apart(
                f"the runs cannot be trained together: Python computes with one of "
                f"{', '.join(keys)} ({first_line(error)})"
            ) from error


def member(
    config: Any, workdir: Path, log: Log, many: bool, watch: Stopwatch
) -> Member:
    """The run of a folder, ready for the loop."""
    saving = partial(watch.during, "saving")
    goal = monitor.Goal(*(config.monitor[k] for k in ("metric", "mode", "patience")))
    return Member(
        workdir,
        f"{workdir.name}: " if many else "",
        config.seed,
        log,
        checkpoint.Saver(workdir, goal.metric, goal.mode, saving),
        goal,
        tasks.entry(config.task).knobs(config),
        max((r.get("seconds", 0) for r in log.records("train")), default=0),
    )


_counted: dict[str, dict[str, float]] = {}
"""Multiply-adds by program: a process trains many runs of the same one."""


def visitor(
    program: Program,
    spread: parallel.Spread,
    sets: Mapping[str, Dataset],
    configs: dict[Path, Any],
    target: Tree,
    fixed: dict[str, int],
    before: float,
    watch: Stopwatch,
) -> Visit:
    """What is done for a run between two calls: pictures, figures, cost, checkpoint.

    `sets` are the splits; pictures and figures are of the images for validation, and at
    the end of the test images too. Without validation they all are of the latter.
    """
    config = next(iter(configs.values()))
    watched = sets[setup.watched(config)]
    together = {"runs_together": len(configs)} if len(configs) > 1 else {}
    count = -(-config.num_samples // spread.count) * spread.count
    place = (jax.process_index(), jax.process_count())
    shown = next(watched.eval_batches(count, *place))
    if columns := setup.class_columns(config):
        first = place[0] * count // place[1]
        rows = len(shown["mask"])
        shown["label"] = ((first + np.arange(rows)) % columns).astype(np.int32)
    task, draw, eval_step = program
    real: list[Any] = []  # what is known of the images to compare with
    work: dict[str, float] = {}  # the same for all, and at every step

    def look(member: Member, state: Tree, done: int, due: Due, rate: float, spent: Any):
        """Pictures, figures and cost; the figures."""
        config, figures = configs[member.workdir], {}
        rooted = lambda run, what: run.rooted(purpose_key(member.seed, what))
        sample = rooted(draw, PICTURES)
        if due.samples:
            pictures = spread.join(sample(state, spread.put_batch(shown), 0))
            member.log.pictures(
                done, "samples", pictures[: config.num_samples], columns
            )
        if not due.evaluates:
            return figures
        limit = config.eval.num_examples
        step, size = rooted(eval_step, EVALUATION), config.eval.batch_size
        if task.looks and not real:
            real.append(known(config, watched, limit))
        of_real = real[0] if real else None
        found = evaluate.total(step, spread, state, watched, size, limit, of_real)
        figures = results(found)
        facts = evaluate.provenance(config, watched, done, limit)
        member.log.record(done, "eval", figures, **facts)
        if watched is not sets["test"] and final.ends(member, config, done):
            given = (member, config, state, done, target)
            final.record(*given, task, spread, step, sets)
        if not work:
            name = f"{population.program(config, False)} on {spread.count}"
            drawn = spread.put_batch(shown)
            if name not in _counted:
                batches = sets["train"].train_batches(0, config.batch_size, 0, *place)
                lowered = [(1.0, sample.lower(state, drawn, 0))]
                of_sample = cost.work("sample", lowered, drawn)
                of_step = cost.training(
                    task, spread, purpose_key(0, TRAINING), state, next(batches)
                )
                _counted[name] = of_step | of_sample
            work.update(_counted[name])
            work.update(cost.sampling(sample, spread, state, shown))
        own = cost.trained(rate) | {"seconds": spent()} | together
        own |= {} if together else cost.peak_memory(before)
        member.log.record(done, "cost", fixed | work | own)
        return figures

    def visit(
        member: Member,
        state: Tree,
        done: int,
        due: Due,
        rate: float,
        seconds: Callable[[], float],
    ) -> None:
        figures = look(member, state, done, due, rate, seconds)
        if jax.process_index() == 0 and (due.saves or due.evaluates):
            meta = {"eval": figures, "config": configs[member.workdir].to_dict()}
            with watch.during("saving"):
                kept = spread.get_state(state_of(state))
                member.saver.save(done, kept, meta, member.log.history())
        if figures and member.goal.metric not in figures:
            member.saver.wait()
            raise unknown("monitor.metric", member.goal.metric, figures)

    return visit
