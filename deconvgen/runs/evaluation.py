"""Everything that `deconvgen evaluate` finds out about a run."""

import math
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Float

from deconvgen import config as configs
from deconvgen.core.errors import UserError
from deconvgen.core.types import State, Task
from deconvgen.metrics import sums as metrics
from deconvgen.runs import setup as runs
from deconvgen.runs.handle import Handle
from deconvgen.runs.probes import probes
from deconvgen.training import batch_norm as batch_statistics
from deconvgen.training import evaluate
from deconvgen.training.parallel import STATISTICS, purpose_key

BATCHES = 20
"""Training batches whose statistics are put together by `re-estimated`."""


class Evaluation(NamedTuple):
    """Figures with their provenance, and the images, if any, to draw pictures of."""

    figures: dict[str, Any]
    real: Float[np.ndarray, "n h w c"]
    fake: Float[np.ndarray, "n h w c"]  # as many as the real ones, of their size


def evaluation(
    run: Handle, limit: int | None = None, batch_norm: str = ""
) -> Evaluation:
    """Every figure on the run's split (its first `limit` examples), and all probes.

    `batch_norm` is what the averaged network's batch norms run on, `eval.batch_norm`
    of the config where it is empty: the `running` averages of training; the `batch`
    that is evaluated; or statistics `re-estimated` for the averaged weights over 20
    batches of the training images. A shipped checkpoint has no critic, so it has none
    of a critic's figures.
    """
    config, spread = run.config, run.spread
    limit = limit or config.eval.num_examples
    mode = batch_norm or config.eval.get("batch_norm", "running")
    task, state = on_statistics(run, with_all_nets(run), mode)
    sums = evaluate.total(
        evaluate.make_step(task, spread, config.seed, probe=True),
        spread,
        spread.put_state(state),
        run.dataset(run.split),
        config.eval.batch_size,
        limit,
    )
    none = np.zeros((0, 2, *run.image_shape), np.float32)
    pairs = sums.pop("pairs").rows().astype(np.float32) if "pairs" in sums else none
    figures = metrics.results(sums)
    for probe in probes.values():
        figures |= probe(run, state, sums)
    if not run.state.nets:
        figures = {k: v for k, v in figures.items() if not math.isnan(v)}
    facts = evaluate.provenance(config, run.dataset(run.split), run.step, limit, mode)
    return Evaluation(figures | facts, pairs[:, 0], pairs[:, 1])


def with_all_nets(run: Handle) -> State:
    """The run's state; what depends on networks that it lacks shall be NaN."""
    if run.state.nets:
        return run.state
    nets = runs.shape(run.config, run.blank(1)).nets
    real = lambda x: np.issubdtype(x.dtype, np.floating)
    nan = lambda x: np.full(x.shape, math.nan if real(x) else 0, x.dtype)
    return run.state._replace(nets=jax.tree.map(nan, nets))


def on_statistics(run: Handle, state: State, mode: str) -> tuple[Task, State]:
    """Task and state whose averaged network has its batch norms in that mode."""
    configs.row("", "eval.batch_norm").check("eval.batch_norm", mode)
    if mode == "running":
        return run.task, state
    if run.config.model.norm != "batch":
        raise UserError(
            f"batch-norm mode {mode!r}: {run.folder} has model.norm="
            f"{run.config.model.norm} and no batch norm"
        )
    if mode == "batch":
        return batch_statistics.in_batch_mode(run.task), state
    step = batch_statistics.statistics(run.task)
    sums: Any = step
    across = lambda *given: metrics.across(sums(*given), run.spread.axis)
    size = run.config.eval.batch_size
    found = evaluate.total(
        run.spread.run(across, purpose_key(run.config.seed, STATISTICS)),
        run.spread,
        run.spread.put_state(state),
        run.train_set,
        size,
        BATCHES * size,
    )
    return run.task, batch_statistics.replaced(state, found["statistics"])
