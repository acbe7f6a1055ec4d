"""The test figures of a run: once, when it has ended, of its last and best step."""

from collections.abc import Callable, Iterator, Mapping

import jax
from jax.experimental import multihost_utils

from deconvgen.config import Config
from deconvgen.core.terminal import say
from deconvgen.core.types import State, Task, Tree
from deconvgen.data import Dataset
from deconvgen.metrics import sums as metrics
from deconvgen.runs import trusted
from deconvgen.runs.population import Valued
from deconvgen.runs.real_features import known
from deconvgen.training import checkpoint, evaluate, monitor
from deconvgen.training.loop import Member
from deconvgen.training.parallel import Spread

KIND = "test"
"""Of the records: `checkpoint` says of which step the figures are."""


def ends(member: Member, config: Config, done: int) -> bool:
    """Whether a run that has just been evaluated at step `done` goes no further."""
    evals = member.log.records("eval")
    return done == config.steps or member.goal.exhausted(evals)


def record(
    member: Member,
    config: Config,
    state: Tree,
    done: int,
    target: State,
    task: Task,
    spread: Spread,
    step: Callable,
    sets: Mapping[str, Dataset],
) -> None:
    """Write the test figures of `state`, at step `done`, and of the best checkpoint.

    `step` is the evaluation's, with the run's key; `target` has the state's shapes.
    """
    limit, size = config.eval.num_examples, config.eval.batch_size
    of_real = known(config, sets["test"], limit) if task.looks else None
    for at, placed in _states(member, state, done, target, spread):
        given = (step, spread, placed, sets["test"], size, limit)
        sums = evaluate.total(*given, of_real)
        figures = metrics.results(sums) | trusted.deviation(sums)
        if task.decode is not None and "fidelity" in sums:
            rows = trusted.training_rows(config, spread, placed, sets["train"])
            figures |= trusted.floor(sums, rows) | trusted.copied(sums, rows)
        facts = evaluate.provenance(config, sets["test"], at, limit)
        member.log.record(done, KIND, figures, **facts)
        if said := monitor.memorized(figures, at):
            say(member.name + said)


def _states(
    member: Member, state: Tree, done: int, target: State, spread: Spread
) -> Iterator[tuple[int, Tree]]:
    """Steps and states to be tested; the best one is read back where it is older."""
    yield done, state
    best = member.goal.best(member.log.records("eval")).get("step", done)
    if best == done:
        return
    member.saver.wait()
    if jax.process_count() > 1:
        multihost_utils.sync_global_devices("best checkpoint")
    if best in checkpoint.steps(member.workdir):
        found = checkpoint.find(member.workdir, str(best), warn=say)
        if found and found.step == best:
            placed = spread.put_state(checkpoint.restore(found, target))
            valued = isinstance(state, Valued)
            yield best, state._replace(state=placed) if valued else placed
