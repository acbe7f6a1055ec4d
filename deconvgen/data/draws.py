"""Randomness without state: every draw is a function of (seed, stream, position).

SplitMix64's finalizer (Steele, Lea, Flood 2014) is used as a hash of the three, so a
draw costs the same at any position (resuming is O(1)), does not depend on how the
positions are grouped into batches or shared between processes, and stays the same with
every version of NumPy.
"""

import numpy as np
from jaxtyping import Float64, Int64, UInt64

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_EPOCHS = 2**32  # the streams from here on belong to the permutations


def _mix(z: np.ndarray) -> np.ndarray:
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def _bits(seed: int, stream: int, positions: np.ndarray) -> UInt64[np.ndarray, "..."]:
    key = np.array([seed % 2**64], np.uint64)
    key = _mix(key + _GOLDEN)
    key = _mix(key + _GOLDEN * np.array([stream + 1], np.uint64))
    return _mix(key + _GOLDEN * (positions.astype(np.uint64) + np.uint64(1)))


def uniform(
    seed: int, stream: int, positions: Int64[np.ndarray, " n"], count: int
) -> Float64[np.ndarray, "n {count}"]:
    """`count` numbers in [0, 1) for each position."""
    places = positions[:, None] * count + np.arange(count)
    return (_bits(seed, stream, places) >> np.uint64(11)) * 2.0**-53


def permutation(seed: int, epoch: int, length: int) -> Int64[np.ndarray, " {length}"]:
    """The order in which epoch number `epoch` visits `length` examples."""
    keys = _bits(seed, _EPOCHS + epoch, np.arange(length))
    return np.argsort(keys, kind="stable").astype(np.int64)
