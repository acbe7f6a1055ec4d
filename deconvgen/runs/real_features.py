"""The features of an evaluation's real images: computed once, and kept on the disk.

Every evaluation of every run of a sweep compares with the same images. The file's name
is a digest of the images, of the extractor and of the code and the library that
compute: another of these is another file. Of several workers that need it one computes
it, and the others wait.
"""

import hashlib
import inspect
import io
import os
import time
from functools import lru_cache
from pathlib import Path
from typing import Any, cast
from zipfile import BadZipFile

import jax
import numpy as np

from deconvgen import tasks
from deconvgen.config import Config
from deconvgen.core import files
from deconvgen.core.runtime import UNUSED_DAYS
from deconvgen.data import Dataset
from deconvgen.metrics import features
from deconvgen.metrics.features import Extractor
from deconvgen.models import classifier
from deconvgen.ops import class_maps
from deconvgen.ops.class_maps import certainty, most_likely

Known = dict[str, np.ndarray]


def folder() -> Path:
    """Where they are kept: in the user's cache folder, or in `DECONVGEN_CACHE`."""
    own = os.environ.get("DECONVGEN_CACHE")
    return Path(own or features.cache_folder().parent) / "real_features"


def known(config: Config, dataset: Dataset, limit: int) -> Known | None:
    """`real_features` of the first `limit` images, and of a classifier `real_classes`
    and `real_certainty`.

    None where the extractor does not say what it computes with, or where there are
    other hosts, which have images of their own.
    """
    extractor = tasks.extractor_of(config)
    if not extractor.digest or jax.process_count() > 1:
        return None
    batches = list(dataset.eval_batches(100, limit=limit))
    digest = hashlib.sha256("\n".join([*_code(), extractor.digest]).encode())
    for batch in batches:
        digest.update(np.ascontiguousarray(batch["image"]).tobytes())
    count = sum(int((batch["mask"] > 0).sum()) for batch in batches)
    path = folder() / f"{extractor.name}-{limit}-{digest.hexdigest()[:32]}.npz"
    if found := _read(path, count):
        return found
    with files.alone(path.with_suffix(".lock")):
        if found := _read(path, count):
            return found
        found = _computed(extractor, batches)
        packed = io.BytesIO()
        np.savez(packed, **cast(Any, found))
        try:
            files.write(path, packed.getvalue())
            _delete_unused(path.parent)
        except OSError:
            pass  # no room, or no place to write to
        return found


def _read(path: Path, count: int) -> Known:
    """What a file has of so many images; nothing where it is not there, or damaged."""
    try:
        with path.open("rb") as file:
            found = dict(np.load(file))
        os.utime(path)
    except (OSError, ValueError, EOFError, BadZipFile):
        return {}
    whole = all(value.shape[:1] == (count,) for value in found.values())
    return found if whole else {}


@lru_cache
def _code() -> tuple[str, ...]:
    """What else the numbers depend on, beside images and weights."""
    code = (inspect.getsource(module) for module in (features, classifier, class_maps))
    return (*code, jax.__version__, jax.default_backend())


def _computed(extractor: Extractor, batches: list) -> Known:
    @jax.jit
    def compute(images):
        made = {"real_features": extractor.features(images)}
        if extractor.logits is not None:
            logits = extractor.logits(images)
            made["real_classes"] = most_likely(logits)
            made["real_certainty"] = certainty(logits)
        return made

    rows = [
        {k: np.asarray(v)[batch["mask"] > 0] for k, v in made.items()}
        for batch in batches
        for made in [compute(batch["image"])]
    ]
    return {name: np.concatenate([row[name] for row in rows]) for name in rows[0]}


def _delete_unused(place: Path) -> None:
    oldest = time.time() - UNUSED_DAYS * 24 * 3600
    for path in place.iterdir():
        if path.stat().st_mtime < oldest:
            path.unlink(missing_ok=True)
