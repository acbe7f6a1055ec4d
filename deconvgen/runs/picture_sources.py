"""Sets of pictures by what a person calls them: files, runs, data sets."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from deconvgen import data
from deconvgen.core.errors import UserError
from deconvgen.data.picture_files import picture_set
from deconvgen.data.picture_sets import PictureSet
from deconvgen.data.sources import SPLITS
from deconvgen.runs import pinned, pretrained
from deconvgen.runs.handle import Handle
from deconvgen.runs.run import load

DRAWN = 10_000
"""Pictures of a run that draws as many as one likes, where nothing says how many."""


def opened(name: str, num: int = 0, seed: int = 0, crop: bool = False) -> PictureSet:
    """The pictures that a name stands for.

    A folder of pictures, a .npy or .npz file; a run folder or "pretrained:NAME", of
    which `num` pictures are drawn (0: 10,000), or its test images reconstructed; the
    name of a data set, as "cifar10" or "cifar10:train" (its test split if none is
    named). Raises `UserError` where it is none of these.
    """
    path = Path(name).expanduser()
    if name.startswith(pretrained.PREFIX) or (path / pinned.CONFIG).is_file():
        return of_run(load(name), name, num or DRAWN, seed)
    if path.exists():
        return picture_set(path, name, crop)
    if path.suffix in (".npy", ".npz") or name.startswith(("/", ".", "~")):
        raise UserError(f"there is no {name}")
    return of_data(name)


def of_data(name: str) -> PictureSet:
    """A split of a data set, with its labels."""
    start, _, end = name.rpartition(":")
    base, split = (start, end) if end in SPLITS else (name, "test")
    found = data.load(base, split)

    def batches(size: int) -> Iterator[dict[str, np.ndarray]]:
        for batch in found.eval_batches(min(size, found.num_examples)):
            kept = batch["mask"] > 0
            yield {key: values[kept] for key, values in batch.items()}

    first = next(batches(1))
    labels = None
    if "label" in first:
        labels = np.concatenate([batch["label"] for batch in batches(500)])
    read = lambda size: (batch["image"] for batch in batches(size))
    notes = (f"the split {split!r}", *found.notes)
    shape, num = first["image"].shape[1:], found.num_examples
    classes = dict(enumerate(found.class_names)) if labels is not None else {}
    return PictureSet(name, shape, num, read, labels, classes, notes)


def of_run(run: Handle, name: str, num: int, seed: int) -> PictureSet:
    """What a run draws, or makes of its test images."""
    classes = run.config.data.num_classes and not run.config.data.get("clusters", 0)
    if run.task.decode is not None:
        conditional = run.config.model.get("conditional", False) and classes
        labels = run.turns(num) if conditional else None
        read = lambda size: run.batches(num, seed, size)
        notes = (f"drawn by the run at step {run.step}, seed {seed}",)
        named = dict(enumerate(run.config.data.class_names)) if conditional else {}
        return PictureSet(name, run.image_shape, num, read, labels, named, notes)
    if run.task.reconstruct is None:
        raise UserError(f"the run {name} ({run.config.task}) makes no pictures")
    num = min(num, run.test_set.num_examples)

    def rebuilt(size: int) -> Iterator[np.ndarray]:
        for batch in run.test_set.eval_batches(min(size, num), limit=num):
            made = run.reconstruct(batch["image"])
            yield made[batch["mask"] > 0]

    notes = (f"what the run makes of its test images at step {run.step}",)
    return PictureSet(name, run.image_shape, num, rebuilt, notes=notes)
