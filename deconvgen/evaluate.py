"""Evaluation: add the Sums of a split, batch by batch, and finish them."""

from collections.abc import Callable
from typing import Any

import jax

from deconvgen import metrics
from deconvgen.data import Dataset
from deconvgen.devices import Spread
from deconvgen.types import State, Task


def make_step(task: Task, spread: Spread, seed: int) -> Callable:
    """The task's eval step on the devices, its sums already added over them."""

    def summed(state, batch, keys):
        return metrics.across(task.eval_step(state, batch, keys), spread.axis)

    return spread.run(summed, jax.random.fold_in(jax.random.key(seed), 2))


def evaluate(
    step: Callable,
    spread: Spread,
    state: State,
    dataset: Dataset,
    batch_size: int,
    limit: int | None = None,
) -> dict[str, float]:
    """Every figure of the split's first `limit` examples, by name."""
    batch_size = -(-batch_size // spread.count) * spread.count
    total: dict[str, Any] | None = None
    batches = dataset.eval_batches(
        batch_size, jax.process_index(), jax.process_count(), limit
    )
    for index, batch in enumerate(batches):
        new = step(state, spread.put_batch(batch), 0, index * batch_size)
        total = metrics.add(total, spread.local(new))
    return metrics.results(total or {})


def provenance(
    config: Any, dataset: Dataset, step: int, limit: int | None
) -> dict[str, Any]:
    """What a figure must carry to be understood."""
    count = min(dataset.num_examples, limit or dataset.num_examples)
    return {
        "checkpoint": step,
        "split": dataset.split,
        "num_examples": count,
        "ema": bool(config.ema),
        "batch_norm": "running",
        "seed": config.seed,
    }
