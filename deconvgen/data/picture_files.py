"""Where sets of pictures come from: arrays, .npy and .npz files, folders."""

import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from deconvgen.core import images
from deconvgen.core.errors import UserError
from deconvgen.data import folder as folders
from deconvgen.data.picture_sets import SCAN, PictureSet, from_array, recognized

NAMES = ("images", "image", "samples", "fake", "real", "x", "arr_0", "data")
FRAMES = (".gif", ".tif", ".tiff", ".webp", ".png")
LABELS = ("labels", "label", "classes", "y", "arr_1", "targets")


def picture_set(source: Any, name: str = "", crop: bool = False) -> PictureSet:
    """A set from an array, a .npy or .npz file or a folder of pictures.

    Arrays are [n, h, w, c] or [n, c, h, w] with 1 or 3 channels, or [n, h, w]; of
    levels 0 .. 255 in any integer type (0 .. 65535 in uint16), or of floating-point
    numbers in [-1, 1], [0, 1] or [0, 255]. In a .npz file the pictures are the array
    that is named one of `NAMES` or the only one of four axes, the labels one of
    `LABELS`. The pictures of a folder are of one size, unless `crop` takes the largest
    upper left part that all of them have. Raises `UserError` for anything else.
    """
    if isinstance(source, PictureSet):
        return source
    if isinstance(source, str | Path):
        path = Path(source).expanduser()
        name = name or str(source)
        if path.is_dir():
            return _folder(name, path, crop)
        if not path.exists():
            raise UserError(f"there is no {path}")
        if path.suffix.lower() == ".npz":
            return _npz(name, path)
        if path.suffix.lower() == ".npy":
            return from_array(name, _npy(path))
        raise UserError(f"{path} should be a folder of pictures, a .npy or a .npz file")
    try:
        array = np.asarray(source)
    except (TypeError, ValueError):
        raise UserError(f"{name or 'the set'} should be images of one size") from None
    return from_array(name or "array", array)


def _npy(path: Path) -> np.ndarray:
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise UserError(f"{path} cannot be read as .npy: {error}") from None


def _npz(name: str, path: Path) -> PictureSet:
    """The pictures of a .npz file, a block at a time however it is compressed."""
    try:
        with zipfile.ZipFile(path) as archive:
            heads = {}
            for member in archive.namelist():
                with archive.open(member) as file:
                    heads[member] = _head(file)
    except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise UserError(f"{path} cannot be read as .npz: {error}") from None
    named = lambda names: [f"{n}.npy" for n in names if f"{n}.npy" in heads]
    wide = [m for m, (shape, _, _) in heads.items() if len(shape) == 4]
    pictures = [m for m in named(NAMES) if len(heads[m][0]) >= 3] or wide
    pictures = wide if len(wide) == 1 else pictures
    if not pictures or (len(pictures) > 1 and pictures[0] not in named(NAMES)):
        listed = ", ".join(f"{m[:-4]} {list(h[0])}" for m, h in heads.items())
        raise UserError(f"{path} should have one array of pictures, it has {listed}")
    member = pictures[0]
    shape, fortran, dtype = heads[member]
    if fortran or dtype.hasobject:
        raise UserError(f"{path}: save {member} in C order, and of numbers")

    def blocks() -> Iterator[np.ndarray]:
        one = int(np.prod(shape[1:])) * dtype.itemsize
        size = max(1, SCAN // max(1, one))
        with zipfile.ZipFile(path) as archive, archive.open(member) as file:
            _head(file)
            for first in range(0, shape[0], size):
                n = min(size, shape[0] - first)
                block = np.frombuffer(file.read(n * one), dtype)
                yield block.reshape(n, *shape[1:])

    labels = None
    for key in named(LABELS):
        if heads[key][0] == shape[:1] and heads[key][2].kind in "iu":
            with np.load(path, allow_pickle=False) as loaded:
                labels = loaded[key[:-4]]
            break
    return recognized(name, shape, dtype, blocks, labels)


def _head(file: Any) -> tuple[tuple[int, ...], bool, np.dtype]:
    """(shape, whether in Fortran's order, dtype) of a .npy file that was opened."""
    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0
    return (read if version == (1, 0) else np.lib.format.read_array_header_2_0)(file)


def _folder(name: str, path: Path, crop: bool) -> PictureSet:
    tree, _ = folders.walk(path)
    files = [path / name for name in sorted(tree.every())]
    if not files:
        raise UserError(
            f"{path} has no pictures in it ({', '.join(sorted(folders.ENDINGS))})"
        )
    seen = [_looked_at(file) for file in files]
    sizes = {(h, w) for h, w, _ in seen}
    channels = max(c for _, _, c in seen)
    h, w = (min(size[axis] for size in sizes) for axis in (0, 1))
    notes = [f"{len(files)} files"]
    if len(sizes) > 1 and not crop:
        odd = next(f for f, s in zip(files, seen) if s[:2] != seen[0][:2])
        raise UserError(
            f"{name}: {odd} is {_size(odd)} pixels and {files[0]} {_size(files[0])}; "
            "the pictures of a set are of one size"
        )
    if len(sizes) > 1:
        notes.append(f"of {len(sizes)} sizes, the upper left {h} x {w} of each")
    if several := [file for file in files if _moves(file)]:
        notes.append(
            f"only the first frame of {several[0].name}"
            + (f" and {len(several) - 1} more files" if len(several) > 1 else "")
        )
    if len({c for _, _, c in seen}) > 1:
        notes.append("grey and colour, all taken as colour")

    def pick(index: int) -> np.ndarray:
        return images.load(files[index], channels)[:h, :w]

    def read(size: int) -> Iterator[np.ndarray]:
        for first in range(0, len(files), size):
            last = min(first + size, len(files))
            yield np.stack([pick(i) for i in range(first, last)])

    parents = [file.parent for file in files]
    labels, classes = None, {}
    if len(set(parents)) > 1 and all(p.parent == path for p in parents):
        order = _numbered(sorted({parent.name for parent in parents}))
        labels = np.array([order[parent.name] for parent in parents])
        classes = {label: name for name, label in order.items()}
    found = PictureSet(name, (h, w, channels), len(files), read, labels, classes)
    return found._replace(notes=tuple(notes), files=tuple(files), pick=pick)


def _numbered(names: Sequence[str]) -> dict[str, int]:
    """A label for each class: the number that its name is, if all are, else its place.

    So 10 is no neighbour of 1, and what another file calls 10 is the same class.
    """
    numbers = all(n.isascii() and n.isdigit() and n == str(int(n)) for n in names)
    return {name: int(name) if numbers else i for i, name in enumerate(names)}


def _size(file: Path) -> str:
    h, w, _ = _looked_at(file)
    return f"{h} x {w}"


def _looked_at(file: Path) -> tuple[int, int, int]:
    """(height, width, channels) as `images.load` gives them, from the head alone."""
    with _opened(file) as image:
        w, h = image.size
        if image.getexif().get(0x0112, 1) > 4:  # stored on its side
            h, w = w, h
        return h, w, images.channels_of(image)


def _moves(file: Path) -> bool:
    """Whether a file has more than one picture, of which the first is read.

    A camera's JPEG may hold a small copy of itself as well (MPO), which is none.
    """
    if file.suffix.lower() not in FRAMES:
        return False
    with _opened(file) as image:
        return bool(getattr(image, "is_animated", False))


@contextmanager
def _opened(file: Path) -> Iterator[Image.Image]:
    """A picture file, undecoded; a `UserError` where it is none."""
    try:
        with Image.open(file) as image:
            yield image
    except (OSError, Image.DecompressionBombError) as error:
        raise UserError(f"{file} cannot be read as a picture: {error}") from None
