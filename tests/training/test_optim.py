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
