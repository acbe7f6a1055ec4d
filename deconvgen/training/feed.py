"""Where the batches of runs come from: the host, or a set that lies on the device.

A small set of images goes to the device once, as uint8; then the host sends the places
of each step's examples, and the step itself makes the batch of them. Examples, order
and augmentation are the same either way, to the bit.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax
import numpy as np

from deconvgen.core.types import Batch, Tree
from deconvgen.data import Dataset


class Feed(NamedTuple):
    """The batches of the runs that are trained together."""

    take: Callable[[int, int], Tree]  # (step, k) -> [k, b, ...], of several [m, k, ...]
    read: Callable[[Tree, Tree], Batch]  # (shared, what a step is sent) -> its batch
    shared: Tree = ()  # what stays on the devices


def as_sent(shared: Tree, batch: Batch) -> Batch:
    """The `Feed.read` of batches that the host makes."""
    return batch


def stack(trees: Sequence[Tree]) -> Tree:
    """Trees of host arrays as one, with a first axis over them."""
    if len(trees) == 1:  # a view: no copy
        return jax.tree.map(lambda leaf: np.asarray(leaf)[None], trees[0])
    return jax.tree.map(lambda *leaves: np.stack(leaves), *trees)


def make(
    dataset: Dataset,
    seeds: Sequence[int],
    batch_size: int,
    start: int,
    resident: bool = False,
) -> Feed:
    """The training batches of one run a seed, from step `start` on.

    - resident: keep the set on the devices, where it can be.
    """
    place = (jax.process_index(), jax.process_count())
    kept = dataset.resident() if resident and dataset.resident else None
    if kept is None:
        under_way = [
            dataset.train_batches(seed, batch_size, start, *place) for seed in seeds
        ]
        rows = [lambda step, own=own: next(own) for own in under_way]
        read, shared = as_sent, ()
    else:
        share = batch_size // place[1]
        mine = np.arange(place[0] * share, (place[0] + 1) * share)
        places = kept.places
        rows = [
            lambda step, seed=seed: places(seed, step * batch_size + mine)
            for seed in seeds
        ]
        read, shared = kept.read, kept.arrays

    def take(step: int, count: int) -> Tree:
        found = [stack([row(step + i) for i in range(count)]) for row in rows]
        return stack(found) if len(seeds) > 1 else found[0]

    return Feed(take, read, shared)
