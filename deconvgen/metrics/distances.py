"""Distances of two sets of features; on the host, in float64, in blocks of rows.

Features are rows [n, d] of any extractor: the figures carry its name, and only those of
Inception-v3 (2015-12-05) may be called FID and KID without saying more. Rows that are
not finite make every figure NaN; sets of different d, or too few rows, a `UserError`.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from jax import Array
from jaxtyping import Float, Int, Shaped

from deconvgen.core.errors import UserError

Rows = Shaped[np.ndarray | Array, "..."]  # [n, d], d the same for both sets

BLOCK = 1000
"""Rows whose distances to all others are held at once."""

COPIES = 1e-5
"""Distance between copies, over the features' spread, that float32 features have."""


def frechet_distance(real: Rows, fake: Rows) -> float:
    """Squared Frechet distance of two fitted Gaussians (Heusel et al. 2017).

    |m - m'|^2 + tr(C + C' - 2 (C^1/2 C' C^1/2)^1/2). Biased upwards for few images, by
    an amount that differs between models: compare at equal numbers only.
    """
    one, other = _pair(real, fake, 2, "the Frechet distance")
    if not _finite(one, other):
        return float("nan")
    roots = []
    for rows in (one, other):
        centred = rows - rows.mean(0)
        # R of QR: R^T R is the scatter, and R is small where the rows are many.
        roots.append(np.linalg.qr(centred, mode="r") / np.sqrt(len(rows) - 1))
    return _frechet(one.mean(0) - other.mean(0), *roots)


def frechet_of_moments(
    mean: Float[np.ndarray, " d"],
    covariance: Float[np.ndarray, "d d"],
    mean2: Float[np.ndarray, " d"],
    covariance2: Float[np.ndarray, "d d"],
) -> float:
    """`frechet_distance` from means and unbiased covariances; never below 0."""
    roots = []
    for matrix in (covariance, covariance2):
        if not _finite(matrix):
            return float("nan")
        values, vectors = np.linalg.eigh(np.asarray(matrix, np.float64))
        # What is rounding of a singular matrix would count with its root.
        noise = np.finfo(np.float64).eps * len(values) * np.abs(values).max(initial=0)
        roots.append((vectors * np.sqrt(np.where(values > noise, values, 0))).T)
    return _frechet(np.asarray(mean, np.float64) - mean2, *roots)


def _frechet(shift: np.ndarray, root: np.ndarray, root2: np.ndarray) -> float:
    """From the difference of the means and R [r, d], R' [s, d] with C = R^T R.

    The trace of (C^1/2 C' C^1/2)^1/2 is the sum of the singular values of R R'^T:
    exact for singular covariances, too (fewer images than features), symmetric, and
    with no digits lost to the root of a product.
    """
    shared = np.linalg.svd(root @ root2.T, compute_uv=False).sum()
    spread = np.sum(root**2) + np.sum(root2**2) - 2 * shared
    distance = np.sum(shift**2) + spread
    return float(np.maximum(distance, 0.0))


class KernelDistance(NamedTuple):
    """KID over subsets; the standard deviation is that of the subsets' values."""

    mean: float
    std: float
    subset_size: int


def kernel_distance(
    real: Rows,
    fake: Rows,
    subsets: int = 100,
    subset_size: int = 0,
    seed: int = 2020,
) -> KernelDistance:
    """Unbiased squared MMD with the kernel (x.y/d + 1)^3 (Binkowski et al. 2018).

    Mean and standard deviation over random subsets, drawn without replacement from
    either set; `subset_size` 0 is 1000, or half of the smaller set where that is less.
    Unbiased at any number of images, so it may be slightly negative. Raises
    `UserError` for subsets of fewer than 2 rows, or more than a set has.
    """
    x, y = _pair(real, fake, 2, "the kernel distance")
    smaller = min(len(x), len(y))
    size = subset_size or min(1000, smaller // 2)
    if not 2 <= size <= smaller:
        raise UserError(
            f"KID over subsets of {size} needs at least 2 rows in a subset and as many "
            f"in each set, there are {len(x)} real and {len(y)} generated ones"
        )
    if not _finite(x, y):
        return KernelDistance(float("nan"), float("nan"), size)
    rng = np.random.RandomState(seed)
    chosen = np.zeros((subsets, len(x))), np.zeros((subsets, len(y)))
    for i in range(subsets):
        for picks in chosen:
            picks[i, rng.choice(picks.shape[1], size, replace=False)] = 1
    # All subsets at once: the sum of the kernel over a subset is s' K s.
    within = sum(
        (_kernel_sums(a, a, s, s) - s @ _kernel_of_itself(a)) / (size * (size - 1))
        for a, s in zip((x, y), chosen, strict=True)
    )
    values = within - 2 * _kernel_sums(x, y, *chosen) / size**2
    return KernelDistance(float(values.mean()), float(values.std()), size)


def _kernel_sums(x, y, picks_x, picks_y) -> np.ndarray:
    """sum of k(x_i, y_j) over the i and j that each row of the picks picks."""
    total = np.zeros(len(picks_x))
    for rows in _blocks(len(x)):
        base = x[rows] @ y.T / x.shape[1] + 1
        kernel = base * base * base  # many times faster than a power
        total += np.sum((picks_x[:, rows] @ kernel) * picks_y, axis=1)
    return total


def _kernel_of_itself(x) -> np.ndarray:
    return (np.sum(x * x, axis=1) / x.shape[1] + 1) ** 3


class Manifolds(NamedTuple):
    """Shares of images inside the other set's neighbourhoods."""

    precision: float  # of the generated, near a real one
    recall: float  # of the real, near a generated one
    density: float  # how many real neighbourhoods hold a generated one, over k
    coverage: float  # of the real, whose neighbourhood holds a generated one


def manifolds(real: Rows, fake: Rows, k: int = 3, k_density: int = 5) -> Manifolds:
    """Precision and recall, density and coverage of the generated images.

    (Kynkaanniemi et al. 2019, equation 1; Naeem et al. 2020, equations 3 and 4.)
    Neighbourhoods are balls that reach to the k-th nearest other image of the same set:
    k = 3 for precision and recall, 5 for density and coverage. Density may exceed 1.
    """
    what = "precision, recall, density and coverage"
    x, y = _centred(*_pair(real, fake, max(k, k_density) + 1, what))
    if not _finite(x, y):
        return Manifolds(*[float("nan")] * 4)
    reach_x, wide_x = _radii(x, (k, k_density))
    (reach_y,) = _radii(y, (k,))
    precise, dense = np.zeros(len(y), bool), 0
    recalled, covered = 0, 0
    for rows in _blocks(len(x)):
        squared = _squared_distances(x[rows], y)
        precise |= np.any(squared <= reach_x[rows, None], axis=0)
        recalled += np.any(squared <= reach_y, axis=1).sum()
        inside = squared <= wide_x[rows, None]
        dense += inside.sum()
        covered += inside.any(axis=1).sum()
    n, m = len(x), len(y)
    return Manifolds(
        float(precise.mean()), recalled / n, dense / (k_density * m), covered / n
    )


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
    x, y = _centred(*_pair(samples, training, 0, "the nearest neighbours"))
    distances, indices = np.empty((len(x), k)), np.empty((len(x), k), np.int64)
    for rows in _blocks(len(x)):
        squared = _squared_distances(x[rows], y)
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
    if not len(samples) or not len(held_out) or not _finite(samples, held_out):
        return float("nan")
    ours, _ = nearest(samples, training)
    theirs, _ = nearest(held_out, training)
    usual = np.median(theirs)
    spread = np.sqrt(np.mean(np.var(np.asarray(training, np.float64), axis=0)))
    if not usual > COPIES * spread:  # the held-out images are training images
        return float("nan")
    return float(np.median(ours) / usual)


class Modes(NamedTuple):
    """How the generated images spread over the classes of the real ones."""

    covered: float  # share of the real images' classes that the generated reach
    divergence: float  # KL(generated || real) of the class histograms, in nats


def mode_coverage(
    real_counts: Shaped[np.ndarray, " k"], fake_counts: Shaped[np.ndarray, " j"]
) -> Modes:
    """From a classifier's histograms of real and generated images.

    A class is covered if the generated images reach a tenth of its real share. The
    divergence is 0 for the real histogram and log(k) for one of k equal classes
    (compare Che et al. 2017). Both are NaN where either histogram is empty or NaN.
    Raises `UserError` for different numbers of classes.
    """
    real, fake = (np.asarray(x, np.float64) for x in (real_counts, fake_counts))
    if real.shape != fake.shape:
        raise UserError(
            f"histograms of {len(real)} and of {len(fake)} classes do not compare"
        )
    if not (real.sum() > 0 and fake.sum() > 0):
        return Modes(float("nan"), float("nan"))
    # Half an image for classes that no real one was put into.
    floor = np.where(real > 0, real, 0.5) / real.sum()
    share, some = fake / fake.sum(), fake > 0
    divergence = np.sum(share[some] * np.log(share[some] / floor[some]))
    covered = np.mean(share[real > 0] >= 0.1 * floor[real > 0])
    return Modes(float(covered), float(np.maximum(divergence, 0.0)))


def _pair(real, fake, rows: int, what: str) -> tuple[np.ndarray, np.ndarray]:
    """Both sets in float64, once they fit each other and have `rows` rows at least."""
    one, other = (np.asarray(x, np.float64) for x in (real, fake))
    if one.ndim != 2 or other.ndim != 2 or one.shape[1] != other.shape[1]:
        raise UserError(
            f"{what} needs two sets of features [n, d] with the same d, these are "
            f"{list(one.shape)} and {list(other.shape)}"
        )
    if min(len(one), len(other)) < rows:
        raise UserError(
            f"{what} needs at least {rows} images of either kind, there are "
            f"{len(one)} real and {len(other)} generated ones"
        )
    return one, other


def _finite(*arrays) -> bool:
    return all(np.isfinite(x).all() for x in arrays)


def _blocks(n: int) -> Iterator[slice]:
    for start in range(0, n, BLOCK):
        yield slice(start, min(start + BLOCK, n))


def _centred(one: np.ndarray, other: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Moved so that the squares are small: distances keep their digits."""
    middle = other.mean(0)
    return one - middle, other - middle


def _squared_distances(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """|x|^2 - 2 xy + |y|^2; 0 where no more than its rounding is left, of copies."""
    size = np.sum(x * x, axis=1)[:, None], np.sum(y * y, axis=1)
    squared = (x @ y.T) * -2
    squared += size[0]
    squared += size[1]
    noise = 8 * np.finfo(np.float64).eps
    squared[squared <= noise * np.add(*size)] = 0
    return squared


def _radii(x: np.ndarray, ks: tuple[int, ...]) -> list[np.ndarray]:
    """Squared distance of each row to its k-th nearest other row, for each k."""
    radii = np.empty((len(ks), len(x)))
    for rows in _blocks(len(x)):
        squared = _squared_distances(x[rows], x)
        squared[np.arange(len(squared)), np.arange(rows.start, rows.stop)] = -1
        ordered = np.partition(squared, ks, axis=1)  # the row itself comes first
        radii[:, rows] = ordered[:, ks].T
    return list(radii)
