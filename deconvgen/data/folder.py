"""A folder of the user's own images: classes by subfolder, masks beside the images."""

import hashlib
import logging
import os
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from PIL import Image

from deconvgen.core.errors import UserError
from deconvgen.data import classes
from deconvgen.data.records import BROKEN, Source, mask_name, picture

ENDINGS = (".png", ".jpg", ".jpeg", ".webp", ".bmp")
TEST = 0.1
"""The part of a folder's images that is held out, unless it has its own test/."""

log = logging.getLogger(__name__)


def files(folder: Path) -> list[str]:
    """The images below `folder`, as relative names in a fixed order."""
    if not folder.is_dir():
        raise UserError(f"there is no folder {folder}")
    found = sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.suffix.lower() in ENDINGS and path.is_file()
    )
    found = [name for name in found if not any(p[0] == "." for p in name.split("/"))]
    if not found:
        raise UserError(
            f"the folder {folder} has no images in it (expected {', '.join(ENDINGS)})"
        )
    return found


def identity(folder: Path) -> dict[str, str]:
    """Where the folder is, and a digest of the names and sizes of its images: another
    image, one less, or one of another size is another data set."""
    digest = hashlib.sha256()
    for name in files(folder):
        size = (folder / name).stat().st_size
        digest.update(os.fsencode(name) + b"\0%d\n" % size)
    return {"folder": os.path.abspath(folder), "sha256": digest.hexdigest()}


def held_out(name: str) -> float:
    """A number in [0, 1) hashed from a file's name without its ending: below TEST, the
    image is in the test set. Other files may come and go without moving it."""
    stem = name.rpartition(".")[0]
    return int.from_bytes(hashlib.sha256(stem.encode()).digest()[:6]) / 2**48


def split_files(folder: Path, split: str) -> tuple[Path, list[str]]:
    """Where the images of a split are, and their names relative to that.

    `train/` and `test/` are taken as they are; otherwise the names' hashes decide.
    """
    names = files(folder)
    roots = {name.split("/")[0] for name in names if "/" in name}
    if "train" in roots and (folder / "test").is_dir():
        return folder / split, files(folder / split)
    if len(names) < 2:
        raise UserError(f"the folder {folder} needs two images, to hold one out")
    test = [name for name in names if held_out(name) < TEST]
    # A small folder may have none below TEST, or nothing else.
    test = test or [min(names, key=held_out)]
    if len(test) == len(names):
        test.remove(max(names, key=held_out))
    return folder, [name for name in names if (name in set(test)) == (split == "test")]


def images(folder: Path, split: str) -> Source:
    """Images, labelled by their first subfolder where they all are in one."""
    root, names = split_files(folder, split)
    other = split_files(folder, "test" if split == "train" else "train")[1]
    tops = {name.split("/")[0] if "/" in name else "" for name in [*names, *other]}
    labels = sorted(tops) if "" not in tops and len(tops) > 1 else []

    def read(indices: Sequence[int]) -> list[dict[str, Any]]:
        records: list[dict[str, Any]] = [{"image": root / names[i]} for i in indices]
        if labels:
            for record, i in zip(records, indices, strict=True):
                record["label"] = labels.index(names[i].split("/")[0])
        return records

    return Source(
        len(names),
        read,
        lambda index: str(root / names[index]),
        len(labels),
        tuple(labels),
        identity=identity(folder),
    )


def has_masks(folder: Path) -> bool:
    """Whether this is a folder of pairs, `images/` and `masks/`."""
    folder = folder.expanduser()
    return (folder / "images").is_dir() and (folder / "masks").is_dir()


def pairs(folder: Path, split: str) -> Source:
    """`images/NAME.*` with `masks/NAME.png`, whose pixels are numbers of classes. All
    masks of both splits are read, to know which numbers there are."""
    root = folder / "images"
    masks = folder / "masks"
    everything = files(root)
    missing = [name for name in everything if not _mask(masks, name).is_file()]
    if missing:
        raise UserError(
            f"{len(missing)} images in {root} have no mask in {masks}, the first is "
            f"{missing[0]} (expected {_mask(masks, missing[0]).name})"
        )
    every = tuple(dict.fromkeys(_mask(masks, name) for name in everything))
    root, names = split_files(root, split)
    masks = masks / root.relative_to(folder / "images")

    def read(indices: Sequence[int]) -> list[dict[str, Any]]:
        return [
            {"image": root / names[i], "segmentation": _mask(masks, names[i])}
            for i in indices
        ]

    which = identity(folder)
    return Source(
        len(names),
        read,
        lambda i: str(root / names[i]),
        survey=lambda: _survey(every, which["sha256"]),
        identity=which,
    )


def _mask(masks: Path, name: str) -> Path:
    return masks / f"{name.rpartition('.')[0]}.png"


@lru_cache(maxsize=4)  # both splits ask
def _survey(masks: tuple[Path, ...], digest: str) -> classes.Found:
    return classes.survey((mask_name(path, ""), _readable(path)) for path in masks)


def _readable(path: Path) -> Image.Image:
    try:
        return picture(path)
    except BROKEN as error:
        raise UserError(f"the mask {path} cannot be read: {error}") from None
