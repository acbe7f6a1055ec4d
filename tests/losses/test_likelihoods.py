"""Probabilities of 8-bit images."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from deconvgen.losses.likelihoods import likelihoods

LEVELS = jnp.asarray(np.arange(256) / 127.5 - 1, jnp.float32).reshape(256, 1, 1, 1)


@pytest.mark.parametrize("name", ["logistic", "gaussian"])
@pytest.mark.parametrize("mean", [-1.0, -0.3, 0.999])
@pytest.mark.parametrize("log_scale", [-5.0, -2.0, 0.5])
def test_the_256_levels_have_the_probability_1(name, mean, log_scale):
    means = jnp.full_like(LEVELS, mean)
    log_p = likelihoods[name](means, jnp.array([log_scale]), LEVELS)
    assert float(jnp.exp(log_p).sum()) == pytest.approx(1, abs=2e-3)


@pytest.mark.parametrize("name", ["logistic", "gaussian"])
def test_the_middle_levels_are_differences_of_the_distribution(name):
    from scipy import stats

    law = {"logistic": stats.logistic, "gaussian": stats.norm}[name](0.1, np.exp(-2))
    x = np.asarray(LEVELS, np.float64)[1:-1, 0, 0, 0]
    expected = np.log(law.cdf(x + 1 / 255) - law.cdf(x - 1 / 255))
    means = jnp.full_like(LEVELS, 0.1)
    found = likelihoods[name](means, jnp.array([-2.0]), LEVELS)[1:-1]
    near = np.abs(x - 0.1) < 0.6  # further off float64's differences lose digits
    np.testing.assert_allclose(found[near], expected[near], rtol=2e-3, atol=2e-3)


@pytest.mark.parametrize("name", list(likelihoods))
def test_a_bad_guess_is_finite_and_pulled_towards_the_image(name):
    images = jnp.array([1.0, -1.0, 0.5]).reshape(3, 1, 1, 1)
    means = jnp.array([-0.99, 0.99, -0.9]).reshape(3, 1, 1, 1)
    of = lambda means: likelihoods[name](means, jnp.array([-4.0]), images).sum()
    value, slope = jax.value_and_grad(of)(means)
    assert np.isfinite(value)
    assert (np.sign(slope[:, 0, 0, 0]) == [1, -1, 1]).all()
