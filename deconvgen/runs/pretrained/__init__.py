"""Shipped checkpoints, `pretrained:NAME`: the averaged parameters of a run and no more.

NAME/
    config.json   of the run
    weights.npz   by their paths in the state; parameters in half precision
    about.json    its card: the command that made it, where and when, its figures, the
                  weights' checksum
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np

from deconvgen import config as configs
from deconvgen.config import Config
from deconvgen.core import files
from deconvgen.core.errors import UserError, unknown
from deconvgen.core.numbers import number
from deconvgen.core.types import State
from deconvgen.metrics import measures
from deconvgen.training.checkpoint import Checkpoint

PREFIX = "pretrained:"
HERE = Path(__file__).parent
ABOUT = {"command": str, "step": int, "figures": dict, "sha256": str}
"""What is in an about.json, at the least."""
BESIDE = {"_floor": "real images", "_bicubic": "bicubic"}
"""What a figure is held against: the endings of their names."""
LARGEST = 5_000_000
"""Bytes of a checkpoint that a wheel can carry."""


def names() -> list[str]:
    """The checkpoints that are shipped."""
    return sorted(path.parent.name for path in HERE.glob("*/about.json"))


def find(name: str, which: str = "best") -> tuple[Config, Checkpoint]:
    """Config and checkpoint by name; its figures are `meta["eval"]`."""
    if name not in names():
        raise unknown("pretrained checkpoint", name, names())
    if which not in ("best", "latest"):
        raise UserError(f"{PREFIX}{name} is one checkpoint; it has no {which!r}")
    folder = HERE / name
    about = files.read_json(folder / "about.json", ABOUT)
    if digest(folder) != about["sha256"]:
        raise UserError(f"{folder} is damaged: another checksum than in about.json")
    meta = about | {"eval": about["figures"]}
    return configs.read(folder / "config.json"), Checkpoint(about["step"], folder, meta)


def digest(folder: Path) -> str:
    """SHA-256 of the weights' file."""
    return hashlib.sha256((folder / "weights.npz").read_bytes()).hexdigest()


def restore(found: Checkpoint, target: State) -> State:
    """A state that holds the averages alone; its networks in training are left out."""
    with np.load(found.path / "weights.npz") as file:
        arrays = dict(file)

    def read(path: tuple, leaf: Any) -> np.ndarray:
        array = arrays[jax.tree_util.keystr(path)]
        if array.shape != leaf.shape:
            raise UserError(f"{found.path}: another shape than the config's at {path}")
        return array.astype(leaf.dtype)

    ema = jax.tree_util.tree_map_with_path(read, target.ema)
    step: Any = np.asarray(found.step, np.int32)
    return State(step, {}, ema)


def averages(path: Path) -> dict[str, np.ndarray]:
    """The arrays of a checkpoint by their paths in a `State`."""
    with np.load(path / "weights.npz") as file:
        return {f".ema{name}": array for name, array in file.items()}


def told(config: Config, found: Checkpoint) -> str:
    """A checkpoint in a sentence: its task, its data, the figure it was chosen by.

    >>> told(*find("dcgan-fashion-classes"))
    'gan of fashion_mnist_small: Frechet distance 0.1556 (real images 0.05279), 0.7 MB'
    """
    figures, metric = found.meta["figures"], config.monitor.metric
    measure = measures.find(metric)
    title, unit = (measure.title, measure.unit) if measure else (metric, "")
    value = f"{title} {number(figures[metric])} {unit}".rstrip()
    for suffix, what in BESIDE.items():
        if (other := figures.get(metric + suffix)) is not None:
            value += f" ({what} {number(other)})"
    size = found.meta["bytes"] / 1e6
    return f"{config.task} of {config.data.name}: {value}, {size:.1f} MB"


def pack(
    config: Config,
    state: State,
    folder: Path,
    made: Mapping[str, Any],
    dtype: str = "float16",
) -> dict[str, Any]:
    """Write the averaged parameters of a state as a folder of the form above.

    `made` is what the card says of the training: its `command`, at the least. The
    figures are left empty: they are to be those of the rounded weights, which
    `note_figures` adds. Returns what about.json holds.
    """
    paths, _ = jax.tree_util.tree_flatten_with_path(state.ema)
    arrays: dict[str, Any] = {
        jax.tree_util.keystr(path): np.asarray(
            leaf, dtype if path[0].key == "params" else "float32"
        )
        for path, leaf in paths
    }
    folder.mkdir(parents=True, exist_ok=True)
    configs.save(config, folder / "config.json")
    np.savez_compressed(folder / "weights.npz", **arrays)
    size = (folder / "weights.npz").stat().st_size
    if size > LARGEST:
        raise UserError(f"{folder} holds {size} bytes; {LARGEST} is the most")
    about = {
        **made,
        "step": int(state.step),
        "dtype": dtype,
        "parameters": sum(array.size for array in arrays.values()),
        "bytes": size,
        "sha256": digest(folder),
        "figures": {},
    }
    return write(folder, about)


def note_figures(folder: Path, figures: dict[str, Any]) -> dict[str, Any]:
    """Add the figures of an evaluation to about.json."""
    about = files.read_json(folder / "about.json", ABOUT)
    return write(folder, about | {"figures": figures})


def write(folder: Path, about: dict[str, Any]) -> dict[str, Any]:
    """Write about.json."""
    files.write_json(folder / "about.json", about, indent=2)
    return about
