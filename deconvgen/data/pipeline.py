"""From examples at random access to batches that are pure functions of (seed, step).

Example number `step * batch_size + row` of a training run is the example that the
epoch's permutation puts there; its random draws (flips, crops, whatever a source makes
of them) are hashed from (seed, that number). Nothing is carried from one batch to the
next, so a run resumes at any step at once, and the processes of a run read disjoint
rows of the same global batch.
"""

import itertools
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float32, Float64, Int64, UInt8

from deconvgen.core.errors import UserError
from deconvgen.data import classes, draws

DRAWS = 64
"""Uniform numbers that a training example may use."""

SHOWN = 10
"""Names of classes that a line lists."""
FEW = 50
"""Images below which a split's figures are mostly chance."""

Examples = Callable[
    [Int64[np.ndarray, " n"], Float64[np.ndarray, "n d"] | None],
    dict[str, np.ndarray],
]
"""(indices, draws) -> images as uint8 and what belongs to them; in evaluation the draws
are None and each index has one fixed example."""


class Resident(NamedTuple):
    """A training set that can lie on a device, and how a step there reads it."""

    arrays: dict[str, np.ndarray]  # uint8 images [n, h, w, c], ...
    places: Callable[[int, np.ndarray], dict[str, np.ndarray]]  # (seed, positions)
    read: Callable[[Any, Any], Any]  # (arrays, places) -> batch, inside jit


class Dataset(NamedTuple):
    """One split, ready for training and evaluation; see `dataset` for the batches.

    >>> data = load("fashion_mnist_small", "test")
    >>> data.num_examples, data.image_shape
    (2000, (28, 28, 1))
    >>> next(data.eval_batches(8))["image"].shape
    (8, 28, 28, 1)
    """

    name: str
    split: str
    num_examples: int
    image_shape: tuple[int, int, int]
    num_classes: int | None  # of the images; of the pixels, where there are masks
    class_names: tuple[str, ...]
    train_batches: Callable[..., Iterator[dict[str, np.ndarray]]]
    eval_batches: Callable[..., Iterator[dict[str, np.ndarray]]]
    identity: dict[str, Any] = {}  # what the data are, in values of JSON, to compare
    notes: tuple[str, ...] = ()  # what a person should know of them, in sentences
    resident: Callable[[], Resident] | None = None  # where it is small enough


def to_float(pixels: UInt8[np.ndarray, "..."]) -> Float32[np.ndarray, "..."]:
    """0..255 -> [-1, 1]."""
    floats = pixels.astype(np.float32)
    floats /= 127.5
    floats -= 1
    return floats


def _rows(batch_size: int, process_index: int, process_count: int) -> np.ndarray:
    """The rows of the global batch that are this process's."""
    if batch_size < 1 or batch_size % process_count:
        raise UserError(
            f"batch_size {batch_size} must be a positive multiple of the number of "
            f"processes, {process_count}"
        )
    share = batch_size // process_count
    return np.arange(process_index * share, (process_index + 1) * share)


_permutation = lru_cache(maxsize=4)(draws.permutation)


def places(seed: int, positions: np.ndarray, length: int) -> np.ndarray:
    """The examples at these positions of the endless sequence of epochs."""
    epochs, within = np.divmod(positions, length)
    places = np.empty_like(positions)
    for epoch in np.unique(epochs):
        here = epochs == epoch
        places[here] = _permutation(seed, int(epoch), length)[within[here]]
    return places


def _finish(example: dict[str, np.ndarray], mask: np.ndarray) -> dict[str, np.ndarray]:
    return {
        **example,
        "image": to_float(example["image"]),
        "mask": mask.astype(np.float32),
    }


def _prefetched(
    batch: Callable[[int], dict[str, np.ndarray]],
    start: int,
    stop: int | None,
    threads: int,
) -> Iterator[dict[str, np.ndarray]]:
    """batch(start), batch(start + 1), ... with the next ones under way in threads."""
    if not threads:
        steps = itertools.count(start) if stop is None else range(start, stop)
        return (batch(step) for step in steps)  # `map` would end at a StopIteration
    import grain  # a second to import, which small sets are spared

    steps = grain.MapDataset.range(start, 2**40 if stop is None else stop).map(batch)
    options = grain.ReadOptions(num_threads=threads, prefetch_buffer_size=2 * threads)
    return iter(steps.to_iter_dataset(options))


def _whole(
    batches: Iterator[dict[str, np.ndarray]], promised: int | None, name: str
) -> Iterator[dict[str, np.ndarray]]:
    """The batches; a UserError where fewer come than were promised (None: no end)."""
    came = 0
    try:
        for batch in batches:
            yield batch
            came += 1
    except (RuntimeError, StopIteration) as error:
        if not isinstance(error.__cause__, StopIteration):
            raise
    if came != promised:
        of = "a stream without end" if promised is None else f"{promised}"
        raise UserError(f"the data of {name} ended after {came} batches of {of}")


def dataset(
    name: str,
    split: str,
    num_examples: int,
    image_shape: tuple[int, int, int],
    examples: Examples,
    num_classes: int | None = None,
    class_names: tuple[str, ...] = (),
    threads: int = 0,
    identity: dict[str, Any] | None = None,
    notes: Sequence[str] = (),
    describe: Callable[[int], str] | None = None,
) -> Dataset:
    """Batches from `examples`; with `threads`, read ahead (for what is slow to read).

    `train_batches(seed, batch_size, start_step=0, process_index=0, process_count=1)`
    never ends; every epoch is a permutation of all examples. `eval_batches(batch_size,
    process_index=0, process_count=1, limit=None, rows_of=0)` goes once through the
    first `limit` examples in order; the last batch is filled up with copies whose mask
    is 0, and so is every one to `rows_of` rows, where those are more than `batch_size`.

    `identity` says where the data come from (else the name does); how many images and
    which classes they have is added to it. Two data sets are the same where these
    dicts are, whichever process or machine read them. `describe` names an example, for
    the message where its label or mask has a number that is no class.
    """

    if num_examples < 1:
        raise UserError(f"{name} has no images in its split {split!r}")
    describe = describe or (lambda index: f"number {index} of {name} ({split})")

    def checked(indices: np.ndarray, chance: np.ndarray | None) -> dict:
        found = examples(indices, chance)
        for key, values in found.items():
            if len(values) != len(indices):
                raise UserError(
                    f"{name} gave {len(values)} of {len(indices)} examples ({key})"
                )
        classes.check(found, num_classes, lambda row: describe(int(indices[row])))
        return found

    def train_batches(
        seed: int,
        batch_size: int,
        start_step: int = 0,
        process_index: int = 0,
        process_count: int = 1,
    ) -> Iterator[dict[str, np.ndarray]]:
        rows = _rows(batch_size, process_index, process_count)

        def batch(step: int) -> dict[str, np.ndarray]:
            positions = step * batch_size + rows
            indices = places(seed, positions, num_examples)
            chance = draws.uniform(seed, 0, positions, DRAWS)
            return _finish(checked(indices, chance), np.ones(len(rows)))

        return _whole(_prefetched(batch, start_step, None, threads), None, name)

    def eval_batches(
        batch_size: int,
        process_index: int = 0,
        process_count: int = 1,
        limit: int | None = None,
        rows_of: int = 0,
    ) -> Iterator[dict[str, np.ndarray]]:
        rows = _rows(rows_of or batch_size, process_index, process_count)
        total = num_examples if limit is None else min(limit, num_examples)

        def batch(step: int) -> dict[str, np.ndarray]:
            positions = step * batch_size + rows
            indices = np.minimum(positions, total - 1)
            real = (positions < total) & (rows < batch_size)
            return _finish(checked(indices, None), real)

        count = -(-total // batch_size)
        return _whole(_prefetched(batch, 0, count, threads), count, name)

    return Dataset(
        name,
        split,
        num_examples,
        image_shape,
        num_classes,
        class_names,
        train_batches,
        eval_batches,
        {
            **(identity or {"name": name}),
            "images": num_examples,
            "classes": list(class_names),
        },
        tuple(notes),
    )


def summary(train: Dataset, *held_out: Dataset) -> list[str]:
    """What a run's data are, in lines: how many, which classes, and what to know.

    `26 images, 2 classes: cats, dogs (validation: 3, test: 4)`

    >>> train, test = (load("fashion_mnist_small", s) for s in ("train", "test"))
    >>> summary(train, test)[0][:25]
    '10,000 images, 10 classes'
    """
    names = train.class_names
    shown = ", ".join(names[:SHOWN]) + (", ..." if len(names) > SHOWN else "")
    count = train.num_classes or 0
    what = f"{count} class{'es' * (count != 1)}: {shown}" if count else "no classes"
    sizes = ", ".join(f"{each.split}: {each.num_examples:,}" for each in held_out)
    notes = [note for each in (train, *held_out) for note in each.notes]
    few = [
        f"the {each.split} set has {each.num_examples} "
        f"image{'s' * (each.num_examples != 1)}, of which figures say little"
        for each in held_out
        if each.num_examples < FEW
    ]
    first = f"{train.num_examples:,} images, {what} ({sizes})"
    return [first, *dict.fromkeys((*notes, *few))]
