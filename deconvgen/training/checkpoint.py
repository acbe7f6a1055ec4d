"""Checkpoints: Orbax for the arrays, a checksum manifest around them.

    checkpoints/00000500/
        state/          the arrays, as Orbax writes them
        metrics.jsonl   the history up to this step
        meta.json       step, config, figures of the evaluation at this step
        manifest.json   sha256 of every file above

A checkpoint is written into a hidden folder beside and renamed when it is complete,
so that a folder with a number is whole; the manifest tells when it no longer is.
"""

import hashlib
import json
import os
import re
import shutil
import warnings
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
import orbax.checkpoint as ocp

from deconvgen.core.errors import KNOBS, Diverged, UserError
from deconvgen.core.types import Tree

FOLDER = "checkpoints"


class Checkpoint(NamedTuple):
    """A good checkpoint on disk."""

    step: int
    path: Path
    meta: dict[str, Any]


def steps(workdir: Path) -> list[int]:
    """The steps that have a folder, ascending; whether it is good, `check` tells."""
    found = (workdir / FOLDER).glob("[0-9]*")
    return sorted(int(path.name) for path in found if re.fullmatch(r"\d+", path.name))


def folder(workdir: Path, step: int) -> Path:
    """Where the checkpoint of a step lies."""
    return workdir.absolute() / FOLDER / f"{step:08d}"


def _checkpointer() -> ocp.Checkpointer:
    # Every host reads by itself and host 0 alone writes: the state is replicated.
    me = jax.process_index()
    options = ocp.options.MultiprocessingOptions(
        primary_host=me, active_processes={me}, barrier_sync_key_prefix=f"host{me}"
    )
    handler = ocp.PyTreeCheckpointHandler(multiprocessing_options=options)
    return ocp.Checkpointer(handler, multiprocessing_options=options)


def _digests(path: Path) -> dict[str, str]:
    files = sorted(p for p in path.rglob("*") if p.is_file())
    return {
        str(p.relative_to(path)): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in files
        if p.name != "manifest.json"
    }


def write(
    workdir: Path, step: int, state: Tree, meta: dict[str, Any], history: bytes = b""
) -> Checkpoint:
    """Write one checkpoint, whole or not at all; `state` holds host arrays."""
    arrays = leaves(state)
    for name, leaf in arrays.items():
        if np.issubdtype(leaf.dtype, np.floating) and not np.isfinite(leaf).all():
            raise Diverged(
                f"{name} is not finite at step {step}, which is not saved "
                f"({workdir}). {KNOBS}"
            )
    path = folder(workdir, step)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    shutil.rmtree(temporary, ignore_errors=True)
    meta = meta | {"step": step}
    try:
        temporary.mkdir(parents=True)
        _room(temporary, sum(leaf.nbytes for leaf in arrays.values()))
        _checkpointer().save(temporary / "state", arrays)
        (temporary / "metrics.jsonl").write_bytes(history)
        (temporary / "meta.json").write_text(json.dumps(meta))
        (temporary / "manifest.json").write_text(json.dumps(_digests(temporary)))
        shutil.rmtree(path, ignore_errors=True)
        temporary.rename(path)
    except Exception as error:
        shutil.rmtree(temporary, ignore_errors=True)
        kept = steps(workdir)
        before = f"; step {kept[-1]} is there to go on from" if kept else ""
        raise UserError(
            f"checkpoint {path} could not be written: {_first_line(error)}{before}"
        ) from error
    return Checkpoint(step, path, meta)


def _room(folder: Path, size: int) -> None:
    """Ask for the room first: Orbax's threads tell of a full disk by tracebacks."""
    size += 2**20  # its metadata, the history
    free = shutil.disk_usage(folder).free
    if free < size:
        raise OSError(
            f"no space left, it takes {size / 1e6:.1f} MB and {free / 1e6:.1f} MB "
            "are free"
        )


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:300]


def leaves(tree: Tree) -> dict[str, Any]:
    """A flat dict by path: readable by anyone, whatever the optimizer's classes."""
    flat, _ = jax.tree_util.tree_flatten_with_path(tree)
    return {jax.tree_util.keystr(path): np.asarray(leaf) for path, leaf in flat}


def check(path: Path) -> str:
    """What is wrong with a checkpoint, in a few words; "" where nothing is."""
    try:
        expected = json.loads((path / "manifest.json").read_text())
    except FileNotFoundError:
        return "it has no manifest.json"
    except ValueError:
        return "its manifest.json is not readable"
    except OSError as error:
        return f"its manifest.json cannot be read ({error.strerror})"
    if not isinstance(expected, dict) or "meta.json" not in expected:
        return "its manifest.json is incomplete"
    found = _digests(path)
    for name, digest in expected.items():
        if name not in found:
            return f"its file {name} is missing"
        if found[name] != digest:
            return f"its file {name} has changed"
    return ""


def read_meta(path: Path) -> dict[str, Any]:
    """The meta.json of a checkpoint folder; empty where it is not readable."""
    try:
        return json.loads((path / "meta.json").read_text())
    except (OSError, ValueError):
        return {}


def best(workdir: Path, metric: str, mode: str) -> int | None:
    """The step with the best evaluation among the checkpoints that are kept."""
    sign = {"min": 1, "max": -1}[mode]
    figures = {s: read_meta(folder(workdir, s)).get("eval", {}) for s in steps(workdir)}
    scored = {s: sign * f[metric] for s, f in figures.items() if metric in f}
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
    handler = _checkpointer()
    as_numpy = lambda names: {
        n: ocp.RestoreArgs(restore_type=np.ndarray) for n in names
    }
    try:
        metadata = handler.metadata(path / "state").item_metadata
        names = list(metadata.tree if hasattr(metadata, "tree") else metadata)
        args = ocp.args.PyTreeRestore(restore_args=dict.fromkeys(names, as_numpy))
        return handler.restore(path / "state", args=args)
    except Exception as error:
        raise UserError(
            f"checkpoint {path} cannot be read: {_first_line(error)}"
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

    def __init__(self, workdir: Path, metric: str, mode: str):
        self.workdir, self.metric, self.mode = workdir, metric, mode
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
            pending.result()
