"""Intervals of set distances, and what they would be of infinitely many images."""

from typing import Any, NamedTuple

import numpy as np

from deconvgen.metrics.distances import frechet_of_roots
from deconvgen.metrics.rows import Rows, finite, pair

LEVEL = 0.95
NORMAL = 1.959964
"""Standard deviations to either side that hold `LEVEL` of a normal distribution."""
SIZES = 15


class Interval(NamedTuple):
    """Between what a figure lies, in 95 of 100 draws of the images."""

    low: float
    high: float


NONE = Interval(float("nan"), float("nan"))


def around(value: float, error: float, least: float = -np.inf) -> Interval:
    """The interval of a figure with that standard error, cut off at `least`."""
    reach = NORMAL * error
    return Interval(max(least, value - reach), value + reach)


def frechet_error(real: Rows, fake: Rows, numbers: tuple[int, int] = (0, 0)) -> float:
    """The standard error of `frechet_distance` at this number of images.

    From what each image adds to the distance, its influence (the infinitesimal
    jackknife, Efron 1982, chapter 6): no draws, and for singular covariances, too.
    Where the sets are alike the slope is 0 and the error too large by about 1.4. With
    `numbers` of images that the rows are a part of, it is that of so many.
    """
    x, y = pair(real, fake, 2, "an interval of the Frechet distance")
    if not finite(x, y):
        return float("nan")
    shift = x.mean(0) - y.mean(0)
    (x, q, root), (y, q2, root2) = map(_decomposed, (x, y))
    u, shared, v = np.linalg.svd(root @ root2.T, full_matrices=False)
    spread = (_spread(x, q @ u, shared, shift), _spread(y, q2 @ v.T, shared, -shift))
    parts = [len(z) / (n or len(z)) for z, n in zip((x, y), numbers, strict=True)]
    return float(np.sqrt(np.dot(spread, parts)))


def _decomposed(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Centred rows, Q of their QR, and the root of their covariance."""
    centred = rows - rows.mean(0)
    q, root = np.linalg.qr(centred)
    return centred, q, root / np.sqrt(len(rows) - 1)


def _spread(
    x: np.ndarray, places: np.ndarray, shared: np.ndarray, shift: np.ndarray
) -> float:
    """The sum of squares of what each row adds to the distance, about their mean.

    The derivative by a row's weight: of the means, of the trace of its covariance, and
    of the sum of singular values, of which a row has half of its part of U S U^T.
    """
    n = len(x)
    added = 2 * (x @ shift) / n + np.sum(x * x, axis=1) / (n - 1)
    added = added - (places * places) @ shared
    return float(np.sum((added - added.mean()) ** 2))


def frechet_infinity(
    real: Rows, fake: Rows, sizes: int = SIZES, seed: int = 0
) -> float:
    """`frechet_distance` for infinitely many images (Chong and Forsyth 2020).

    The distance of `sizes` random parts, from a tenth of the images (and twice their
    features) up to all, is a line over 1 / n to first order; this is where it cuts
    1 / n = 0. Both sets are taken in parts, so that the bias of neither is left (the
    authors keep the real images whole), each part within the next, so that every image
    is read once. NaN where there are too few images for it.
    """
    x, y = pair(real, fake, 2, "FID-infinity")
    least, d = min(len(x), len(y)), x.shape[1]
    first = max(least // 10, 2 * d, 8)
    if not finite(x, y) or first > 0.7 * least:
        return float("nan")
    rng = np.random.default_rng(seed)
    numbers = np.unique(np.linspace(first, least, sizes).astype(int))
    means, roots = zip(*(_grown(z[rng.permutation(len(z))], numbers) for z in (x, y)))
    found = [
        frechet_of_roots(a - b, r, s) for a, b, r, s in zip(*means, *roots, strict=True)
    ]
    return float(np.polyfit(1 / numbers, found, 1)[1])


def _grown(
    rows: np.ndarray, numbers: np.ndarray
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Means and roots of covariances of the first rows, for growing numbers of them."""
    middle = rows.mean(0)
    root, total, before = np.zeros((0, rows.shape[1])), np.zeros(rows.shape[1]), 0
    means, roots = [], []
    for n in numbers.tolist():
        more = rows[before:n] - middle
        total, before = total + more.sum(0), n
        root = np.asarray(np.linalg.qr(np.concatenate([root, more]), mode="r"))
        means.append(middle + total / n)
        # The scatter about `middle` is the larger one, by n m m^T.
        roots.append(_less(root, total / np.sqrt(n)) / np.sqrt(n - 1))
    return means, roots


def _less(root: np.ndarray, row: np.ndarray) -> np.ndarray:
    """A root of R^T R - row^T row, which is not negative."""
    # With u = R^-T row, R^T (1 - u u^T) R, whose root is 1 - c u u^T on the left.
    u, *_ = np.linalg.lstsq(root.T, row)
    size = u @ u
    c = (1 - np.sqrt(max(0.0, 1 - size))) / size if size > 0 else 0.0
    return root - c * np.outer(u, u @ root)


def share_interval(values: Any) -> Interval:
    """Of the mean of one number per image, as of a precision.

    Of shares, numbers that are 0 or 1, it is Wilson's (1927): none that was found does
    not mean that there is none. Else the mean and its standard error.
    """
    values = np.asarray(values, np.float64)
    n = len(values)
    if not n or not np.isfinite(values).all():
        return NONE
    middle, reach = values.mean(), NORMAL * values.std() / np.sqrt(n)
    if np.isin(values, (0, 1)).all():
        more = NORMAL**2 / n
        reach = np.sqrt(reach**2 + (more / 2) ** 2) / (1 + more)
        middle = (middle + more / 2) / (1 + more)
    return Interval(float(middle - reach), float(middle + reach))
