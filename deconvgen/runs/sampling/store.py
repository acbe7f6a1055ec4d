"""Many samples on disk, in batches, with a bar: a folder of PNG, or one .npz.

What is there already is kept, so that a run that was cut off goes on where it was.
Image i is the same whatever the devices and however often it was interrupted. A place
holds the samples of one run, step and seed and nothing else: it is one process's at a
time, every sample says what it is, and what does not say so is not taken for one.
"""

import hashlib
import json
import os
import zipfile
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jax
import numpy as np
from PIL import Image, PngImagePlugin

from deconvgen.core import files, images
from deconvgen.core.errors import UserError
from deconvgen.core.terminal import Bar
from deconvgen.data.folder import ENDINGS
from deconvgen.runs.run import Run

ABOUT = "samples.json"
KEY = "deconvgen"
"""Of the text in a PNG that says whose sample it is."""
PART = 1024
"""Images in a part of an unfinished .npz."""
MOST_PNG, MOST = 10**6, 10**8
"""Images that the names in a folder, and of the parts of a file, have digits for."""


def provenance(run: Run, seed: int) -> dict[str, Any]:
    """What samples must share to lie in one place: the weights, wherever they are."""
    digest = hashlib.sha256()
    for leaf in jax.tree.leaves(run.variables):
        digest.update(np.ascontiguousarray(leaf).tobytes())
    weights = digest.hexdigest()[:16]
    return {"run": run.folder.name, "weights": weights, "step": run.step, "seed": seed}


@contextmanager
def _claimed(folder: Path, about: dict[str, Any]) -> Iterator[None]:
    """A folder for samples of this kind and for this process, or a `UserError`."""
    with files.locked(folder, f"another process is writing to {folder}"):
        for left in folder.glob(".*.tmp"):  # of a process that was killed
            left.unlink()
        path = folder / ABOUT
        if path.exists():
            if (old := files.read_json(path)) != about:
                raise UserError(
                    f"{folder} holds {_words(old)}: give another --out, or remove it"
                )
        elif there := sorted(p.name for p in folder.iterdir() if p.name[0] != "."):
            raise UserError(
                f"{folder} is not empty and holds no samples ({there[0]!r} is there): "
                "give a folder of its own as --out"
            )
        files.write_json(path, about)
        yield


def _words(about: dict[str, Any] | None) -> str:
    if about is None:
        return "something else than samples"
    listed = ", ".join(f"{k} {v}" for k, v in about.items() if k != "weights")
    return f"samples of another run, step, seed or num ({listed})"


def _few(num: int, most: int, instead: str) -> None:
    if not 1 <= num <= most:
        raise UserError(f"--num should be 1 to {most:,} {instead}, not {num}")


def _draw(run: Run, num: int, seed: int, first: int, take: Callable) -> None:
    """Call `take(number of the first, uint8 images)` with batch after batch."""
    with Bar(first, num, 1, unit="image") as bar:
        for batch in run.batches(num, seed, first=first):
            take(first, images.to_uint8(batch))
            first += len(batch)
            bar.update(first, {})


def write_folder(run: Run, num: int, seed: int, folder: Path) -> Path:
    """000000.png to number `num - 1`; samples that are there stay as they are."""
    _few(num, MOST_PNG, "in a folder, more in a .npz")
    about = provenance(run, seed)
    with _claimed(folder, about), ThreadPoolExecutor(os.cpu_count()) as threads:
        there = _samples(folder, about, threads)
        if there and max(there) >= num:
            raise UserError(
                f"{folder} holds {max(there) + 1} samples, more than --num={num}: give "
                "another --out"
            )
        first = next((i for i in range(num) if i not in there), num)

        def write(i: int, pixels: np.ndarray) -> None:
            if i in there:
                return
            text = PngImagePlugin.PngInfo()
            text.add_text(KEY, json.dumps(about | {"sample": i}))
            with files.beside(folder / f"{i:06d}.png") as temporary:
                drawn = images.picture(pixels)
                drawn.save(temporary, "PNG", compress_level=1, pnginfo=text)

        def take(start: int, batch: np.ndarray) -> None:
            list(threads.map(write, range(start, start + len(batch)), batch))

        if first < num:
            _draw(run, num, seed, first, take)
    return folder


def _samples(folder: Path, about: dict[str, Any], threads: Any) -> set[int]:
    """The numbers of the samples in a folder; a picture that is none is refused."""

    def number(path: Path) -> int:
        told = {}
        try:
            with Image.open(path) as picture:
                told = json.loads(picture.info.get(KEY, "{}"))
                picture.verify()  # the checksums of its chunks
        except (OSError, SyntaxError, ValueError):
            told = {}
        i = told.pop("sample", None)
        if told != about or path.name != f"{i:06d}.png":
            raise UserError(
                f"{path} is none of the samples that the folder is of: remove it, or "
                "give another --out"
            )
        return i

    found = (p for p in sorted(folder.iterdir()) if p.suffix.lower() in ENDINGS)
    return set(threads.map(number, found))


def write_npz(run: Run, num: int, seed: int, path: Path) -> Path:
    """`images` uint8 [num, h, w, c] in a .npz; unfinished, it is PATH.parts/."""
    _few(num, MOST, "in a file")
    about = provenance(run, seed) | {"num": num}
    if _there(path, about):
        return path
    parts = path.with_name(path.name + ".parts")
    with _claimed(parts, about):
        if not _there(path, about):  # finished since by who had the parts
            _fill(run, num, seed, parts)
            shape = (num, *run.image_shape)
            with files.beside(path) as temporary:
                _join(_parts(parts, num), shape, about, temporary)
        for file in parts.iterdir():
            file.unlink()
        parts.rmdir()
    return path


def _parts(folder: Path, num: int) -> list[Path]:
    return [folder / f"{i:08d}.npy" for i in range(0, num, PART)]


def _fill(run: Run, num: int, seed: int, folder: Path) -> None:
    """Draw the parts from the first on that is not there or not whole."""
    whole = lambda i: (min(PART, num - i), *run.image_shape)
    parts = dict(zip(range(0, num, PART), _parts(folder, num), strict=True))
    first = next((i for i, part in parts.items() if _shape(part) != whole(i)), num)
    waiting: list[np.ndarray] = []
    begin = first

    def take(start: int, batch: np.ndarray) -> None:
        nonlocal begin
        waiting.append(batch)
        end = start + len(batch)
        while end - begin >= PART or (end == num and begin < end):
            drawn = np.concatenate(waiting)
            with files.beside(parts[begin]) as temporary, temporary.open("wb") as file:
                np.save(file, drawn[:PART])
            waiting[:] = [drawn[PART:]]
            begin += len(drawn[:PART])

    if first < num:
        _draw(run, num, seed, first, take)


def _shape(part: Path) -> tuple[int, ...]:
    try:
        found = np.load(part, mmap_mode="r")  # refuses a file that is too short
        return found.shape if found.dtype == np.uint8 else ()
    except (OSError, ValueError, EOFError):
        return ()


def _join(
    parts: list[Path], shape: tuple[int, ...], about: dict[str, Any], path: Path
) -> None:
    """The parts as one array of a .npz, without holding it in memory."""
    head = {"descr": "|u1", "fortran_order": False, "shape": shape}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        with archive.open("images.npy", "w", force_zip64=True) as file:
            np.lib.format.write_array_header_1_0(file, head)
            for part in parts:
                file.write(np.load(part).tobytes())
        archive.writestr(ABOUT, json.dumps(about))


def _there(path: Path, about: dict[str, Any]) -> bool:
    """Whether a file is there and whole; a `UserError` where it is something else."""
    if not path.exists():
        return False
    try:
        with zipfile.ZipFile(path) as archive:
            old = files.parse(archive.read(ABOUT), str(path))
            whole = "images.npy" in archive.namelist() and _is_whole(archive)
    except (OSError, KeyError, UserError, zipfile.BadZipFile):
        old, whole = None, True
    if not whole:
        raise UserError(f"{path} is damaged: give another --out, or remove it")
    if old != about:
        raise UserError(f"{path} holds {_words(old)}: give another --out, or remove it")
    return True


def _is_whole(archive: zipfile.ZipFile) -> bool:
    try:
        return archive.testzip() is None
    except (OSError, EOFError, zipfile.BadZipFile, zlib.error):
        return False
