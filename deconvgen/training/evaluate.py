"""Evaluation: add the Sums of a split, batch by batch, and finish them."""

from collections.abc import Callable, Mapping
from typing import Any

import jax
import numpy as np

from deconvgen.core.types import Task, Tree
from deconvgen.data import Dataset
from deconvgen.metrics import sums as metrics
from deconvgen.training.parallel import EVALUATION, Spread, purpose_key


def make_step(task: Task, spread: Spread, seed: int, probe: bool = False) -> Callable:
    """The task's eval step on the devices, its sums already added over them.

    With `probe`, together with what the task is asked about only once it is trained.
    """

    def summed(state, batch, keys):
        sums = task.eval_step(state, batch, keys)
        if probe and task.probe is not None:
            sums = sums | task.probe(state, batch, keys)
        return metrics.across(sums, spread.axis)

    return spread.run(summed, purpose_key(seed, EVALUATION))


def total(
    step: Callable,
    spread: Spread,
    state: Tree,
    dataset: Dataset,
    batch_size: int,
    limit: int | None = None,
    known: Mapping[str, np.ndarray] | None = None,
) -> dict[str, Any]:
    """The sums of the split's first `limit` examples, by name, not yet finished.

    `known` is what batches have besides, of all these examples in their order.

    A batch has the same examples however many devices share it, filled up with rows
    whose mask is 0: what a network makes of a batch may depend on all that is in it.
    """
    rows = -(-batch_size // spread.count) * spread.count
    sums: dict[str, Any] | None = None
    place = (jax.process_index(), jax.process_count())
    batches = dataset.eval_batches(batch_size, *place, limit, rows)
    for index, batch in enumerate(batches):
        for name, values in (known or {}).items():
            own = values[index * batch_size :][:batch_size]
            fill = [(0, len(batch["mask"]) - len(own)), *[(0, 0)] * (own.ndim - 1)]
            batch = {**batch, name: np.pad(own, fill)}
        new = step(state, spread.put_batch(batch), 0, index * batch_size)
        sums = metrics.add(sums, spread.local(new))
    return sums or {}


def provenance(
    config: Any,
    dataset: Dataset,
    step: int,
    limit: int | None,
    batch_norm: str = "running",
) -> dict[str, Any]:
    """What a figure must carry to be understood.

    `batch_norm` is the config key `eval.batch_norm`; evaluations in training are on
    running statistics. "none" where the network has no batch norm.
    """
    count = min(dataset.num_examples, limit or dataset.num_examples)
    return {
        "checkpoint": step,
        "split": dataset.split,
        "num_examples": count,
        "ema": bool(config.ema),
        "batch_norm": batch_norm if config.model.norm == "batch" else "none",
        "seed": config.seed,
    }
