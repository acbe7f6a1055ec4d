"""Intervals of set distances, and what they would be of infinitely many images."""

from typing import Any, NamedTuple

import numpy as np

from deconvgen.metrics.distances import frechet_distance, frechet_of_roots
from deconvgen.metrics.rows import Rows, finite, pair

LEVEL = 0.95
SIZES = 15


class Interval(NamedTuple):
    """Between what a figure lies, in 95 of 100 draws of the images."""

    low: float
    high: float


NONE = Interval(float("nan"), float("nan"))


def frechet_interval(
    real: Rows, fake: Rows, draws: int = 40, seed: int = 0
) -> Interval:
    """The basic bootstrap interval of `frechet_distance` at this number of images.

    Both sets are drawn again with replacement. That raises the distance itself, since
    fewer images are different ones, so the draws are moved to have its value as mean.
    """
    x, y = pair(real, fake, 2, "an interval of the Frechet distance")
    if not finite(x, y):
        return NONE
    rng = np.random.default_rng(seed)
    value = frechet_distance(x, y)
    found = []
    for _ in range(draws):
        (mean, root), (mean2, root2) = _root(x, rng), _root(y, rng)
        found.append(frechet_of_roots(mean - mean2, root, root2))
    drawn = np.array(found)
    low, high = np.quantile(drawn - drawn.mean(), [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(max(0.0, value + float(low)), value + float(high))


def _root(x: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Mean, and root of the covariance, of as many rows drawn with replacement."""
    n = len(x)
    times = np.bincount(rng.integers(n, size=n), minlength=n)
    rows, weights = x[times > 0], times[times > 0]
    mean = weights @ rows / n
    centred = (rows - mean) * np.sqrt(weights / (n - 1))[:, None]
    return mean, np.asarray(np.linalg.qr(centred, mode="r"))


def frechet_infinity(
    real: Rows, fake: Rows, sizes: int = SIZES, seed: int = 0
) -> float:
    """`frechet_distance` for infinitely many images (Chong and Forsyth 2020).

    The distance of `sizes` random parts, from a tenth of the images (and twice their
    features) up to all, is a line over 1 / n to first order; this is where it cuts
    1 / n = 0. Both sets are taken in parts, so that the bias of neither is left (the
    authors keep the real images whole). NaN where there are too few images for it.
    """
    x, y = pair(real, fake, 2, "FID-infinity")
    least, d = min(len(x), len(y)), x.shape[1]
    first = max(least // 10, 2 * d, 8)
    if not finite(x, y) or first > 0.7 * least:
        return float("nan")
    rng = np.random.default_rng(seed)
    x, y = x[rng.permutation(len(x))[:least]], y[rng.permutation(len(y))[:least]]
    numbers = np.unique(np.linspace(first, least, sizes).astype(int))
    found = [
        frechet_distance(x[rng.permutation(least)[:n]], y[rng.permutation(least)[:n]])
        for n in numbers
    ]
    return float(np.polyfit(1 / numbers, found, 1)[1])


def share_interval(values: Any, draws: int = 400, seed: int = 0) -> Interval:
    """The percentile interval of a mean of one number per image, as of a precision."""
    values = np.asarray(values, np.float64)
    if not len(values) or not np.isfinite(values).all():
        return NONE
    rng, n = np.random.default_rng(seed), len(values)
    means = [values[rng.integers(n, size=n)].mean() for _ in range(draws)]
    low, high = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(float(low), float(high))
