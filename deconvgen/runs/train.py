"""Train runs in their folders: one, or several together, each as if it were alone."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import jax
import numpy as np

from deconvgen import config as configs
from deconvgen import data, tasks
from deconvgen.core.errors import Diverged, UserError, unknown
from deconvgen.core.terminal import say
from deconvgen.core.types import State, Task
from deconvgen.data import Dataset
from deconvgen.runs import setup
from deconvgen.training import checkpoint, cost, evaluate, feed, monitor, parallel
from deconvgen.training.log import Log
from deconvgen.training.loop import Due, Member, Outcome, Stopped, Times, Visit, fit
from deconvgen.training.parallel import EVALUATION, PICTURES, purpose_key

__all__ = ["Diverged", "Outcome", "Stopped", "train", "train_together"]


def train(config: Any, workdir: Path | str, *, quiet: bool = False) -> Outcome:
    """Train from the beginning, or go on from the newest checkpoint of `workdir`.

    Raises `UserError` for a config that makes no sense or differs from the folder's,
    `Diverged` where a loss is no longer finite, `Stopped` after SIGTERM or SIGINT.
    """
    (ended,) = train_together([config], [workdir], quiet=quiet)
    if isinstance(ended, Exception):
        raise ended
    return ended


def train_together(
    loaded: Sequence[Any], workdirs: Sequence[Path | str], *, quiet: bool = False
) -> list[Outcome | Diverged]:
    """Train, or go on with, runs that differ in their seeds alone, in one program.

    Every run has its ordinary folder, with the numbers that `train` gives it to
    rounding: the same batches, keys and first state. Of what they share, each one's
    records tell its part: `seconds` are the group's, divided by `runs_together`, and
    `images_per_second` counts the images of all. A run whose loss is no longer finite
    has `Diverged` as its outcome, and the others go on. It pays where the steps of one
    leave the device idle; on a CPU one after the other is faster.

    Raises `UserError` where `reason_against` has a reason, and what `train` raises.
    """
    workdirs = [Path(workdir).expanduser() for workdir in workdirs]
    if why := reason_against(loaded, workdirs):
        raise UserError(f"the runs cannot be trained together: {why}")
    setup.check(loaded[0])
    memory = cost.begin_peak()
    spread = parallel.choose(loaded[0].batch_size)
    train_set, test_set = (setup.dataset(loaded[0], s) for s in ("train", "test"))
    main = jax.process_index() == 0
    if main and not quiet:
        say("\n".join(data.summary(train_set, test_set)))
    loaded = [setup.resolve(config, train_set) for config in loaded]
    first: Any = loaded[0]
    example = next(test_set.eval_batches(1))
    task, target = tasks.make(first, spread.axis), setup.shape(first, example)
    with ExitStack() as opened:
        members, states, start = [], [], 0
        for config, workdir in zip(loaded, workdirs, strict=True):
            claimed = setup.claim(workdir, config)
            changed = opened.enter_context(claimed) if main else {}
            found = checkpoint.find(workdir, warn=say)
            start = found.step if found else 0
            if found:
                states.append(checkpoint.restore(found, target))
                history = (found.path / "metrics.jsonl").read_bytes()
                say(f"going on from step {start} of {workdir}") if not quiet else None
            else:
                states.append(setup.initial(config, example, config.seed))
                history = b""
                checkpoint.prove(workdir, states[-1]) if main else None
            log = Log(workdir, history, start, writes=main)
            opened.callback(log.close)
            if changed:
                log.record(start, "config", {}, changed=changed)
            members.append(member(config, workdir, log, len(loaded) > 1))
        by_folder = dict(zip(workdirs, loaded, strict=True))
        fixed = cost.parameters(states[0])
        visit = visitor(task, spread, train_set, test_set, by_folder, fixed, memory)
        seeds = [config.seed for config in loaded]
        return fit(
            task,
            members,
            feed.stack(states) if len(states) > 1 else states[0],
            times(first),
            spread,
            feed.make(train_set, seeds, first.batch_size, start, resident(first)),
            visit,
            start,
            quiet or not main,
        )


def reason_against(loaded: Sequence[Any], workdirs: Sequence[Path]) -> str:
    """Why these runs cannot be trained together; "" where they can."""
    first, *others = loaded
    changes = [change for c in others for change in configs.differences(first, c)]
    differing = {change.partition(":")[0] for change in changes}
    if differing - {"seed"}:
        return f"they differ in {', '.join(sorted(differing - {'seed'}))}"
    steps = {(checkpoint.steps(workdir) or [0])[-1] for workdir in workdirs}
    return "they are at different steps" if len(steps) > 1 else ""


def times(config: Any) -> Times:
    """How much and how often, from the config; `steps_per_call` 0 is the device's.

    On a CPU that is 1: XLA runs convolutions inside a loop without its fast path.
    """
    every = Times(
        config.steps,
        config.batch_size,
        config.log_every,
        config.sample_every,
        config.eval_every,
        config.checkpoint_every,
    )
    call = config.steps_per_call
    if not call:
        cpu = jax.default_backend() == "cpu"
        call = 1 if cpu else int(np.gcd.reduce(every[2:6]))
    return every._replace(steps_per_call=call)


def resident(config: Any) -> bool:
    """Whether the training images shall lie on the devices: where steps are many a
    call, and there are no other hosts to share them with."""
    return times(config).steps_per_call > 1


def member(config: Any, workdir: Path, log: Log, many: bool) -> Member:
    """The run of a folder, ready for the loop."""
    goal = monitor.Goal(*(config.monitor[k] for k in ("metric", "mode", "patience")))
    return Member(
        workdir,
        f"{workdir.name}: " if many else "",
        config.seed,
        log,
        checkpoint.Saver(workdir, goal.metric, goal.mode),
        goal,
        tasks.knobs(config),
        max((r.get("seconds", 0) for r in log.records("train")), default=0),
    )


def visitor(
    task: Task,
    spread: parallel.Spread,
    train_set: Dataset,
    test_set: Dataset,
    configs: dict[Path, Any],
    fixed: dict[str, int],
    memory: float,
) -> Visit:
    """What is done for a run between two calls: pictures, figures, cost, checkpoint."""
    config = next(iter(configs.values()))
    together = {"runs_together": len(configs)} if len(configs) > 1 else {}
    count = -(-config.num_samples // spread.count) * spread.count
    place = (jax.process_index(), jax.process_count())
    shown = next(test_set.eval_batches(count, *place))
    key = jax.random.key(0)
    draw, eval_step = spread.run(task.sample, key), evaluate.make_step(task, spread, 0)
    work: dict[str, float] = {}  # the same for all, and at every step

    def visit(
        member: Member,
        state: State,
        done: int,
        due: Due,
        rate: float,
        seconds: Callable[[], float],
    ) -> None:
        config = configs[member.workdir]
        rooted = lambda run, what: run.rooted(purpose_key(member.seed, what))
        sample, figures = rooted(draw, PICTURES), {}
        if due.samples:
            pictures = spread.join(sample(state, spread.put_batch(shown), 0))
            member.log.pictures(done, "samples", pictures[: config.num_samples])
        if due.evaluates:
            limit = config.eval.num_examples
            step, size = rooted(eval_step, EVALUATION), config.eval.batch_size
            figures = evaluate.evaluate(step, spread, state, test_set, size, limit)
            facts = evaluate.provenance(config, test_set, done, limit)
            member.log.record(done, "eval", figures, **facts)
            if not work:
                batches = train_set.train_batches(0, config.batch_size, 0, *place)
                batch = spread.put_batch(next(batches))
                work["multiply_adds_train"] = cost.multiply_adds_train(
                    task, spread, key, state, batch
                )
                work["multiply_adds_sample"] = cost.multiply_adds(
                    sample, state, spread.put_batch(shown)
                )
            drawn = cost.sampling_rate(sample, spread, state, shown)
            peak = {} if together else cost.peak_memory(memory)
            own = {
                "sample_images_per_second": round(drawn, 1),
                "seconds": seconds(),
            }
            if rate:
                own = {"train_images_per_second": round(rate, 1)} | own
            member.log.record(done, "cost", fixed | work | own | together | peak)
        if jax.process_index() == 0 and (due.saves or due.evaluates):
            meta = {"eval": figures, "config": config.to_dict()}
            member.saver.save(done, spread.get_state(state), meta, member.log.history())
        if figures and member.goal.metric not in figures:
            member.saver.wait()
            raise unknown("monitor.metric", member.goal.metric, figures)

    return visit
