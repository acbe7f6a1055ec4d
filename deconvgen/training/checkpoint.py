"""Checkpoints: Orbax for the arrays, a checksum manifest around them.

    checkpoints/00000500/
        state/          the arrays, as Orbax writes them
        metrics.jsonl   the history up to this step
        meta.json       step, config, figures of the evaluation at this step
        manifest.json   sha256 of every file above

A checkpoint is written into a hidden folder beside and renamed when it is complete,
so that a folder with a number is whole; the manifest tells when it no longer is.
`prove` writes and reads one before a run begins: a place that cannot hold checkpoints
is found out before the hours, not after them.
"""

import hashlib
import os
import re
import shutil
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

from deconvgen.core import files
from deconvgen.core.errors import KNOBS, Diverged, UserError, first_line
from deconvgen.core.types import Tree
from deconvgen.training import arrays as stored
from deconvgen.training.arrays import MERGED, leaves
from deconvgen.training.log import METRICS

FOLDER = "checkpoints"
MANIFEST, META = "manifest.json", "meta.json"


class Checkpoint(NamedTuple):
    """A good checkpoint on disk."""

    step: int
    path: Path
    meta: dict[str, Any]


def steps(workdir: Path) -> list[int]:
    """The steps that have a folder, ascending; whether it is good, `check` tells."""
    found = [path.name for path in (workdir / FOLDER).glob("[0-9]*")]
    return sorted(int(n) for n in found if n.isdecimal() and n == f"{int(n):08d}")


def folder(workdir: Path, step: int) -> Path:
    """Where the checkpoint of a step lies."""
    return workdir.absolute() / FOLDER / f"{step:08d}"


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _digests(path: Path) -> dict[str, str]:
    found = [p for p in path.rglob("*") if p.is_file() and p != path / MANIFEST]
    return {p.relative_to(path).as_posix(): _digest(p) for p in sorted(found)}


def write(
    workdir: Path, step: int, state: Tree, meta: dict[str, Any], history: bytes = b""
) -> Checkpoint:
    """Write one checkpoint, whole or not at all; `state` holds host arrays."""
    arrays, meta = leaves(state), meta | {"step": step}
    for name, leaf in arrays.items():
        if np.issubdtype(leaf.dtype, np.floating) and not np.isfinite(leaf).all():
            raise Diverged(
                f"{name} is not finite at step {step}, which is not saved "
                f"({workdir}). {KNOBS}"
            )
    path = folder(workdir, step)
    try:
        with _filled(path, arrays, meta, history) as temporary:
            shutil.rmtree(path, ignore_errors=True)
            temporary.rename(path)
    except Exception as error:
        kept = steps(workdir)
        before = f"; step {kept[-1]} is there to go on from" if kept else ""
        raise UserError(
            f"checkpoint {path} could not be written: {first_line(error)}{before}"
        ) from error
    return Checkpoint(step, path, meta)


@contextmanager
def _filled(
    path: Path, arrays: dict[str, Any], meta: dict[str, Any], history: bytes
) -> Iterator[Path]:
    """A hidden folder beside `path` with a whole checkpoint, gone afterwards."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    shutil.rmtree(temporary, ignore_errors=True)
    try:
        temporary.mkdir(parents=True)
        _room(temporary, sum(leaf.nbytes for leaf in arrays.values()))
        stored.save(temporary / "state", arrays)
        files.write(temporary / METRICS, history)
        files.write_json(temporary / META, meta)
        files.write_json(temporary / MANIFEST, _digests(temporary))
        yield temporary
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def prove(workdir: Path, state: Tree) -> None:
    """Write a first state as a checkpoint, read it back, and remove it.

    Raises `UserError` where names, shapes, checksums or values are not what they were:
    a path or a file system that cannot hold a run.
    """
    arrays, path = leaves(state), folder(workdir, 0)
    try:
        with _filled(path, arrays, {"step": 0, "eval": {}}, b"") as temporary:
            wrong = _damage(temporary)
            found = {} if wrong else read_arrays(temporary)
    except Exception as error:
        raise UserError(
            f"{workdir} can hold no checkpoints: {first_line(error)}"
        ) from error
    for name, array in arrays.items():
        if name not in found:
            wrong = wrong or f"{name} is not there"
        elif (found[name].shape, found[name].dtype) != (array.shape, array.dtype):
            wrong = wrong or f"{name} has another shape or type"
        elif found[name].tobytes() != array.tobytes():
            wrong = wrong or f"{name} has other values"
    if wrong:
        raise UserError(
            f"{workdir} can hold no checkpoints: one that was written there does not "
            f"come back ({wrong})"
        )


def _room(folder: Path, size: int) -> None:
    """Ask for the room first: Orbax's threads tell of a full disk by tracebacks."""
    size += 2**20  # its metadata, the history
    free = shutil.disk_usage(folder).free
    if free < size:
        raise OSError(
            f"no space left, it takes {size / 1e6:.1f} MB and {free / 1e6:.1f} MB "
            "are free"
        )


def check(path: Path) -> str:
    """What is wrong with a checkpoint, in a few words; "" where nothing is."""
    if wrong := _damage(path):
        return wrong
    step = read_meta(path).get("step")
    if step != int(path.name):
        return f"it is of step {step}"
    return ""


def _damage(path: Path) -> str:
    try:
        expected = files.read_json(path / MANIFEST, {META: str})
    except FileNotFoundError:
        return f"it has no {MANIFEST}"
    except files.Damaged:
        return f"its {MANIFEST} is not readable"
    except OSError as error:
        return f"its {MANIFEST} cannot be read ({error.strerror})"
    if (merged := f"state/{MERGED}") not in expected:
        return f"it has no {merged}, without which its arrays cannot be read"
    for name, digest in expected.items():
        try:
            if _digest(path / name) != digest:
                return f"its file {name} has changed"
        except FileNotFoundError:
            return f"its file {name} is missing"
        except OSError as error:
            return f"its file {name} cannot be read ({error.strerror})"
    return ""


def read_meta(path: Path) -> dict[str, Any]:
    """The meta.json of a checkpoint folder; empty where it is not readable."""
    try:
        return files.read_json(path / META, {"step": int, "eval": dict})
    except (OSError, UserError):
        return {}


def best(workdir: Path, metric: str, mode: str) -> int | None:
    """The step with the best evaluation among the checkpoints that are kept."""
    sign = {"min": 1, "max": -1}[mode]
    figures = {s: read_meta(folder(workdir, s)).get("eval", {}) for s in steps(workdir)}
    known = {s: f.get(metric) for s, f in figures.items()}
    scored = {s: sign * v for s, v in known.items() if files.is_a(v, float)}
    scored = {s: v for s, v in scored.items() if np.isfinite(v)}
    return min(scored, key=lambda s: (scored[s], s)) if scored else None


def find(
    workdir: Path,
    which: str = "latest",
    metric: str = "",
    mode: str = "min",
    warn: Callable[[str], None] = warnings.warn,
) -> Checkpoint | None:
    """A good checkpoint: `best`, `latest` or a step; None where there is none at all.

    A damaged one is named by `warn`, and the newest good one is taken instead.
    """
    there = steps(workdir)
    if which == "latest":
        wanted = there[-1:]
    elif which == "best":
        step = best(workdir, metric, mode)
        wanted = there[-1:] if step is None else [step]
    elif re.fullmatch(r"\d+", which):
        if int(which) not in there:
            listed = ", ".join(map(str, there)) or "none"
            raise UserError(
                f"{workdir} has no checkpoint of step {which} (it has {listed})"
            )
        wanted = [int(which)]
    else:
        raise UserError(f"--checkpoint is best, latest or a step, not {which!r}")
    others = [step for step in reversed(there) if step not in wanted]
    for step in [*wanted, *others]:
        path = folder(workdir, step)
        wrong = check(path)
        if not wrong:
            return Checkpoint(step, path, read_meta(path))
        warn(f"checkpoint {path} is damaged ({wrong}); falling back to another one")
    if there:
        raise UserError(f"every checkpoint in {workdir / FOLDER} is damaged")
    return None


def restore(checkpoint: Checkpoint, target: Tree) -> Tree:
    """The state of a checkpoint, in the shape of `target` (shapes and dtypes do)."""
    flat, structure = jax.tree_util.tree_flatten_with_path(target)
    names = [jax.tree_util.keystr(path) for path, _ in flat]
    arrays = read_arrays(checkpoint.path)
    if missing := [name for name in names if name not in arrays]:
        raise UserError(f"checkpoint {checkpoint.path} lacks {missing[0]}")
    for name, (_, leaf) in zip(names, flat, strict=True):
        if arrays[name].shape != leaf.shape:
            raise UserError(
                f"checkpoint {checkpoint.path}: {name} has shape "
                f"{arrays[name].shape}, the config wants {leaf.shape}"
            )
    return jax.tree.unflatten(structure, [arrays[name] for name in names])


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """The arrays of a checkpoint folder by their paths."""
    try:
        return stored.load(path / "state")
    except Exception as error:
        raise UserError(
            f"checkpoint {path} cannot be read: {first_line(error)}"
        ) from error


def prune(workdir: Path, keep: set[int], latest: int = 2) -> None:
    """Delete all but the latest checkpoints and those to keep."""
    there = steps(workdir)
    for step in set(there[:-latest]) - keep:
        shutil.rmtree(folder(workdir, step), ignore_errors=True)
    for old in (workdir / FOLDER).glob(".[0-9]*"):
        if int(old.name.split(".")[1]) <= max(there, default=0):
            shutil.rmtree(old, ignore_errors=True)  # left by a process that was killed


class Saver:
    """Writes checkpoints behind the back of the training loop, one at a time."""

    def __init__(self, workdir: Path, metric: str, mode: str, timed: Any = nullcontext):
        self.workdir, self.metric, self.mode, self._timed = workdir, metric, mode, timed
        self._thread = ThreadPoolExecutor(1, "checkpoint")
        self._pending: Future | None = None

    def save(self, step: int, state: Tree, meta: dict, history: bytes) -> None:
        """Queue one; an error of the one before it is raised here."""
        self.wait()
        self._pending = self._thread.submit(self._save, step, state, meta, history)

    def _save(self, step: int, state: Tree, meta: dict, history: bytes) -> None:
        write(self.workdir, step, state, meta, history)
        kept = best(self.workdir, self.metric, self.mode)
        prune(self.workdir, keep=set() if kept is None else {kept})

    def wait(self) -> None:
        """Until the queued one is on disk."""
        pending, self._pending = self._pending, None
        if pending is not None:
            with self._timed():  # somebody waits
                pending.result()
