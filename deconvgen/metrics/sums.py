"""Metrics as sums: records that can be added over batches and over devices.

A record is built inside `jit` from one batch (`Mean.of(values, mask)`), summed over
the devices of a pmapped axis by `across(axis)`, added over batches by `+`, and
finished by `result()`. Within a batch the sums are float32 (counts int32); between
batches the host adds them in float64 and int64, so that a long evaluation loses no
digits and overflows no counter.
"""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct
from jax import Array
from jax.core import Tracer
from jax.lax import psum
from jaxtyping import Float, Shaped

from deconvgen.core.types import Sums


def fetch(x: Any) -> Any:
    """`x` as it is on the host; tracers stay what they are."""
    return x if isinstance(x, Tracer) else np.asarray(x)


def host(x: Any) -> Any:
    """`x` as float64 or int64 on the host; tracers stay what they are."""
    x = fetch(x)
    if isinstance(x, Tracer):
        return x
    return x.astype(np.float64 if np.issubdtype(x.dtype, np.floating) else np.int64)


class Summed:
    """A sum field by field, over batches and over devices; a field that is one of the
    `Sums` itself is added as it says."""

    def __add__(self, other):
        plus = lambda a, b: a + b if isinstance(a, Sums) else host(a) + host(b)
        return jax.tree.map(plus, self, other, is_leaf=self._is_field)

    def across(self, axis: str):
        over = lambda x: x.across(axis) if isinstance(x, Sums) else psum(x, axis)
        return jax.tree.map(over, self, is_leaf=self._is_field)

    def _is_field(self, x: Any) -> bool:
        return x is not self and isinstance(x, Sums)


@struct.dataclass
class Mean(Summed):
    """The mean of one number per example, over the examples that the mask keeps.

    >>> Mean.of(jnp.array([1.0, 3.0, 9.0]), jnp.array([1.0, 1.0, 0.0])).result()
    2.0
    """

    total: Any  # []
    count: Any  # []

    @classmethod
    def of(cls, values: Float[Array, " b"], mask: Float[Array, " b"]) -> Any:
        # `where`, not a product: a NaN made from padding must not survive.
        kept = jnp.where(mask > 0, values.astype(jnp.float32), 0.0)
        return cls(jnp.sum(kept * mask), jnp.sum(mask))

    def result(self) -> float:
        """The mean; NaN where the mask kept nothing."""
        return float(self.total) / float(self.count) if self.count > 0 else float("nan")


@struct.dataclass
class Decibels(Mean):
    """The PSNR of the mean of squared errors (peak 1), not the mean of the PSNRs.

    >>> round(Decibels.of(jnp.array([0.01, 0.01]), jnp.ones(2)).result(), 3)
    20.0
    """

    def result(self) -> float:
        """-10 log10 of the mean, at most 100 dB."""
        return float(-10 * np.log10(np.maximum(super().result(), 1e-10)))


@struct.dataclass
class Ratio(Summed):
    """One sum over another: the set's own ratio, not the mean of the examples'.

    >>> Ratio.of(jnp.array([1.0, 2.0]), jnp.array([2.0, 4.0]), jnp.ones(2)).result()
    0.5
    """

    above: Any  # []
    below: Any  # []

    @classmethod
    def of(
        cls,
        above: Float[Array, " b"],
        below: Float[Array, " b"],
        mask: Float[Array, " b"],
    ) -> "Ratio":
        total = lambda x: jnp.sum(jnp.where(mask > 0, x.astype(jnp.float32), 0.0))
        return cls(total(above), total(below))

    def result(self) -> float:
        """The ratio; NaN where nothing was counted."""
        return float(self.above) / float(self.below) if self.below else float("nan")


@struct.dataclass
class Moments:
    """Number, mean and scatter of rows, by pairwise updates (Chan et al. 1979).

    Centred in every batch before it is squared, so that a mean far from 0 costs no
    digits of the covariance.

    >>> one, two = (Moments.of(v * jnp.ones((2, 3)), jnp.ones(2)) for v in (1, 2))
    >>> (one + two).mean
    array([1.5, 1.5, 1.5])
    """

    count: Any  # []
    mean: Any  # [d]
    scatter: Any  # [d, d]: the sum of outer products of (row - mean)

    @classmethod
    def of(cls, rows: Float[Array, "b d"], mask: Float[Array, " b"]) -> "Moments":
        rows = jnp.where(mask[:, None] > 0, rows.astype(jnp.float32), 0.0)
        count = jnp.sum(mask)
        mean = jnp.sum(rows, axis=0) / jnp.maximum(count, 1)
        centred = (rows - mean) * (mask[:, None] > 0)
        high = jax.lax.Precision.HIGHEST
        return cls(count, mean, jnp.matmul(centred.T, centred, precision=high))

    def __add__(self, other: "Moments") -> "Moments":
        (n, mean, scatter), (m, mean2, scatter2) = (
            map(host, (x.count, x.mean, x.scatter)) for x in (self, other)
        )
        share = m / (n + m + (n + m == 0))
        step = mean2 - mean
        outer = step[:, None] * step[None]
        return Moments(
            n + m, mean + share * step, scatter + scatter2 + n * share * outer
        )

    def across(self, axis: str) -> "Moments":
        count = psum(self.count, axis)
        mean = psum(self.count * self.mean, axis) / jnp.maximum(count, 1)
        step = self.mean - mean
        between = self.count * step[:, None] * step[None]
        return Moments(count, mean, psum(self.scatter + between, axis))

    def covariance(self) -> np.ndarray:
        """The unbiased covariance [d, d] in float64; NaN of fewer than two rows."""
        few = not self.count > 1
        return np.asarray(self.scatter, np.float64) / (
            np.nan if few else float(self.count) - 1
        )

    def result(self) -> float:
        """The mean variance of a column."""
        return float(np.trace(self.covariance())) / len(self.mean)


@struct.dataclass
class Collection:
    """Rows kept as they are, from all batches and devices: for measures of whole sets.

    The parts are those of the batches, joined once at the end.

    >>> sums = Collection.of(jnp.ones((2, 3)), jnp.array([1.0, 0.0]))
    >>> (sums + sums).rows().shape
    (2, 3)
    """

    parts: tuple  # of pairs (rows [n, ...], mask [n])

    @classmethod
    def of(
        cls, rows: Shaped[Array, " b *row"], mask: Float[Array, " b"]
    ) -> "Collection":
        return cls(((rows, mask),))

    def __add__(self, other: "Collection") -> "Collection":
        return Collection(jax.tree.map(fetch, self.parts + other.parts))

    def across(self, axis: str) -> "Collection":
        gather = lambda x: jax.lax.all_gather(x, axis, tiled=True)
        return Collection(jax.tree.map(gather, self.parts))

    def rows(self) -> np.ndarray:
        """All rows that the masks keep, [n, ...], in the order of their arrival."""
        kept = [np.asarray(rows)[np.asarray(mask) > 0] for rows, mask in self.parts]
        return np.concatenate(kept)

    def result(self) -> float:
        """The number of rows."""
        return float(len(self.rows()))


def add(total: dict[str, Sums] | None, new: dict[str, Sums]) -> dict[str, Sums]:
    """The sums so far and those of one more batch; `None` is the empty total.

    >>> one = {"l1": Mean.of(jnp.ones(4), jnp.ones(4))}
    >>> results(add(one, one))
    {'l1': 1.0}
    """
    if total is None:
        total = {}
    return {**total, **{k: total[k] + v if k in total else v for k, v in new.items()}}


def across(sums: dict[str, Sums], axis: str | None) -> dict[str, Sums]:
    """Each record summed over the devices of a pmapped axis; `None`: one device."""
    return sums if axis is None else {k: v.across(axis) for k, v in sums.items()}


def results(sums: Mapping[str, Sums]) -> dict[str, float]:
    """Finish every record into one flat dict; one that gives a dict lends its keys.

    A key that two records give is an error of the caller, told by name.

    >>> results({"l1": Mean.of(jnp.array([1.0, 3.0]), jnp.ones(2))})
    {'l1': 2.0}
    """
    flat: dict[str, float] = {}
    for name, record in sums.items():
        value = record.result()
        named = value if isinstance(value, dict) else {name: value}
        if twice := flat.keys() & named.keys():
            raise ValueError(f"two metrics are named {', '.join(sorted(twice))}")
        flat.update(named)
    return flat
