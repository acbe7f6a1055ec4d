"""On what statistics the batch norms of a trained network run.

A run keeps running averages over training, and the averaged network (EMA) averages of
those: they fit weights of the past. Statistics that fit the weights evaluated are the
batch's own, or those re-estimated over many batches ("Rethinking 'Batch' in BatchNorm",
Wu and Johnson 2021, section 3).
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from flax import struct
from flax.traverse_util import flatten_dict, unflatten_dict
from jax import Array

from deconvgen.core.types import State, Task
from deconvgen.metrics.sums import Summed
from deconvgen.nn.norm import Norm

Flat = dict[tuple[str, ...], Array]


@contextmanager
def on_batches(own: Any, mask: Array, seen: Flat | None = None) -> Iterator[None]:
    """Batch norms of the network with these `batch_stats` run as in training.

    On the statistics of the examples that `mask` [b] keeps, of all devices; those of
    other networks (a critic's) stay as they are. They are put into `seen`, by path.
    """
    flat: Any = flatten_dict(own)

    def run(call, inputs, settings, context):
        norm = context.module
        normalizes = isinstance(norm, Norm) and context.method_name == "__call__"
        path = norm.path if normalizes else ()
        if not path or not any(key[: len(path)] == path for key in flat):
            return call(*inputs, **settings)
        layer, variables = norm.unbind()
        rows = mask if len(mask) == len(inputs[0]) else None
        made, new = layer.clone(momentum=0.0).apply(
            variables, inputs[0], True, rows, mutable=["batch_stats"]
        )
        if seen is not None:
            found: Any = flatten_dict(new["batch_stats"])
            seen.update({(*path, *key): value for key, value in found.items()})
        return made

    with nn.intercept_methods(run):
        yield


def in_batch_mode(task: Task) -> Task:
    """The task with `eval_step` and `probe` on the statistics of each batch."""

    def wrapped(function: Callable) -> Callable:
        def run(state, batch, keys):
            with on_batches(state.ema["batch_stats"], batch["mask"]):
                return function(state, batch, keys)

        return run

    probe = task.probe and wrapped(task.probe)
    return task._replace(eval_step=wrapped(task.eval_step), probe=probe)


@struct.dataclass
class Statistics(Summed):
    """What each batch norm is given, summed over examples, around the averages.

    Around them, because the squares around 0 of what is far from it have no digits
    left for the variance.
    """

    count: Any  # [], examples
    offsets: Any  # {path: [c]}, of the batch's mean from the running one
    squares: Any  # {path: [c]}, variances and squared offsets

    @classmethod
    def of(cls, seen: Flat, own: Flat, count: Array) -> "Statistics":
        """Of a batch, whose means and variances (over all devices) were `seen`.

        - own: the running averages; count: this device's examples.
        """
        offsets = {k: v - own[k] for k, v in seen.items() if k[-1] == "mean"}
        squares = {
            k: count * (seen[(*k[:-1], "var")] + jnp.square(v))
            for k, v in offsets.items()
        }
        return cls(count, {k: count * v for k, v in offsets.items()}, squares)

    def result(self) -> dict[tuple[str, ...], Any]:
        """Offsets of the mean, and variance, over all batches (whose means differ)."""
        found = {}
        for path, total in self.offsets.items():
            offset = total / self.count
            variance = self.squares[path] / self.count - offset**2
            found[path] = offset
            found[(*path[:-1], "var")] = variance.clip(0)
        return found


def statistics(task: Task) -> Callable[..., dict[str, Statistics]]:
    """A step (state, batch, keys) that sums a batch's statistics, as eval steps do.

    What runs is what trained: reconstructions where there is an encoder, else samples.
    """

    def step(state, batch, keys):
        seen: Flat = {}
        own: Any = flatten_dict(state.ema["batch_stats"])
        with on_batches(state.ema["batch_stats"], batch["mask"], seen):
            if task.decode is not None and task.reconstruct is not None:
                task.reconstruct(state, batch)
            else:
                task.sample(state, batch, keys)
        count = batch["mask"].sum()
        return {"statistics": Statistics.of(seen, own, count)}

    return step


def replaced(state: State, found: Statistics) -> State:
    """The state with the averaged network on these statistics."""
    flat = flatten_dict(jax.device_get(state.ema["batch_stats"]))
    new = {
        path: np.float32(value + (flat[path] if path[-1] == "mean" else 0))
        for path, value in found.result().items()
    }
    ema = state.ema | {"batch_stats": unflatten_dict(flat | new)}
    return state._replace(ema=ema)
