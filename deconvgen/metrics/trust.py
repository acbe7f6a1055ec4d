"""How far a figure can be trusted: its floor, its spread, and why there is none."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from deconvgen.metrics.distances import frechet_distance
from deconvgen.metrics.measures import find
from deconvgen.metrics.rows import Rows
from deconvgen.metrics.sets import LEAST, LEAST_CERTAIN, LEAST_SPECTRA


def frechet_floor(real: Rows, training: Rows, seed: int = 0) -> float:
    """What a perfect generator would score: real against as many training images.

    These are drawn without replacement, and as many as the real ones, since the bias of
    the Frechet distance depends on the number. NaN where there are not enough.
    """
    if not 2 <= len(real) <= len(training):
        return math.nan
    picks = np.random.default_rng(seed).permutation(len(training))[: len(real)]
    return frechet_distance(np.asarray(training)[picks], real)


def frechet_deviation(real: Rows, fake: Rows, halves: int = 16, seed: int = 0) -> float:
    """The standard deviation of `frechet_distance` over other generated images.

    That of the distances of random halves of the generated rows to all real ones,
    which is to first order that of whole sets (the delete-half jackknife: Shao and Wu
    1989): nothing has to be generated again. NaN of fewer than 4 generated rows.
    """
    half = len(fake) // 2
    if half < 2:
        return math.nan
    rng, fake = np.random.default_rng(seed), np.asarray(fake)
    picks = [rng.permutation(len(fake))[:half] for _ in range(halves)]
    return float(np.std([frechet_distance(real, fake[p]) for p in picks], ddof=1))


def reasons(record: Mapping[str, Any]) -> list[str]:
    """Why figures of a record are NaN, a line for each reason that its numbers tell.

    "frechet_random, kid_random_mean: nan, needs 6 images of either kind, has 1"
    """
    start = "images_real_"
    counts = {
        k.removeprefix(start): v for k, v in record.items() if k.startswith(start)
    }
    found: dict[str, list[str]] = {}
    for name, value in record.items():
        if str(value) != "nan":  # logs spell it, since JSON has none
            continue
        own = next((e for e in counts if f"_{e}" in name), "inception")
        images = counts.get(own, record.get("num_examples", math.inf))
        training = record.get(f"images_training_{own}", math.inf)
        why, row = "", find(name)
        needs = row.needs if row else ""
        if needs == "neighbours" and images < LEAST:
            why = f"needs {LEAST} images of either kind, has {images:.0f}"
        elif needs == "spectra" and images < LEAST_SPECTRA:
            why = f"needs {LEAST_SPECTRA} images of either kind, has {images:.0f}"
        elif name.endswith("_floor") and training < images:
            why = f"needs {images:.0f} training images, has {training:.0f}"
        elif name.startswith("unrecognized"):
            least = min(images, record.get(f"images_fake_{own}", images))
            why = f"needs {LEAST_CERTAIN} images of either kind, has {least:.0f}"
            if least >= LEAST_CERTAIN:
                why = "needs a classifier that is sure of a number for every image"
        elif name.startswith("memorization"):
            why = "needs finite images, and test images that are no training images"
        if why:
            found.setdefault(why, []).append(name)
    return [f"{', '.join(names)}: nan, {why}" for why, names in found.items()]
