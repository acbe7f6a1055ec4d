"""Records that add up: the same result however the set is cut into batches."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import struct

from deconvgen.metrics.sums import (
    Collection,
    Mean,
    Moments,
    Ratio,
    Summed,
    add,
    results,
)


def test_mean_ignores_padding_even_if_it_is_nan():
    mean = Mean.of(jnp.array([1.0, 3.0, jnp.nan]), jnp.array([1.0, 1.0, 0.0]))
    assert mean.result() == 2.0
    assert np.isnan(Mean.of(jnp.zeros(2), jnp.zeros(2)).result())


def test_mean_is_exact_over_many_batches():
    batch = jax.jit(Mean.of)(jnp.full(1000, 0.1), jnp.ones(1000))
    total = None
    for _ in range(300):
        total = add(total, {"x": batch})
    assert total["x"].count == 300_000
    # float32 accumulation would be off by about 1e-5 here
    np.testing.assert_allclose(
        total["x"].result(), float(batch.total) / 1000, rtol=1e-14
    )


def test_mean_across_devices_is_the_mean_of_all():
    values = jnp.arange(6.0).reshape(2, 3)
    mask = jnp.array([[1.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
    summed = jax.vmap(lambda v, m: Mean.of(v, m).across("d"), axis_name="d")(
        values, mask
    )
    first = jax.tree.map(lambda x: x[0], summed)
    assert first.result() == pytest.approx((0 + 1 + 3) / 3)


def test_results_are_flat_and_no_name_comes_twice():
    one = Mean.of(jnp.ones(1), jnp.ones(1))

    class Pair:
        def result(self):
            return {"a": 1.0, "b": 2.0}

    assert results({"m": one, "pair": Pair()}) == {"m": 1.0, "a": 1.0, "b": 2.0}
    with pytest.raises(ValueError, match="a"):
        results({"a": one, "pair": Pair()})


def test_ratio_is_of_the_sums():
    ratio = Ratio.of(
        jnp.array([1.0, 2.0, jnp.nan]),
        jnp.array([1.0, 5.0, 1.0]),
        jnp.array([1.0, 1, 0]),
    )
    assert (ratio + ratio).result() == 0.5
    assert np.isnan(Ratio.of(jnp.zeros(1), jnp.zeros(1), jnp.zeros(1)).result())


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    return (rng.normal(size=(700, 5)) @ rng.normal(size=(5, 5)) + 1000).astype("f4")


def batches(rows, size=64):
    """Padded with NaN, as padding may be anything."""
    for start in range(0, len(rows), size):
        part = rows[start : start + size]
        mask = np.ones(size, "f4") * (np.arange(size) < len(part))
        padding = np.full((size - len(part), *rows.shape[1:]), np.nan, rows.dtype)
        yield jnp.asarray(np.concatenate([part, padding])), jnp.asarray(mask)


def test_moments_far_from_zero_keep_their_digits(rows):
    of = jax.jit(Moments.of)
    total = None
    for part, mask in batches(rows):
        total = add(total, {"m": of(part, mask)})
    moments = total["m"]
    wide = rows.astype(np.float64)
    assert moments.count == 700
    np.testing.assert_allclose(moments.mean, wide.mean(0), rtol=1e-7)
    np.testing.assert_allclose(
        moments.covariance(), np.cov(wide.T), rtol=1e-4, atol=2e-5
    )
    np.testing.assert_allclose(moments.result(), wide.var(0, ddof=1).mean(), rtol=1e-4)


def test_moments_across_devices_and_with_an_empty_one(rows):
    x = jnp.asarray(rows[:96].reshape(3, 32, 5))
    mask = jnp.ones((3, 32)).at[2].set(0).at[1, 20:].set(0)
    spread = jax.vmap(lambda x, m: Moments.of(x, m).across("d"), axis_name="d")(x, mask)
    kept = rows[:52].astype(np.float64)
    for i in range(3):
        moments = jax.tree.map(lambda v, i=i: v[i], spread)
        np.testing.assert_allclose(moments.mean, kept.mean(0), rtol=1e-6)
        np.testing.assert_allclose(moments.covariance(), np.cov(kept.T), rtol=1e-3)
    nothing = Moments.of(x[0], jnp.zeros(32))
    both = nothing + Moments.of(x[0], mask[0])
    np.testing.assert_allclose(both.covariance(), np.cov(rows[:32].T), rtol=1e-4)
    assert (nothing + nothing).count == 0


def test_collection_gives_back_every_row_once_and_in_order(rows):
    total = None
    for part, mask in batches(rows):
        total = add(total, {"c": jax.jit(Collection.of)(part, mask)})
    np.testing.assert_array_equal(total["c"].rows(), rows)
    assert total["c"].result() == 700
    spread = jax.vmap(lambda x, m: Collection.of(x, m).across("d"), axis_name="d")(
        jnp.asarray(rows[:96].reshape(3, 32, 5)), jnp.ones((3, 32)).at[1].set(0)
    )
    one = jax.tree.map(lambda v: v[0], spread)
    np.testing.assert_array_equal(one.rows(), np.delete(rows[:96], slice(32, 64), 0))


def test_sums_can_be_added_inside_jit(rows):
    x = jnp.asarray(rows[:64])

    @jax.jit
    def twice(x):
        ones = jnp.ones(32)
        first, second = (
            {"m": Moments.of(p, ones), "c": Collection.of(p, ones)}
            for p in (x[:32], x[32:])
        )
        return add(first, second)

    total = twice(x)
    np.testing.assert_array_equal(total["c"].rows(), rows[:64])
    np.testing.assert_allclose(total["m"].covariance(), np.cov(rows[:64].T), rtol=1e-3)


@struct.dataclass
class Both(Summed):
    """A sum of sums, of plain numbers, and of what is no sum."""

    mean: Mean
    kept: Collection
    count: Any
    name: str = struct.field(pytree_node=False, default="")


def test_a_sum_of_sums_adds_each_as_it_says():
    mask = jnp.ones(2)
    of = lambda x, n: Both(Mean.of(x, mask), Collection.of(x[:, None], mask), n, "me")
    one, two = of(jnp.array([1.0, 2.0]), 3), of(jnp.array([5.0, 6.0]), 4)
    both = one + two + one
    assert (both.mean.result(), both.count, both.name) == (17 / 6, 10, "me")
    np.testing.assert_array_equal(both.kept.rows()[:, 0], [1, 2, 5, 6, 1, 2])
    rows = jnp.array([[1.0, 2.0], [5.0, 6.0]])
    over = jax.vmap(lambda x: of(x, jnp.int32(3)).across("d"), axis_name="d")(rows)
    first = jax.tree.map(lambda x: x[0], over)
    assert (first.mean.result(), int(first.count)) == (3.5, 6)
    np.testing.assert_array_equal(first.kept.rows()[:, 0], [1, 2, 5, 6])
