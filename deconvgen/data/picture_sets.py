"""Anybody's pictures as one thing, wherever they are: sets of one size, in batches.

What range, order of axes and type an array has is recognized where it can be, said in
`notes`, and refused where it cannot: a wrong guess would give figures all the same.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from deconvgen.core import images
from deconvgen.core.errors import UserError

SCAN = 64 << 20  # bytes of an array that are looked at together


class PictureSet(NamedTuple):
    """Pictures of one size, read in batches as often as one likes.

    - shape: height, width, channels; num: how many there are.
    - read: from a number of pictures a batch, batches [b, h, w, c] of float32 in
      [-1, 1], the last one shorter.
    - labels: the class of each, or None where they have none; classes: their names,
      where they have some, by label.
    - notes: what was recognized, in sentences.
    - files: their names, where each is a file.
    - pick: reads one of them [h, w, c], where that is possible.
    """

    name: str
    shape: tuple[int, int, int]
    num: int
    read: Callable[[int], Iterator[np.ndarray]]
    labels: np.ndarray | None = None
    classes: Mapping[int, str] = {}
    notes: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()
    pick: Callable[[int], np.ndarray] | None = None

    def labels_of(self, other: "PictureSet") -> np.ndarray | None:
        """The labels in the numbers that another set gives classes of these names.

        -1 for those that it lacks; None where it has none of them. Where one has no
        names, or numbers for names, the labels themselves are compared.
        """
        if self.labels is None or not (self.classes and other.classes):
            return self.labels
        numbers = {name: label for label, name in other.classes.items()}
        if numbers.keys() & {*self.classes.values()}:
            mine = [self.classes[label] for label in self.labels.tolist()]
            return np.array([numbers.get(name, -1) for name in mine])
        plain = lambda named: all(str(n) == name for n, name in named.items())
        return self.labels if plain(self.classes) or plain(other.classes) else None

    def picked(self, indices: Sequence[int], batch_size: int = 256) -> np.ndarray:
        """The pictures at these places, [k, h, w, c]; read up to the last of them."""
        if self.pick is not None:
            return np.stack([self.pick(i) for i in indices])
        found, first = {}, 0
        last, wanted = max(indices, default=-1), set(indices)
        for batch in self.read(batch_size):
            for i in wanted:
                if first <= i < first + len(batch):
                    found[i] = batch[i - first]
            first += len(batch)
            if first > last:
                break
        return np.stack([found[i] for i in indices])

    def limited(self, count: int) -> "PictureSet":
        """The first `count` of them, or all where there are no more."""
        if self.num <= count:
            return self

        def read(size: int) -> Iterator[np.ndarray]:
            left = count
            for batch in self.read(min(size, count)):
                yield batch[:left]
                left -= len(batch)
                if left <= 0:
                    return

        labels = None if self.labels is None else self.labels[:count]
        notes = (*self.notes, f"the first {count} of {self.num} pictures")
        return self._replace(
            num=count,
            read=read,
            labels=labels,
            notes=notes,
            files=self.files[:count],
        )

    def mapped(self, change: Callable[[np.ndarray], np.ndarray]) -> "PictureSet":
        """The pictures after a change of each batch, which keeps their number."""
        probe = change(np.zeros((1, *self.shape), np.float32))
        read = lambda size: (change(batch) for batch in self.read(size))
        h, w, c = probe.shape[1:]
        one = self.pick
        pick = None if one is None else lambda i: change(one(i)[None])[0]
        return self._replace(shape=(h, w, c), read=read, pick=pick)

    def in_channels(self, channels: int) -> "PictureSet":
        """Grey pictures as RGB ones of equal channels, where those are wanted."""
        if self.shape[-1] == channels:
            return self
        if self.shape[-1] != 1:
            raise UserError(
                f"{self.name} has {self.shape[-1]} channels, not {channels}"
            )
        notes = (*self.notes, f"grey, taken as {channels} equal channels")
        return self.mapped(lambda x: np.repeat(x, channels, -1))._replace(notes=notes)


def told_apart(sets: Sequence[PictureSet], taken: Iterable[str]) -> list[PictureSet]:
    """The sets under names of their own, of which none is `taken`: NAME (2), say."""
    names = {*taken}
    found = []
    for one in sets:
        name, number = one.name, 1
        while name in names:
            number += 1
            name = f"{one.name} ({number})"
        names.add(name)
        found.append(one._replace(name=name))
    return found


def from_array(
    name: str, array: np.ndarray, labels: np.ndarray | None = None
) -> PictureSet:
    """A set of an array in memory, or of one that is mapped from a file."""
    blocks = lambda: _rows(array)
    return recognized(name, array.shape, array.dtype, blocks, labels)


def _rows(array: np.ndarray) -> Iterator[np.ndarray]:
    size = max(1, SCAN // max(1, array[:1].nbytes))
    for first in range(0, len(array), size):
        yield np.asarray(array[first : first + size])


def recognized(
    name: str,
    shape: tuple[int, ...],
    dtype: np.dtype,
    blocks: Callable[[], Iterable[np.ndarray]],
    labels: np.ndarray | None = None,
) -> PictureSet:
    """A set whose arrays come in blocks of any length, read anew by each call."""
    if len(shape) not in (3, 4) or 0 in shape:
        raise UserError(
            f"{name} should be [n, h, w, c], [n, c, h, w] or [n, h, w], not "
            f"{list(shape)}"
        )
    ordered, order = _order(name, shape)
    scaled, units = _range(name, dtype, blocks)

    def read(size: int) -> Iterator[np.ndarray]:
        for block in blocks():
            for first in range(0, len(block), size):
                yield scaled(ordered(block[first : first + size]))

    h, w, c = ordered(np.empty((1, *shape[1:]), bool)).shape[1:]
    if labels is not None and labels.shape != shape[:1]:
        raise UserError(f"{name} has {shape[0]} pictures and {labels.shape} labels")
    notes = (f"{dtype} {list(shape)}, read as {order} of values in {units}",)
    return PictureSet(name, (h, w, c), shape[0], read, labels, notes=notes)


def _order(name: str, shape: tuple[int, ...]) -> tuple[Callable, str]:
    """A function to [n, h, w, c], and what the order is called."""
    if len(shape) == 3:
        return (lambda x: x[..., None]), "[n, h, w]"
    first, last = shape[1] in (1, 3), shape[3] in (1, 3)
    if first and last:
        raise UserError(
            f"{name} is {list(shape)}: either axis of {shape[1]} and {shape[3]} could "
            "be the channels; transpose it to [n, h, w, c] with h and w above 3"
        )
    if last:
        return (lambda x: x), "[n, h, w, c]"
    if first:
        return (lambda x: x.transpose(0, 2, 3, 1)), "[n, c, h, w]"
    hint = ": compose an alpha channel over a colour" if 4 in shape[1::2] else ""
    raise UserError(
        f"{name} is {list(shape)}, of which no axis can be the channels (1 or 3){hint}"
    )


def _range(
    name: str, dtype: np.dtype, blocks: Callable[[], Iterable[np.ndarray]]
) -> tuple[Callable[[np.ndarray], np.ndarray], str]:
    """A function to float32 in [-1, 1], and what the range was."""
    if dtype == np.uint8:
        return images.to_float, "0 .. 255"
    floats = dtype.kind == "f" or dtype.name == "bfloat16"
    if not floats and dtype.kind not in "iu":
        raise UserError(f"{name} should be of integers or floats, not {dtype}")
    low, high = np.inf, -np.inf
    for block in blocks():
        values = np.asarray(block, np.float32)
        if not np.isfinite(values).all():
            raise UserError(f"{name} has values that are not finite")
        low, high = min(low, float(values.min())), max(high, float(values.max()))
    told = f"{name} has {dtype} values from {low:.4g} to {high:.4g}"
    linear = lambda scale: lambda x: np.asarray(x, np.float32) * (2 / scale) - 1
    slack = 0.001  # what a network adds to tanh's bounds by rounding
    if not floats:
        if low >= 0 and high <= 255:
            return linear(255), "0 .. 255"
        if dtype == np.uint16:
            return linear(65535), "0 .. 65535"
        raise UserError(f"{told}: integers should be levels from 0 to 255")
    if -1 - slack <= low < -slack and high <= 1 + slack:
        return (lambda x: np.asarray(x, np.float32)), "[-1, 1]"
    if -slack <= low and high <= 1 + slack:
        return linear(1), "[0, 1]"
    if -slack <= low and high <= 255 + slack:
        return linear(255), "[0, 255]"
    raise UserError(f"{told}: floats should be in [-1, 1], in [0, 1] or in [0, 255]")
