"""Patches of photographs, and the photographs whole, for super-resolution.

Eleven photographs ship with the package (licences in `embedded/`); four of them are
held out whole. Others come from a folder of the user's own.
"""

import logging
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from deconvgen.core.errors import UserError
from deconvgen.data import draws, transform
from deconvgen.data import folder as folders
from deconvgen.data.pipeline import Dataset, dataset
from deconvgen.data.records import BROKEN, Options, picture

EMBEDDED = Path(__file__).parent / "embedded" / "photographs"
SPLITS = {
    "train": (
        "astronaut.png",
        "brick.png",
        "china.jpg",
        "flower.jpg",
        "grass.png",
        "hubble_deep_field.jpg",
        "rocket.jpg",
    ),
    "test": ("camera.png", "chelsea.png", "coffee.png", "gravel.png"),
}
VALIDATION = ("brick.png", "flower.jpg")
"""Of the training photographs, those that are held out where there is validation: one
of a texture, one of a thing, one grey, one in colour."""
VERSION = "1.0.0"  # another one where the photographs or their splits change
PATCH = 96
"""The side of a patch where image_size is 0."""

log = logging.getLogger(__name__)

Picture = UInt8[np.ndarray, "h w c"]


class Photographs(NamedTuple):
    """Pictures of any size: their names, sizes (width, height) and how to read one."""

    names: tuple[str, ...]
    sizes: tuple[tuple[int, int], ...]
    read: Callable[[int], Picture]


def _files(split: str, folder: str, validation: float) -> tuple[Path, list[str]]:
    if folder:
        return folders.split_files(Path(folder).expanduser(), split, validation)
    if split == "validation":
        return EMBEDDED, list(VALIDATION)
    kept = [n for n in SPLITS[split] if not validation or n not in VALIDATION]
    return EMBEDDED, kept


def _known(options: Options) -> tuple[dict[str, str], tuple[str, ...]]:
    """What the data are, and what to know of them; see `pipeline.dataset`."""
    if not options.folder:
        return {"name": "photos", "version": VERSION}, ()
    found = folders.read(Path(options.folder).expanduser(), options.validation)
    return found.identity(), found.notes


def _open(
    split: str, folder: str, channels: int, memory: int, validation: float
) -> Photographs:
    """What is readable, kept in memory up to `memory` bytes, else read when needed."""
    root, names = _files(split, folder, validation)
    sizes = {}
    for name in names:
        try:
            with Image.open(root / name) as image:
                sizes[name] = transform.upright_size(image)
        except BROKEN as error:
            log.warning("skipping the broken image %s: %s", root / name, error)
    if len(sizes) < len(names):
        broken = len(names) - len(sizes)
        log.warning("%d of %d images are broken and were skipped", broken, len(names))
    if not sizes:
        raise UserError(f"{root} has no readable image in the split {split!r}")
    kept = tuple(sizes)

    def read(index: int) -> Picture:
        return transform.fit(picture(root / kept[index]), 0, channels or 3, "center")

    small = sum(w * h * (channels or 3) for w, h in sizes.values()) <= memory
    return Photographs(kept, tuple(sizes.values()), cache(read) if small else read)


def photographs(
    split: str,
    folder: str = "",
    channels: int = 3,
    image_size: int = 0,
    validation: float = 0.0,
) -> dict[str, Picture]:
    """The photographs of a split, whole, in uint8: `{name: [h, w, channels]}`.

    With `image_size`, smaller ones are left out, as they are from the patches.
    `validation` is as `deconvgen.data.load` has it.

    >>> photos = photographs("test", channels=1)
    >>> next(iter(photos.values())).dtype
    dtype('uint8')
    """
    opened = _open(split, folder, channels, 0, validation)
    return {
        name: opened.read(i)
        for i, (name, size) in enumerate(zip(opened.names, opened.sizes, strict=True))
        if min(size) >= image_size
    }


def _grid(length: int, side: int) -> np.ndarray:
    """Where tiles begin that cover `length`, the last one ending with it."""
    return np.linspace(0, length - side, -(-length // side)).round().astype(int)


def patches(name: str, split: str, options: Options) -> Dataset:
    """Square patches of `image_size`, as many an epoch as tile the photographs.

    In training each tile is shifted at random by up to half its side, and with `flip`
    also mirrored and turned by a random multiple of 90 degrees. In evaluation they are
    the tiles of a fixed grid, which overlap where the side does not divide the picture.
    """
    transform.check(options.image_size, options.channels, options.crop)
    side = options.image_size or PATCH
    opened = _open(
        split, options.folder, options.channels, options.memory, options.validation
    )
    tiles = []
    for i, (width, height) in enumerate(opened.sizes):
        if min(width, height) < side:
            log.warning("skipping %s: smaller than %d pixels", opened.names[i], side)
            continue
        room = (height - side, width - side)
        rows, columns = _grid(height, side), _grid(width, side)
        tiles += [(i, y, x, *room) for y in rows for x in columns]
    if not tiles:
        raise UserError(
            f"{name} has no photograph of at least {side} x {side} pixels in its split "
            f"{split!r}: make image_size smaller"
        )
    # Mixed, so that the first tiles that are evaluated are not all of one sky.
    order = draws.permutation(0, 0, len(tiles))
    places = np.array(tiles)[slice(None) if split == "train" else order]

    def examples(indices: np.ndarray, chance: np.ndarray | None) -> dict:
        which = places[indices]
        corners, room = which[:, 1:3], which[:, 3:5]
        if chance is not None:
            shift = np.floor((chance[:, :2] - 0.5) * (side + 1)).astype(int)
            corners = np.clip(corners + shift, 0, room)
        out = np.empty((len(indices), side, side, options.channels or 3), np.uint8)
        for k, (photo, (y, x)) in enumerate(zip(which[:, 0], corners, strict=True)):
            patch = opened.read(int(photo))[y : y + side, x : x + side]
            if options.flip and chance is not None:
                patch = _turn(patch, int(chance[k, 2] * 8))
            out[k] = patch
        return {"image": out}

    held = isinstance(opened.read, type(cache(len)))
    shape = (side, side, options.channels or 3)
    identity, notes = _known(options)
    return dataset(
        name,
        split,
        len(places),
        shape,
        examples,
        threads=0 if held else 8,
        identity=identity,
        notes=notes,
    )


def _turn(patch: Picture, how: int) -> Picture:
    """One of the eight symmetries of the square."""
    return np.rot90(patch[:, ::-1] if how >= 4 else patch, how % 4)
