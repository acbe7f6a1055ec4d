"""What the numbers of labels and masks mean, and that no other number comes in.

A mask of the user's has any numbers for its classes; behind `Classes.of_mask` they are
0, 1, ..., and IGNORE where a pixel does not count. Whatever made an example, `check`
stands between it and the training.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Integer, UInt8
from PIL import Image

from deconvgen.core.errors import UserError
from deconvgen.core.palette import IGNORE

MODES = {"1", "L", "P", "I", "F", "I;16", "I;16B", "I;16L", "I;16N"}
"""PIL's modes with one number a pixel."""

Found = Mapping[int, str]
"""The values that masks have, and a file in which each of them was found."""


class Classes(NamedTuple):
    """The classes of a data set, and how its masks write them."""

    count: int  # pyright: ignore[reportIncompatibleMethodOverride]
    ignore: int = IGNORE  # the value of pixels that do not count; -1: there is none
    values: tuple[int, ...] = ()  # the value of each class; (): 0, 1, 2, ...

    def value(self, index: int) -> int:
        """How masks write class number `index`."""
        return self.values[index] if self.values else index

    def of_mask(self, mask: Any, name: str) -> UInt8[np.ndarray, "h w"]:
        """The classes of a mask's pixels; a UserError names the value that is none."""
        pixels = numbers(mask, name)
        out = np.full(pixels.shape, IGNORE, np.uint8)
        known = (pixels == self.ignore) & (self.ignore >= 0)
        if self.values:
            for index, value in enumerate(self.values):
                out[pixels == value] = index
            known |= np.isin(pixels, self.values)
        else:
            inside = (pixels >= 0) & (pixels < self.count) & ~known
            out[inside] = pixels[inside]
            known |= inside
        if not known.all():
            self.refuse(int(pixels[~known][0]), name)
        return out

    def refuse(self, value: int, name: str) -> None:
        """Raise the UserError for a value that no class has."""
        expected = _listed(self.values) if self.values else f"0 to {self.count - 1}"
        if self.ignore >= 0:
            expected += f", and {self.ignore} for pixels that do not count"
        raise UserError(
            f"{name} has the value {value} (expected {expected}): mend it, "
            "or set data.num_classes, data.mask_values or data.ignore_label"
        )


def numbers(mask: Any, name: str) -> Integer[np.ndarray, "h w"]:
    """The numbers of a mask, a PIL image or an array; refuses colours and fractions."""
    if isinstance(mask, Image.Image) and mask.mode not in MODES:
        raise UserError(
            f"{name} must hold one class index a pixel (grey or "
            f"palette PNG), not {mask.mode}"
        )
    pixels = np.asarray(mask)
    if pixels.ndim == 3 and pixels.shape[-1] == 1:
        pixels = pixels[..., 0]
    if pixels.ndim != 2:
        raise UserError(
            f"{name} must hold one class index a pixel, not an array of "
            f"the shape {pixels.shape}"
        )
    if pixels.dtype == bool:
        return pixels.astype(np.uint8)
    if not np.issubdtype(pixels.dtype, np.integer):
        whole = np.isfinite(pixels) & (pixels == np.round(pixels))
        if not whole.all():
            raise UserError(
                f"{name} has the value {pixels[~whole][0]} (expected whole "
                "numbers, the indices of classes)"
            )
        pixels = pixels.astype(np.int64)
    return pixels


def survey(masks: Iterable[tuple[str, Any]]) -> dict[int, str]:
    """All values of all masks, (name, PIL image or array), each with a mask's name."""
    found: dict[int, str] = {}
    for name, mask in masks:
        pixels = numbers(mask, name)
        if pixels.dtype == np.uint8:
            values = np.flatnonzero(np.bincount(pixels.ravel(), minlength=256))
        else:
            values = np.unique(pixels)
        for value in values.tolist():
            found.setdefault(value, name)
    return found


def decide(
    found: Found,
    num_classes: int = 0,
    ignore: int = IGNORE,
    values: tuple[int, ...] = (),
) -> tuple[Classes, list[str]]:
    """The classes of masks with these values, and what a person should know of them.

    `num_classes` and `values` are what the user says, 0 and () where he says nothing.
    Then 0 and 255 alone are two classes; other values must be 0, 1, 2, ... without a
    gap. Nothing `found` is masks that nobody has read: all is as it was said.
    """
    notes = []
    rest = sorted(found.keys() - ({ignore} - {-1}))
    if values:
        if len(set(values)) < len(values):
            raise UserError(f"data.mask_values={values} names a value twice")
        if num_classes not in (0, len(values)):
            raise UserError(
                f"data.mask_values={values} are {len(values)} classes, "
                f"data.num_classes says {num_classes}"
            )
        classes = Classes(len(values), -1 if ignore in values else ignore, values)
    elif set(found) == {0, 255} and ignore in (255, -1):
        if num_classes not in (0, 2):
            raise UserError(
                f"the masks have the values 0 and 255 alone (255 in {found[255]}), "
                f"which are two classes: data.num_classes says {num_classes}"
            )
        classes = Classes(2, -1, (0, 255))
        notes.append("the masks' 0 and 255 are two classes, 0 and 1")
    else:
        if found and not rest:
            raise UserError(
                f"every pixel of the masks is {ignore}, which data.ignore_label leaves "
                "out: set data.mask_values, or data.ignore_label=-1"
            )
        classes = Classes(num_classes or max(rest, default=-1) + 1, ignore)
        gaps = sorted(set(range(classes.count)) - set(rest))
        if gaps and rest[0] >= 0 and not num_classes:
            raise UserError(
                f"the masks have the values {_listed(rest)} and none between "
                f"(no {gaps[0]}; {rest[-1]} is in {found[rest[-1]]}): say which are "
                f"classes with data.mask_values=({','.join(map(str, rest[:9]))}"
                f"{',...' if len(rest) > 9 else ''}), or how many there are with "
                "data.num_classes"
            )
    if classes.count > IGNORE:
        raise UserError(
            f"masks may have up to {IGNORE} classes, not {classes.count}"
            + (f" ({rest[-1]} is in {found[rest[-1]]})" if rest else "")
        )
    allowed = {*map(classes.value, range(classes.count))}
    allowed |= {classes.ignore} if classes.ignore >= 0 else set()
    for value in sorted(found.keys() - allowed):
        classes.refuse(value, found[value])
    counted = found.keys() - ({classes.ignore} - {-1})
    there = [i for i in range(classes.count) if classes.value(i) in counted]
    return classes, notes + (absent(classes.count, there, "pixel") if found else [])


def absent(count: int, there: Iterable[int], thing: str, names=()) -> list[str]:
    """Sentences on a data set of one class, and on classes that no `thing` has."""
    missing = [i for i in range(count) if i not in set(there)]
    said = [f"every {thing} is of the one class"] if count == 1 and not missing else []
    if missing:
        which = _listed([names[i] if i < len(names) else i for i in missing])
        said.append(f"no {thing} is of class {which}")
    return said


def check(
    example: dict[str, np.ndarray], count: int | None, describe: Callable[[int], str]
) -> None:
    """Refuse labels and classes of pixels that are not below `count` (IGNORE may be).

    `example` has the arrays of a batch, `describe` names its rows.
    """
    for key, what in (("label", "label"), ("segmentation", "mask")):
        if key not in example:
            continue
        found = example[key]
        if not np.issubdtype(found.dtype, np.integer):
            raise UserError(
                f"the {what} of {describe(0)} has the type {found.dtype} (expected "
                "whole numbers)"
            )
        if count is None:
            continue
        wrong = (found < 0) | (found >= count)
        if key == "segmentation":
            wrong &= found != IGNORE
        if wrong.any():
            row = int(np.argwhere(wrong)[0][0])
            raise UserError(
                f"the {what} of {describe(row)} has the value {found[wrong][0]} "
                f"(expected 0 to {count - 1})"
            )


def _listed(values: Iterable[Any]) -> str:
    shown = [str(value) for value in values]
    return ", ".join(shown[:8]) + (", ..." if len(shown) > 8 else "")
