"""Classes for images that have none: the clusters that k-means finds among them.

A generator that is told an image's cluster learns from unlabelled images nearly as fast
as from labelled ones (Lucic et al. 2019, "High-Fidelity Image Generation With Fewer
Labels", section 3.1, which clusters learned features; Liu et al. 2020, "Diverse Image
Generation via Self-Conditioned GANs", those of the critic). Here it is the pixels of
thumbnails, which are known before the training: a run and its going on, its validation
and its test have the same clusters.
"""

import hashlib
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float64, Int32, UInt8

from deconvgen.core.errors import UserError

SIDE = 8
"""The thumbnails' shorter side has so many pixels, or up to twice as many."""
ROUNDS = 50
"""Of k-means, at most."""
GOLDEN = (5**0.5 - 1) / 2
SIZES = "cluster_sizes"
"""Where a data set's identity tells how many training images each cluster has."""

Images = UInt8[np.ndarray, "n h w c"]


@dataclass(frozen=True, eq=False)
class Clusters:
    """What k-means found among the training images."""

    centres: Float64[np.ndarray, "k d"]
    sizes: tuple[int, ...]  # the training images in each

    def of(self, images: Images) -> Int32[np.ndarray, " n"]:
        """The number of each image's nearest centre."""
        from scipy.cluster.vq import vq

        return vq(thumbnails(images), self.centres)[0].astype(np.int32)

    @property
    def names(self) -> tuple[str, ...]:
        """`cluster 0`, `cluster 1`, ..."""
        return tuple(f"cluster {i}" for i in range(len(self.centres)))

    @property
    def identity(self) -> dict[str, Any]:
        """Equal where the centres are, to the nearest level of grey, and the sizes."""
        levels = np.round(self.centres).astype(np.int16)
        return {"clusters": f"{zlib.crc32(levels.tobytes()):08x}", SIZES: [*self.sizes]}


def thumbnails(images: Images) -> Float64[np.ndarray, "n d"]:
    """The means of whole blocks of pixels, an image a row."""
    _, height, width, channels = images.shape
    block = max(1, min(height, width) // SIDE)
    rows, columns = height // block, width // block
    whole = images[:, : rows * block, : columns * block]
    apart = whole.reshape(-1, rows, block, columns, block, channels)
    means = apart.mean((2, 4), dtype=np.float64)
    return means.reshape(len(images), -1)


def find(images: Images, count: int) -> Clusters:
    """The `count` clusters of these images, the same each time.

    Raises `UserError` where there are fewer images than that, or too few that differ.

    >>> dark, light = np.zeros((5, 8, 8, 1), np.uint8), np.full((5, 8, 8, 1), 200, "u1")
    >>> found = find(np.concatenate([dark, light]), 2)
    >>> len(set(found.of(dark)) | set(found.of(light)))
    2
    """
    seen = thumbnails(images)
    key = (hashlib.sha256(seen.tobytes()).hexdigest(), seen.shape, count)
    if key not in _found:
        _found.clear()
        _found[key] = _means(seen, count)
    return _found[key]


_found: dict[Any, Clusters] = {}  # the last, since every split of a run asks


def _means(seen: Float64[np.ndarray, "n d"], count: int) -> Clusters:
    from scipy.cluster.vq import ClusterError, kmeans2, vq

    differ = len(np.unique(seen, axis=0)) if len(seen) < 50 * count else len(seen)
    if differ < count:
        raise UserError(
            f"data.clusters={count} is more than the {differ} training images that "
            "differ"
        )
    for start in range(10):
        chance = np.random.default_rng(start)
        try:
            centres, _ = kmeans2(
                seen, count, iter=ROUNDS, minit="++", missing="raise", rng=chance
            )
        except ClusterError:  # one was left empty: from another start
            continue
        sizes = np.bincount(vq(seen, centres)[0], minlength=count)
        return Clusters(centres, tuple(sizes.tolist()))
    raise UserError(
        f"k-means leaves some of data.clusters={count} empty: ask for fewer"
    )


def turns(numbers: np.ndarray, sizes: Sequence[int]) -> Int32[np.ndarray, " n"]:
    """The clusters that drawn images of these numbers are told: each as often as it is
    among the training images, among the first ten no less than in all.

    Its share of the multiples of the golden ratio, which lie evenly in [0, 1).

    >>> turns(np.arange(8), [30, 10]).tolist()
    [0, 0, 0, 0, 1, 0, 0, 1]
    """
    shares = np.cumsum(sizes) / np.sum(sizes)
    places = (0.5 + np.asarray(numbers) * GOLDEN) % 1
    return np.searchsorted(shares, places, side="right").astype(np.int32)
