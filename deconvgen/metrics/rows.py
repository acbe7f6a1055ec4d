"""Sets of features as rows [n, d], in float64: fits, blocks, distances of pairs."""

from collections.abc import Iterator

import numpy as np
from jax import Array
from jaxtyping import Shaped

from deconvgen.core.errors import UserError

Rows = Shaped[np.ndarray | Array, "..."]  # [n, d], d the same for both sets

BLOCK = 256
"""Rows whose distances to all others are held at once."""


def pair(real, fake, rows: int, what: str) -> tuple[np.ndarray, np.ndarray]:
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


def finite(*arrays) -> bool:
    """Whether all numbers of all arrays are."""
    return all(np.isfinite(x).all() for x in arrays)


def blocks(n: int) -> Iterator[slice]:
    """Of n rows, `BLOCK` at a time."""
    for start in range(0, n, BLOCK):
        yield slice(start, min(start + BLOCK, n))


def centred(one: np.ndarray, other: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Moved so that the squares are small: distances keep their digits."""
    middle = other.mean(0)
    return one - middle, other - middle


def squared_distances(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """|x|^2 - 2 xy + |y|^2; 0 where no more than its rounding is left, of copies."""
    size = np.sum(x * x, axis=1)[:, None], np.sum(y * y, axis=1)
    squared = (x @ y.T) * -2
    squared += size[0]
    squared += size[1]
    noise = 8 * np.finfo(np.float64).eps
    squared[squared <= noise * np.add(*size)] = 0
    return squared
