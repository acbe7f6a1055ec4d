"""Distances of two sets of features; on the host, in float64, in blocks of rows.

Features are rows [n, d] of any extractor: the figures carry its name, and only those of
Inception-v3 (2015-12-05) may be called FID and KID without saying more.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from deconvgen.core.errors import UserError

Rows = Float[np.ndarray, "n d"]
Others = Float[np.ndarray, "m d"]

BLOCK = 1000
"""Rows whose distances to all others are held at once."""


def frechet_distance(real: Rows, fake: Others) -> float:
    """Squared Frechet distance of two fitted Gaussians (Heusel et al. 2017).

    |m - m'|^2 + tr(C + C' - 2 (C^1/2 C' C^1/2)^1/2). Biased upwards for few images, by
    an amount that differs between models: compare at equal numbers only.
    """
    _enough(real, fake, 2, "the Frechet distance")
    one, other = (np.asarray(x, np.float64) for x in (real, fake))
    return frechet_of_moments(
        one.mean(0), _covariance(one), other.mean(0), _covariance(other)
    )


def frechet_of_moments(
    mean: Float[np.ndarray, " d"],
    covariance: Float[np.ndarray, "d d"],
    mean2: Float[np.ndarray, " d"],
    covariance2: Float[np.ndarray, "d d"],
) -> float:
    """`frechet_distance` from means and unbiased covariances; never below 0.

    The trace of the root is the sum of the roots of the eigenvalues of the symmetric
    C^1/2 C' C^1/2, which exists for singular covariances, too (fewer images than
    features), where a general matrix square root does not.
    """
    values, vectors = np.linalg.eigh(covariance)
    root = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    eigenvalues = np.linalg.eigvalsh(root @ covariance2 @ root)
    shared = np.sum(np.sqrt(np.maximum(eigenvalues, 0)))
    spread = np.trace(covariance) + np.trace(covariance2) - 2 * shared
    return float(max(np.sum((mean - mean2) ** 2) + spread, 0.0))


def _covariance(rows: np.ndarray) -> np.ndarray:
    centred = rows - rows.mean(0)
    return centred.T @ centred / (len(rows) - 1)


class KernelDistance(NamedTuple):
    """KID over subsets; the standard deviation is that of the subsets' values."""

    mean: float
    std: float
    subset_size: int


def kernel_distance(
    real: Rows,
    fake: Others,
    subsets: int = 100,
    subset_size: int = 0,
    seed: int = 2020,
) -> KernelDistance:
    """Unbiased squared MMD with the kernel (x.y/d + 1)^3 (Binkowski et al. 2018).

    Mean and standard deviation over random subsets, drawn without replacement from
    either set; `subset_size` 0 is 1000, or half of the smaller set where that is less.
    Unbiased at any number of images, so it may be slightly negative.
    """
    smaller = min(len(real), len(fake))
    size = subset_size or min(1000, smaller // 2)
    if not 2 <= size <= smaller:
        raise UserError(
            f"KID over subsets of {size} needs at least 2 rows in a subset and as many "
            f"in each set, there are {len(real)} real and {len(fake)} generated ones"
        )
    rng = np.random.RandomState(seed)
    chosen = np.zeros((subsets, len(real))), np.zeros((subsets, len(fake)))
    for i in range(subsets):
        for picks in chosen:
            picks[i, rng.choice(picks.shape[1], size, replace=False)] = 1
    x, y = (np.asarray(rows, np.float64) for rows in (real, fake))
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


def manifolds(real: Rows, fake: Others, k: int = 3, k_density: int = 5) -> Manifolds:
    """Precision and recall, density and coverage of the generated images.

    (Kynkaanniemi et al. 2019, equation 1; Naeem et al. 2020, equations 3 and 4.)
    Neighbourhoods are balls that reach to the k-th nearest other image of the same set:
    k = 3 for precision and recall, 5 for density and coverage. Density may exceed 1.
    """
    _enough(
        real, fake, max(k, k_density) + 1, "precision, recall, density and coverage"
    )
    x, y = _centred(real, fake)
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
    samples: Rows, training: Others, k: int = 1
) -> tuple[Float[np.ndarray, "n k"], Int[np.ndarray, "n k"]]:
    """(distance, index) of the k nearest training rows of each sample, nearest first.

    Samples that lie much nearer than held-out images do are memorized ones.
    """
    if not 1 <= k <= len(training):
        raise UserError(f"{k} nearest neighbours of {len(training)} training rows")
    x, y = _centred(samples, training)
    distances, indices = np.empty((len(x), k)), np.empty((len(x), k), np.int64)
    for rows in _blocks(len(x)):
        squared = _squared_distances(x[rows], y)
        near = np.argpartition(squared, k - 1, axis=1)[:, :k]
        found = np.take_along_axis(squared, near, axis=1)
        order = np.argsort(found, axis=1)
        distances[rows] = np.sqrt(np.take_along_axis(found, order, axis=1))
        indices[rows] = np.take_along_axis(near, order, axis=1)
    return distances, indices


def memorization_ratio(samples: Rows, training: Others, held_out: np.ndarray) -> float:
    """How near samples come to the training images, next to how near real ones come.

    Median distance to the nearest training row, of the samples over that of held-out
    real rows: about 1 or more for new images, 0 for copies.
    """
    ours, _ = nearest(samples, training)
    theirs, _ = nearest(held_out, training)
    return float(np.median(ours) / max(np.median(theirs), 1e-12))


class Modes(NamedTuple):
    """How the generated images spread over the classes of the real ones."""

    covered: float  # share of the real images' classes that the generated reach
    divergence: float  # KL(generated || real) of the class histograms, in nats


def mode_coverage(
    real_counts: Int[np.ndarray, " k"], fake_counts: Int[np.ndarray, " k"]
) -> Modes:
    """From a classifier's histograms of real and generated images.

    A class is covered if the generated images reach a tenth of its real share. The
    divergence is 0 for the real histogram and log(k) for one of k equal classes
    (compare Che et al. 2017).
    """
    present = real_counts > 0
    real = real_counts / max(real_counts.sum(), 1)
    fake = fake_counts / max(fake_counts.sum(), 1)
    # Half an image for classes that no real one was put into.
    floor = np.where(present, real, 0.5 / max(real_counts.sum(), 1))
    some = fake > 0
    divergence = np.sum(fake[some] * np.log(fake[some] / floor[some]))
    covered = np.mean(fake[present] >= 0.1 * real[present])
    return Modes(float(covered), float(max(divergence, 0.0)))


def _enough(real: np.ndarray, fake: np.ndarray, rows: int, what: str) -> None:
    if min(len(real), len(fake)) < rows:
        raise UserError(
            f"{what} needs at least {rows} images of either kind, there are "
            f"{len(real)} real and {len(fake)} generated ones"
        )


def _blocks(n: int) -> Iterator[slice]:
    for start in range(0, n, BLOCK):
        yield slice(start, min(start + BLOCK, n))


def _centred(one: np.ndarray, other: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """In float64, moved so that the squares are small: distances keep their digits."""
    middle = np.asarray(other, np.float64).mean(0)
    return one - middle, other - middle


def _squared_distances(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    squared = (x @ y.T) * -2
    squared += np.sum(x * x, axis=1)[:, None]
    squared += np.sum(y * y, axis=1)
    return np.maximum(squared, 0, out=squared)


def _radii(x: np.ndarray, ks: tuple[int, ...]) -> list[np.ndarray]:
    """Squared distance of each row to its k-th nearest other row, for each k."""
    radii = np.empty((len(ks), len(x)))
    for rows in _blocks(len(x)):
        squared = _squared_distances(x[rows], x)
        squared[np.arange(len(squared)), np.arange(rows.start, rows.stop)] = -1
        ordered = np.partition(squared, ks, axis=1)  # the row itself comes first
        radii[:, rows] = ordered[:, ks].T
    return list(radii)
