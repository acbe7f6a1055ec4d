"""Distances of two sets of features; on the host, in float64, in blocks of rows.

Features are rows [n, d] of any extractor: the figures carry its name, and only those of
Inception-v3 (2015-12-05) may be called FID and KID without saying more. Rows that are
not finite make every figure NaN; sets of different d, or too few rows, a `UserError`.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Shaped

from deconvgen.core.errors import UserError
from deconvgen.metrics.rows import Rows, blocks, finite, pair


def frechet_distance(real: Rows, fake: Rows) -> float:
    """Squared Frechet distance of two fitted Gaussians (Heusel et al. 2017).

    |m - m'|^2 + tr(C + C' - 2 (C^1/2 C' C^1/2)^1/2). Biased upwards for few images, by
    an amount that differs between models: compare at equal numbers only.
    """
    one, other = pair(real, fake, 2, "the Frechet distance")
    if not finite(one, other):
        return float("nan")
    roots = []
    for rows in (one, other):
        centred = rows - rows.mean(0)
        # R of QR: R^T R is the scatter, and R is small where the rows are many.
        roots.append(np.linalg.qr(centred, mode="r") / np.sqrt(len(rows) - 1))
    return frechet_of_roots(one.mean(0) - other.mean(0), *roots)


def frechet_of_moments(
    mean: Float[np.ndarray, " d"],
    covariance: Float[np.ndarray, "d d"],
    mean2: Float[np.ndarray, " d"],
    covariance2: Float[np.ndarray, "d d"],
) -> float:
    """`frechet_distance` from means and unbiased covariances; never below 0."""
    roots = []
    for matrix in (covariance, covariance2):
        if not finite(matrix):
            return float("nan")
        values, vectors = np.linalg.eigh(np.asarray(matrix, np.float64))
        # What is rounding of a singular matrix would count with its root.
        noise = np.finfo(np.float64).eps * len(values) * np.abs(values).max(initial=0)
        roots.append((vectors * np.sqrt(np.where(values > noise, values, 0))).T)
    return frechet_of_roots(np.asarray(mean, np.float64) - mean2, *roots)


def frechet_of_roots(shift: np.ndarray, root: np.ndarray, root2: np.ndarray) -> float:
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
    error: float = float("nan")  # standard error of the distance of all images


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
    Unbiased at any number of images, so it may be slightly negative. The standard error
    is that of the statistic's first-order terms (Hoeffding 1948). Raises `UserError`
    for subsets of fewer than 2 rows, or more than a set has.
    """
    x, y = pair(real, fake, 2, "the kernel distance")
    smaller = min(len(x), len(y))
    size = subset_size or min(1000, smaller // 2)
    if not 2 <= size <= smaller:
        raise UserError(
            f"KID over subsets of {size} needs at least 2 rows in a subset and as many "
            f"in each set, there are {len(x)} real and {len(y)} generated ones"
        )
    if not finite(x, y):
        return KernelDistance(float("nan"), float("nan"), size)
    rng = np.random.RandomState(seed)
    chosen = np.zeros((subsets, len(x))), np.zeros((subsets, len(y)))
    for i in range(subsets):
        for picks in chosen:
            picks[i, rng.choice(picks.shape[1], size, replace=False)] = 1
    # All subsets at once: the sum of the kernel over a subset is s' K s.
    between, *across = _kernel_sums(x, y, *chosen)
    values, variance = -2 * between / size**2, 0.0
    for rows, others, picks, mixed in zip((x, y), (y, x), chosen, across, strict=True):
        pairs, above, below = _kernel_sums(rows, rows, picks, picks, above=True)
        values = values + 2 * pairs / (size * (size - 1))
        n = len(rows)
        own = 2 / n * ((above + below) / (n - 1) - mixed / len(others))
        variance += np.sum((own - own.mean()) ** 2)
    found = (float(values.mean()), float(values.std()), size)
    return KernelDistance(*found, float(np.sqrt(variance)))


def _kernel_sums(
    x: np.ndarray,
    y: np.ndarray,
    picks_x: np.ndarray,
    picks_y: np.ndarray,
    above: bool = False,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """sum of k(x_i, y_j) over the i and j that each row of the picks picks; over all j
    for each i; over all i for each j.

    With `above`, of one set with itself, over the pairs with i < j alone.
    """
    total, over_y, over_x = np.zeros(len(picks_x)), np.zeros(len(x)), np.zeros(len(y))
    for rows in blocks(len(x)):
        first = rows.start if above else 0
        base = x[rows] @ y[first:].T
        base /= x.shape[1]
        base += 1
        kernel = base * base  # many times faster than a power
        kernel *= base
        if above:
            square = kernel[:, : len(kernel)]
            square[np.tril_indices(len(square))] = 0
        total += np.sum((picks_x[:, rows] @ kernel) * picks_y[:, first:], axis=1)
        over_y[rows] = kernel.sum(1)
        over_x[first:] += kernel.sum(0)
    return total, over_y, over_x


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
