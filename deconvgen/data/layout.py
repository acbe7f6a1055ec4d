"""What a folder of images means by its subfolders: splits, classes, masks.

- `train/` beside `test/` or `val/` are splits, in any case of letters, where every
  folder with images bears such a name. Without `test/`, `val/` is the test set; with
  it, `val/` is for validation where that is wanted, else for neither.
- `images/` beside `masks/` are pairs, in each split or around the splits.
- Two folders or more are otherwise classes.
- A single folder around all of this is seen through.
"""

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from deconvgen.core.errors import UserError

ROLES = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation"), "val"),
    **dict.fromkeys(("test", "testing"), "test"),
}
"""Names of folders, in small letters, that are splits."""


class Tree(NamedTuple):
    """A folder: the images in it, by their names from the outermost folder on."""

    prefix: str  # what the names below begin with: "" or "a/b/"
    images: list[str]
    folders: dict[str, "Tree"]

    def every(self) -> list[str]:
        """The images in it and below."""
        below = [name for tree in self.folders.values() for name in tree.every()]
        return self.images + below

    def full(self) -> dict[str, "Tree"]:
        """The folders that have images."""
        return {name: tree for name, tree in self.folders.items() if tree.every()}

    def called(self, name: str) -> "Tree | None":
        """The folder of this name in any case of letters."""
        found = [t for n, t in self.folders.items() if n.casefold() == name]
        return found[0] if len(found) == 1 else None


class Layout(NamedTuple):
    """Images by split ("train" and "test", maybe "validation", or "" where nothing
    says), and more."""

    splits: dict[str, list[str]]
    classes: dict[str, str]  # of each image; {}: there are none
    masks: dict[str, str]  # the mask of each image; {}: there are none
    root: str  # where names begin that decide on the split
    notes: list[str]
    left_out: Counter[str]


def arrange(tree: Tree, validation: bool = False) -> Layout:
    """The meaning of a folder; a UserError where it has none.

    With `validation`, `val/` beside `test/` is a split.
    """
    found = _arranged({"": tree}, validation)
    return found or Layout({"": sorted(tree.every())}, {}, {}, "", [], Counter())


def _arranged(roots: dict[str, Tree], validation: bool) -> Layout | None:
    """The splits, classes or pairs of one folder or of its splits; None: none."""
    if "" in roots and (parts := _splits(roots[""])):
        return _split(roots[""], parts, validation)
    pairs = [(t.called("images"), t.called("masks")) for t in roots.values()]
    if all(images and masks for images, masks in pairs):
        return _paired(dict(zip(roots, pairs, strict=True)), roots, validation)
    tops = sorted({name for tree in roots.values() for name in tree.full()})
    loose = sum(len(tree.images) for tree in roots.values())
    if len(tops) == 1:
        nothing = Tree("", [], {})
        inside = {k: t.folders.get(tops[0], nothing) for k, t in roots.items()}
        found = _arranged(inside, validation)
        if found and loose:
            found.left_out[f"beside the folder {tops[0]}"] += loose
        return found
    if not tops:
        return None
    splits: dict[str, list[str]] = {}
    classes = {}
    for key, tree in roots.items():
        of = {n: top for top, t in tree.full().items() for n in t.every()}
        splits[key] = sorted(of)
        classes |= of
    left = Counter({"beside the folders of classes": loose} if loose else {})
    return Layout(splits, classes, {}, "", [], left)


def _splits(tree: Tree) -> dict[str, tuple[str, Tree]]:
    """role -> (name, folder) where all folders with images are splits, else nothing."""
    full = {name: ROLES.get(name.casefold(), "") for name in tree.full()}
    named = [n for n in tree.folders if n in full or n.casefold() in ROLES]
    if "" in full.values() or len(named) < 2 or not full:
        return {}
    found: dict[str, tuple[str, Tree]] = {}
    for name in named:
        role = ROLES[name.casefold()]
        if role in found and tree.folders[name].every():
            if found[role][1].every():
                raise UserError(
                    f"{found[role][0]}/ and {name}/ are both the {role} split: "
                    "name or join them otherwise"
                )
            del found[role]
        found.setdefault(role, (name, tree.folders[name]))
    if "train" not in found:
        raise UserError(
            f"the folders {', '.join(full)} are splits, but there is no train/"
        )
    return found


def _split(tree: Tree, found: dict[str, tuple[str, Tree]], validation: bool) -> Layout:
    held_out = found.get("test") or found["val"]
    notes, left = [], Counter()
    roots = {"train": found["train"][1], "test": held_out[1]}
    if "test" not in found:
        notes.append(f"there is no test/: {held_out[0]}/ is the test set")
    elif "val" in found and (more := len(found["val"][1].every())):
        if validation:
            roots["validation"] = found["val"][1]
        else:
            left[f"in {found['val'][0]}/, for neither training nor testing"] = more
    if tree.images:
        left["beside the folders of splits"] = len(tree.images)
    inner = _arranged(roots, validation) or Layout(
        {key: sorted(t.every()) for key, t in roots.items()}, {}, {}, "", [], Counter()
    )
    return inner._replace(notes=notes + inner.notes, left_out=left + inner.left_out)


def _paired(
    pairs: dict[str, tuple], roots: dict[str, Tree], validation: bool
) -> Layout:
    splits: dict[str, list[str]] = {}
    masks: dict[str, str] = {}
    notes: list[str] = []
    left: Counter[str] = Counter()
    for key, (images, their) in pairs.items():
        inside = _splits(images) if not key else {}
        part = _split(images, inside, validation) if inside else None
        if part:
            splits |= part.splits
            notes, left = notes + part.notes, left + part.left_out
        else:
            splits[key] = sorted(images.every())
        used = [n for k in (part.splits if part else [key]) for n in splits[k]]
        by_stem = {_stem(n, their): n for n in sorted(their.every(), key=_png_last)}
        missing = [n for n in used if _stem(n, images) not in by_stem]
        if missing:
            first = missing[0][len(images.prefix) :]
            raise UserError(
                f"{len(missing)} images in {images.prefix} have no mask in "
                f"{their.prefix}, the first is {first} (expected "
                f"{first.rpartition('.')[0]}.png)"
            )
        masks |= {n: by_stem[_stem(n, images)] for n in used}
        alone = len(by_stem) - len({_stem(n, images) for n in images.every()})
        if alone > 0:
            left["of masks/ without an image"] += alone
    beside = sum(len(tree.every()) for tree in roots.values())
    beside -= sum(len(t.every()) for pair in pairs.values() for t in pair)
    if beside:
        left["beside images/ and masks/"] += beside
    root = pairs[""][0].prefix if "" in pairs else ""
    return Layout(splits, {}, masks, root, notes, left)


def _stem(name: str, tree: Tree) -> str:
    return name[len(tree.prefix) :].rpartition(".")[0]


def _png_last(name: str) -> tuple[bool, str]:
    """Of two masks of one name, the PNG is taken."""
    return name.lower().endswith(".png"), name


def listed(left_out: Counter[str]) -> Iterable[str]:
    """`left out: 3 .txt, 1 hidden`, or nothing."""
    if left_out:
        what = sorted(left_out.items(), key=lambda item: (-item[1], item[0]))
        yield "left out: " + ", ".join(f"{count:,} {why}" for why, count in what)
