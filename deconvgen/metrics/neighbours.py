"""Which rows of features lie near each other: coverage of a set, and copies of it.

Rows [n, d] of any extractor, on the host, in blocks; rows that are not finite make
every figure NaN, sets of different d, or too few rows, a `UserError`.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from deconvgen.core.errors import UserError
from deconvgen.metrics.rows import (
    Rows,
    blocks,
    centred,
    finite,
    pair,
    squared_distances,
)

COPIES = 1e-5
"""Distance between copies, over the features' spread, that float32 features have."""


class Manifolds(NamedTuple):
    """Shares of images inside the other set's neighbourhoods."""

    precision: float  # of the generated, near a real one
    recall: float  # of the real, near a generated one
    density: float  # how many real neighbourhoods hold a generated one, over k
    coverage: float  # of the real, whose neighbourhood holds a generated one


class Memberships(NamedTuple):
    """What each image is to the other set: `Manifolds` are the means of the first."""

    precise: Bool[np.ndarray, " m"]  # of the generated: near a real one
    recalled: Bool[np.ndarray, " n"]  # of the real: near a generated one
    dense: Float[np.ndarray, " m"]  # of the generated: real neighbourhoods over k
    covered: Bool[np.ndarray, " n"]  # of the real: a generated one is near
    distance: Float[np.ndarray, " m"]  # from each generated to its nearest real one
    closest: Int[np.ndarray, " m"]  # which real one that is
    own: Float[np.ndarray, " n"]  # from each real to its nearest other real one


def manifolds(real: Rows, fake: Rows, k: int = 3, k_density: int = 5) -> Manifolds:
    """Precision and recall, density and coverage of the generated images.

    (Kynkaanniemi et al. 2019, equation 1; Naeem et al. 2020, equations 3 and 4.)
    Neighbourhoods are balls that reach to the k-th nearest other image of the same set:
    k = 3 for precision and recall, 5 for density and coverage. Density may exceed 1.
    """
    found = memberships(real, fake, k, k_density)
    if found is None:
        return Manifolds(*[float("nan")] * 4)
    return Manifolds(*(float(np.mean(values)) for values in found[:4]))


def memberships(
    real: Rows, fake: Rows, k: int = 3, k_density: int = 5
) -> Memberships | None:
    """`manifolds` image by image, with nearest ones; None where not all is finite."""
    what = "precision, recall, density and coverage"
    x, y = centred(*pair(real, fake, max(k, k_density) + 1, what))
    if not finite(x, y):
        return None
    own, reach_x, wide_x = _radii(x, (1, k, k_density))
    (reach_y,) = _radii(y, (k,))
    precise, dense = np.zeros(len(y), bool), np.zeros(len(y))
    recalled, covered = np.zeros(len(x), bool), np.zeros(len(x), bool)
    least, closest = np.full(len(y), np.inf), np.zeros(len(y), np.int64)
    for rows in blocks(len(x)):
        squared = squared_distances(x[rows], y)
        precise |= np.any(squared <= reach_x[rows, None], axis=0)
        recalled[rows] = np.any(squared <= reach_y, axis=1)
        inside = squared <= wide_x[rows, None]
        dense += inside.sum(axis=0) / k_density
        covered[rows] = inside.any(axis=1)
        first = np.argmin(squared, axis=0)
        found = squared[first, np.arange(len(y))]
        closest = np.where(found < least, first + rows.start, closest)
        least = np.minimum(least, found)
    distance, own = np.sqrt(least), np.sqrt(own)
    return Memberships(precise, recalled, dense, covered, distance, closest, own)


def copies(found: Memberships) -> float:
    """The share of generated images that all but are a real one.

    Those that are nearer to one than a tenth of the median distance of real images to
    the nearest other. 0 of new images; the floor is what the real ones have of copies.
    NaN where most real ones are another's copies: they say not what is near.
    """
    usual = float(np.median(found.own))
    return float(np.mean(found.distance < usual / 10)) if usual else float("nan")


def nearest(
    samples: Rows, training: Rows, k: int = 1
) -> tuple[Float[np.ndarray, "n k"], Int[np.ndarray, "n k"]]:
    """(distance, index) of the k nearest training rows of each sample, nearest first.

    Samples that lie much nearer than held-out images do are memorized ones. Rows that
    are not finite are NaN from all others, and have no nearest one: their indices say
    nothing.
    """
    if not 1 <= k <= len(training):
        raise UserError(f"{k} nearest neighbours of {len(training)} training rows")
    x, y = centred(*pair(samples, training, 0, "the nearest neighbours"))
    distances, indices = np.empty((len(x), k)), np.empty((len(x), k), np.int64)
    for rows in blocks(len(x)):
        squared = squared_distances(x[rows], y)
        near = np.argpartition(squared, k - 1, axis=1)[:, :k]
        found = np.take_along_axis(squared, near, axis=1)
        order = np.argsort(found, axis=1)
        distances[rows] = np.sqrt(np.take_along_axis(found, order, axis=1))
        indices[rows] = np.take_along_axis(near, order, axis=1)
    return distances, indices


def memorization_ratio(samples: Rows, training: Rows, held_out: Rows) -> float:
    """How near samples come to the training images, next to how near real ones come.

    Median distance to the nearest training row, of the samples over that of held-out
    real rows: about 1 or more for new images, 0 for copies. NaN where there is nothing
    to hold it against: no rows, or held-out ones that are in the training set.
    """
    if not len(samples) or not len(held_out) or not finite(samples, held_out):
        return float("nan")
    ours, _ = nearest(samples, training)
    theirs, _ = nearest(held_out, training)
    usual = np.median(theirs)
    spread = np.sqrt(np.mean(np.var(np.asarray(training, np.float64), axis=0)))
    if not usual > COPIES * spread:  # the held-out images are training images
        return float("nan")
    return float(np.median(ours) / usual)


def _radii(x: np.ndarray, ks: tuple[int, ...]) -> list[np.ndarray]:
    """Squared distance of each row to its k-th nearest other row, for each k."""
    radii = np.empty((len(ks), len(x)))
    for rows in blocks(len(x)):
        squared = squared_distances(x[rows], x)
        squared[np.arange(len(squared)), np.arange(rows.start, rows.stop)] = -1
        ordered = np.partition(squared, ks, axis=1)  # the row itself comes first
        radii[:, rows] = ordered[:, ks].T
    return list(radii)
