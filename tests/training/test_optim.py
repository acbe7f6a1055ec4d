"""Optimizers do what their config values say."""

import jax.numpy as jnp
import numpy as np
import optax
import pytest

from deconvgen.core.errors import UserError
from deconvgen.training.optim import (
    make_optimizer,
    make_schedule,
    optimizers,
    schedules,
)

ONE, NONE = jnp.ones, jnp.zeros
PARAMS = {"body": {"kernel": ONE((2, 2)), "bias": ONE(2)}, "head": ONE(3)}
ZERO = {"body": {"kernel": NONE((2, 2)), "bias": NONE(2)}, "head": NONE(3)}


def step(tx, grads):
    updates, _ = tx.update(grads, tx.init(PARAMS), PARAMS)
    return optax.apply_updates(PARAMS, updates)


@pytest.mark.parametrize("name", list(optimizers))
def test_every_optimizer_goes_downhill(name):
    new = step(make_optimizer(name, 0.1), PARAMS)  # the gradient of |p|^2 / 2
    assert float(new["head"][0]) < 1


@pytest.mark.parametrize("name", list(optimizers))
def test_weight_decay_spares_biases_and_gains(name):
    new = step(make_optimizer(name, 0.1, weight_decay=0.5), ZERO)
    assert (new["body"]["kernel"] < 1).all()
    np.testing.assert_array_equal(new["body"]["bias"], 1)
    np.testing.assert_array_equal(new["head"], 1)


def test_adamw_decays_by_rate_times_weight_decay():
    new = step(make_optimizer("adamw", 0.1, weight_decay=0.5), ZERO)
    np.testing.assert_allclose(new["body"]["kernel"], 1 - 0.1 * 0.5, rtol=1e-6)


def test_clipping_bounds_the_global_norm():
    big = {"body": {"kernel": 1e3 * jnp.ones((2, 2)), "bias": jnp.zeros(2)}}
    big["head"] = jnp.zeros(3)
    tx = make_optimizer("sgd", 1.0, momentum=0.0, clip=1.0)
    new = step(tx, big)
    moved = np.linalg.norm(np.asarray(new["body"]["kernel"]) - 1)
    np.testing.assert_allclose(moved, 1.0, rtol=1e-5)


def test_scales_slow_down_or_freeze_by_path():
    tx = make_optimizer("sgd", 1.0, momentum=0.0, scales={"head": 0.1, "kernel": 0.0})
    new = step(tx, PARAMS)
    np.testing.assert_allclose(new["head"], 0.9, rtol=1e-6)
    np.testing.assert_array_equal(new["body"]["kernel"], 1)
    np.testing.assert_array_equal(new["body"]["bias"], 0)


def test_schedules_at_known_steps():
    at = lambda name, step, **kw: float(make_schedule(name, 2.0, 100, **kw)(step))
    assert at("constant", 70) == 2.0
    assert at("cosine", 50) == pytest.approx(1.0)
    assert at("linear", 25) == pytest.approx(1.5)
    assert at("step", 25, step_every=10, step_factor=0.5) == pytest.approx(0.5)
    for name in schedules:
        assert at(name, 5, warmup_steps=10) == pytest.approx(1.0)
        assert at(name, 10, warmup_steps=10) == pytest.approx(2.0)


def test_wrong_values_are_told():
    with pytest.raises(UserError, match="unknown optimizer 'adm'; did you mean 'adam'"):
        make_optimizer("adm")
    with pytest.raises(UserError, match="unknown schedule 'cosin'"):
        make_optimizer(schedule="cosin")
    with pytest.raises(UserError, match="warmup_steps"):
        make_optimizer(warmup_steps=5, steps=2)
    with pytest.raises(UserError, match="weight_decay"):
        make_optimizer(weight_decay=-1.0)


def test_b2_moves_down_a_cosine():
    """Adam written out, with the b2 of each step (R3GAN: 0.9 to 0.99)."""
    steps, rate, b1 = 5, 0.1, 0.5
    tx = make_optimizer("adam", rate, steps, b1=b1, b2=0.9, b2_end=0.99)
    w, m, v = np.array([1.0, -2.0]), np.zeros(2), np.zeros(2)
    found, state = jnp.asarray(w), tx.init(jnp.asarray(w))
    for t in range(steps):
        grad = 2 * w + t
        b2 = 0.99 - 0.09 * (1 + np.cos(np.pi * t / steps)) / 2
        m, v = b1 * m + (1 - b1) * grad, b2 * v + (1 - b2) * grad**2
        unbiased = m / (1 - b1 ** (t + 1)), v / (1 - b2 ** (t + 1))
        w = w - rate * unbiased[0] / (np.sqrt(unbiased[1]) + 1e-8)
        updates, state = tx.update(2 * found + t, state, found)
        found = found + updates
        np.testing.assert_allclose(found, w, rtol=1e-4)
    with pytest.raises(UserError, match="b2_end is of adam alone"):
        make_optimizer("sgd", b2_end=0.99)


@pytest.mark.parametrize("name", ["cosine", "linear"])
def test_a_schedule_may_end_above_zero(name):
    rate = make_schedule(name, 2.0, 10, rate_end=0.25)
    np.testing.assert_allclose([rate(0), rate(10), rate(99)], [2.0, 0.5, 0.5])
