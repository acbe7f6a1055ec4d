"""A folder of the user's own images: what is in it, and what was left out."""

import hashlib
import os
from collections import Counter
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image

from deconvgen.core.errors import UserError
from deconvgen.data import classes, held_out
from deconvgen.data.layout import Layout, Tree, arrange, listed
from deconvgen.data.records import BROKEN, Source, mask_name, picture

ENDINGS = (
    *(".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".bmp", ".gif"),
    *(".tif", ".tiff", ".pgm", ".ppm"),
)
TEST = 0.1
"""The part of a folder's images that is held out, unless it has its own test/."""


class Folder(NamedTuple):
    """A folder that was read: its splits are names from `path` on."""

    path: Path
    splits: dict[str, list[str]]  # "train", "test" and maybe "validation"
    layout: Layout
    notes: tuple[str, ...]

    def names(self, split: str) -> list[str]:
        """The images of a split; a UserError where it has none."""
        if not self.splits[split]:
            why = "".join(f" ({note})" for note in self.notes)
            raise UserError(f"{self.path}: its {split} has no images in it{why}")
        return self.splits[split]

    def sizes(self) -> dict[str, int]:
        """The bytes of its images and masks, by name in order."""
        used = [name for names in self.splits.values() for name in names]
        names = sorted({*used, *self.layout.masks.values()})
        return {name: (self.path / name).stat().st_size for name in names}

    def identity(self) -> dict[str, str]:
        """Where the folder is, and a digest of the names and sizes of its images and
        masks: one more, one less, or one of another size is another data set."""
        digest = hashlib.sha256()
        for name, size in self.sizes().items():
            digest.update(os.fsencode(name) + b"\0%d\n" % size)
        here = shown(os.path.abspath(self.path))
        return {"folder": here, "sha256": digest.hexdigest()}


def walk(folder: Path) -> tuple[Tree, Counter[str]]:
    """The images below `folder`, links followed, and how much else there is of what."""
    left: Counter[str] = Counter()

    def look(path: str, prefix: str, above: frozenset) -> Tree:
        tree = Tree(prefix, [], {})
        try:
            status = os.stat(path)
            entries = sorted(os.scandir(path), key=lambda entry: entry.name)
        except OSError:
            left["not readable (folders)"] += 1
            return tree
        here = (status.st_dev, status.st_ino)
        if here in above:
            left["linked in a circle"] += 1
            return tree
        for entry in entries:
            ending = os.path.splitext(entry.name)[1].lower()
            if entry.name.startswith("."):
                left["hidden"] += 1
            elif os.path.isdir(entry.path):
                inside = look(entry.path, f"{prefix}{entry.name}/", above | {here})
                tree.folders[entry.name] = inside
            elif not os.path.isfile(entry.path):
                link = entry.is_symlink()
                left["dangling (links)" if link else "special (no regular file)"] += 1
            elif ending in ENDINGS:
                tree.images.append(prefix + entry.name)
            else:
                left[shown(ending) or "without ending"] += 1
        return tree

    return look(str(folder), "", frozenset()), left


def read(folder: Path, validation: float = 0.0) -> Folder:
    """The splits, classes and masks of a folder, and what else is to be said of it.

    `validation` is as `deconvgen.data.load` has it.
    """
    if not folder.is_dir():
        raise UserError(f"there is no folder {folder}")
    tree, left = walk(folder)
    if not tree.every():
        there = "".join(f"; {note}" for note in listed(left))
        raise UserError(
            f"the folder {folder} has no images in it (expected {', '.join(ENDINGS)}"
            f"{there})"
        )
    try:
        layout = arrange(tree, bool(validation))
    except UserError as error:
        raise UserError(f"{folder}: {error}") from None
    splits = layout.splits
    if "" in splits:
        splits = _held_out(folder, splits[""], len(layout.root))
    if validation and "validation" not in splits:
        held_out.few(len(splits["train"]))
        by_name = lambda name: hashed(name[len(layout.root) :], "validation")
        train, held = _parted(splits["train"], by_name, validation)
        splits = splits | {"train": train, "validation": held}
    notes = (*layout.notes, *listed(layout.left_out + left))
    return Folder(folder, splits, layout, notes)


def _held_out(folder: Path, names: list[str], root: int) -> dict[str, list[str]]:
    """Two splits by the hashes of the names behind their first `root` letters."""
    if len(names) < 2:
        raise UserError(f"the folder {folder} needs two images, to hold one out")
    train, test = _parted(names, lambda name: hashed(name[root:]), TEST)
    return {"train": train, "test": test}


def _parted(
    names: list[str], number: Callable[[str], float], share: float
) -> tuple[list[str], list[str]]:
    """What stays and what is held out: names whose number is below `share`."""
    rank = {name: number(name) for name in names}
    held = [name for name in names if rank[name] < share]
    # A small folder may have none below it, or nothing else.
    held = held or [min(names, key=rank.__getitem__)]
    if len(held) == len(names):
        held.remove(max(names, key=rank.__getitem__))
    gone = set(held)
    return [name for name in names if name not in gone], held


def hashed(name: str, what: str = "") -> float:
    """A number in [0, 1) of a file's name without its ending: below TEST, the image is
    in the test set; that for `what` is another, independent one. Other files may come
    and go without moving it."""
    stem = os.fsencode(name.rpartition(".")[0])
    digest = hashlib.sha256(what.encode() + b"\0" + stem if what else stem).digest()
    return int.from_bytes(digest[:6]) / 2**48


def shown(name: str) -> str:
    """A name that can be printed and written, whatever bytes it has."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def split_files(
    folder: Path, split: str, validation: float = 0.0
) -> tuple[Path, list[str]]:
    """The folder, and the names of a split's images from there on."""
    return folder, read(folder, validation).names(split)


def has_masks(folder: Path) -> bool:
    """Whether this is a folder of pairs, `images/` and `masks/`."""
    return bool(read(folder.expanduser()).layout.masks)


def source(folder: Path, split: str, validation: float = 0.0) -> Source:
    """The images of a split with their labels or masks, where there are any.

    All masks of all splits are read, to know which numbers there are.
    """
    whole = read(folder, validation)
    names, masks = whole.names(split), whole.layout.masks
    of = whole.layout.classes
    labels = sorted(set(of.values()))
    number = {label: index for index, label in enumerate(labels)}

    def records(indices: Sequence[int]) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        for name in (names[i] for i in indices):
            record: dict[str, Any] = {"image": folder / name}
            if of:
                record["label"] = number[of[name]]
            if masks:
                record["segmentation"] = folder / masks[name]
            found.append(record)
        return found

    every = dict.fromkeys(folder / mask for mask in masks.values())
    ages = tuple((path, path.stat().st_mtime_ns) for path in every)
    return Source(
        len(names),
        records,
        lambda index: shown(str(folder / names[index])),
        len(labels),
        tuple(map(shown, labels)),
        survey=(lambda: _survey(ages)) if masks else None,
        identity=whole.identity(),
        notes=whole.notes,
    )


@lru_cache(maxsize=4)  # all splits ask
def _survey(masks: tuple[tuple[Path, int], ...]) -> classes.Found:
    return classes.survey((mask_name(path, ""), _readable(path)) for path, _ in masks)


def _readable(path: Path) -> Image.Image:
    try:
        return picture(path)
    except BROKEN as error:
        raise UserError(f"the mask {path} cannot be read: {error}") from None
