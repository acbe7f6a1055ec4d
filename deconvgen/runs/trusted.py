"""What a Frechet distance is to be held against: its spread and its floor."""

import json
import math
from typing import Any

import jax
import numpy as np

from deconvgen import tasks
from deconvgen.config import Config
from deconvgen.core.types import Tree
from deconvgen.data import Dataset
from deconvgen.metrics import sums as metrics
from deconvgen.metrics import trust
from deconvgen.metrics.neighbours import memorization_ratio
from deconvgen.metrics.sets import LEAST
from deconvgen.metrics.sums import Collection
from deconvgen.runs.real_features import known
from deconvgen.training import evaluate
from deconvgen.training.parallel import Spread

TRAINING = 20_000
"""Training images that others are compared with, at most: the first ones."""

_last: dict[str, np.ndarray] = {}


def rows(sums: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """The features of the real and of the generated images, a row each."""
    return sums["fidelity"].real.rows(), sums["fidelity"].fake.rows()


def distance(extractor: str) -> str:
    """What the Frechet distance of an extractor's features is called."""
    return "fid" if extractor == "inception" else f"frechet_{extractor}"


def training_rows(
    config: Config, spread: Spread, placed: Tree, train_set: Dataset
) -> np.ndarray:
    """The features of the training images; those of the last data set are kept."""
    extractor = tasks.extractor_of(config)
    told = {k: v for k, v in config.data.to_dict().items() if k != "identity"}
    told = [told, train_set.identity, config.eval.to_dict(), TRAINING]
    key = json.dumps(told, sort_keys=True)

    def features(state, batch, keys):
        found = Collection.of(extractor.features(batch["image"]), batch["mask"])
        return metrics.across({"training": found}, spread.axis)

    if key not in _last and (kept := known(config, train_set, TRAINING)):
        _last.clear()
        _last[key] = kept["real_features"]
    if key not in _last:
        step = spread.run(features, jax.random.key(0))
        size = config.eval.batch_size
        found = evaluate.total(step, spread, placed, train_set, size, TRAINING)
        _last.clear()
        _last[key] = found["training"].rows()
    return _last[key]


def deviation(sums: dict[str, Any]) -> dict[str, float]:
    """frechet_EXTRACTOR_sd: what other generated images would change the distance by.

    One standard deviation, from halves of the generated images (`metrics.trust`).
    """
    if "fidelity" not in sums:
        return {}
    real, fake = rows(sums)
    few = len(real) < LEAST
    sd = math.nan if few else trust.frechet_deviation(real, fake)
    return {f"{distance(sums['fidelity'].extractor)}_sd": sd}


def copied(sums: dict[str, Any], training: np.ndarray) -> dict[str, float]:
    """memorization_ratio_EXTRACTOR: how near generated images come to the training
    images, over how near real ones do (`metrics.neighbours.memorization_ratio`)."""
    real, fake = rows(sums)
    name = f"memorization_ratio_{sums['fidelity'].extractor}"
    return {name: memorization_ratio(fake, training, real)}


def floor(sums: dict[str, Any], training: np.ndarray) -> dict[str, float]:
    """frechet_EXTRACTOR_floor: the distance of the real images to as many of the
    training images, which is what a perfect generator would have."""
    real, _ = rows(sums)
    least = math.nan if len(real) < LEAST else trust.frechet_floor(real, training)
    name = sums["fidelity"].extractor
    return {
        f"{distance(name)}_floor": least,
        f"images_training_{name}": float(len(training)),
    }
