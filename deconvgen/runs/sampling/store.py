"""Many samples on disk, in batches, with a bar: a folder of PNG, or one .npz.

What is there already is kept, so that a run that was cut off goes on where it was.
Image i is the same whatever the devices and however often it was interrupted.
"""

import hashlib
import json
import os
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import jax
import numpy as np

from deconvgen.core import images
from deconvgen.core.errors import UserError
from deconvgen.core.terminal import Bar
from deconvgen.runs.run import Run

ABOUT = "samples.json"
PART = 1024
"""Images in a part of an unfinished .npz."""


def provenance(run: Run, seed: int) -> dict[str, Any]:
    """What samples must share to lie in one place: the weights, wherever they are."""
    digest = hashlib.sha256()
    for leaf in jax.tree.leaves(run.variables):
        digest.update(np.ascontiguousarray(leaf).tobytes())
    weights = digest.hexdigest()[:16]
    return {"run": run.folder.name, "weights": weights, "step": run.step, "seed": seed}


def _claim(folder: Path, about: dict[str, Any]) -> None:
    """Take a folder for samples of this kind, or refuse it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"--out={folder} cannot be used: {error}") from None
    path = folder / ABOUT
    if not path.exists():
        path.write_text(json.dumps(about) + "\n")
    elif (old := json.loads(path.read_text())) != about:
        raise UserError(
            f"{folder} holds {_words(old)}: give another --out, or remove it"
        )


def _words(about: dict[str, Any] | None) -> str:
    if about is None:
        return "something else than samples"
    listed = ", ".join(f"{k} {v}" for k, v in about.items() if k != "weights")
    return f"samples of another run, step, seed or num ({listed})"


def _draw(run: Run, num: int, seed: int, first: int, take: Callable) -> None:
    """Call `take(number of the first, uint8 images)` with batch after batch."""
    with Bar(first, num, 1, unit="image") as bar:
        for batch in run.batches(num, seed, first=first):
            take(first, images.to_uint8(batch))
            first += len(batch)
            bar.update(first, {})


def write_folder(run: Run, num: int, seed: int, folder: Path) -> Path:
    """000000.png to number `num - 1`; files that are there stay as they are."""
    _claim(folder, provenance(run, seed))
    there = {path.name for path in folder.glob("*.png")}
    place = lambda i: folder / f"{i:06d}.png"
    first = next((i for i in range(num) if place(i).name not in there), num)

    def write(i: int, pixels: np.ndarray) -> None:
        path = place(i)
        if path.name in there:
            return
        temporary = folder / f".{i:06d}.tmp"
        images.picture(pixels).save(temporary, format="PNG", compress_level=1)
        temporary.rename(path)  # so that a file with a number is whole

    with ThreadPoolExecutor(os.cpu_count()) as threads:

        def take(start: int, batch: np.ndarray) -> None:
            list(threads.map(write, range(start, start + len(batch)), batch))

        _draw(run, num, seed, first, take)
    return folder


def write_npz(run: Run, num: int, seed: int, path: Path) -> Path:
    """`images` uint8 [num, h, w, c] in a .npz; unfinished, it is PATH.parts/."""
    about = provenance(run, seed) | {"num": num}
    if path.exists():
        if (old := _about(path)) == about:
            return path
        raise UserError(f"{path} holds {_words(old)}: give another --out, or remove it")
    parts = path.with_name(path.name + ".parts")
    _claim(parts, about)
    part = lambda i: parts / f"{i:08d}.npy"
    first = next(i for i in range(0, num + PART, PART) if not part(i).exists())
    waiting: list[np.ndarray] = []
    begin = first

    def take(start: int, batch: np.ndarray) -> None:
        nonlocal begin
        waiting.append(batch)
        end = start + len(batch)
        while end - begin >= PART or (end == num and begin < end):
            whole = np.concatenate(waiting)
            temporary = parts / "unfinished.tmp"
            with temporary.open("wb") as file:
                np.save(file, whole[:PART])
            temporary.rename(part(begin))
            waiting[:] = [whole[PART:]]
            begin += len(whole[:PART])

    if first < num:
        _draw(run, num, seed, first, take)
    temporary = path.with_name(f".{path.name}.tmp")
    _join(sorted(parts.glob("*.npy")), (num, *run.image_shape), about, temporary)
    temporary.rename(path)
    for file in parts.iterdir():
        file.unlink()
    parts.rmdir()
    return path


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


def _about(path: Path) -> dict[str, Any] | None:
    try:
        with zipfile.ZipFile(path) as archive:
            return json.loads(archive.read(ABOUT))
    except (OSError, KeyError, ValueError, zipfile.BadZipFile):
        return None
