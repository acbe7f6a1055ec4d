"""Probabilities of 8-bit images."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from deconvgen.core.errors import UserError
from deconvgen.losses.likelihoods import Mixture, likelihoods

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


MIXED = jax.random.normal(jax.random.key(0), (256, 1, 1, 15))


@pytest.mark.parametrize("name", ["logistic", "gaussian"])
@pytest.mark.parametrize("size", [0.1, 3.0])
def test_a_mixture_has_the_probability_1(name, size):
    mixed = Mixture.of(jnp.broadcast_to(size * MIXED[:1], MIXED.shape), 5)
    total = jnp.exp(mixed.log_p(name, LEVELS)).sum()
    assert float(total) == pytest.approx(1, abs=2e-3)


@pytest.mark.parametrize("name", ["logistic", "gaussian"])
def test_a_mixture_of_one_is_its_law(name):
    given = jnp.array([0.7, 0.3, -1.0]) * jnp.ones((256, 1, 1, 1))
    single = likelihoods[name](jnp.full_like(LEVELS, 0.3), jnp.array([-3.0]), LEVELS)
    np.testing.assert_allclose(Mixture.of(given, 1).log_p(name, LEVELS), single)


def test_channels_share_the_component_of_their_pixel():
    """Two components, either all black or all white: grey pairs are not to be had."""
    given = jnp.array([0.0, 0.0, *[0.0] * 2, *[-5.0] * 2, *[0.0] * 2, *[-5.0] * 2])
    mixed = Mixture.of(jnp.broadcast_to(given, (3, 1, 1, 10)), 2)
    colours = jnp.array([[-1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]]).reshape(3, 1, 1, 2)
    black, white, both = mixed.log_p("logistic", colours)
    assert black == white == pytest.approx(2 * np.log(0.98) + np.log(0.5), abs=0.1)
    assert both < -100
    np.testing.assert_allclose(mixed.image(), 0, atol=1e-6)


def test_a_mixture_has_slopes_far_from_the_image():
    def worst(given):
        images = jnp.resize(jnp.array([-1.0, 0.5, 1.0]), (256, 1, 1, 1))
        return Mixture.of(given, 5).log_p("logistic", images).sum()

    for size in (1.0, 1e3):
        value, slopes = jax.value_and_grad(worst)(size * MIXED)
        assert np.isfinite(value) and np.isfinite(slopes).all()


def test_a_mixture_takes_the_numbers_and_the_images_that_are_its_own():
    for numbers, components in ((2, 5), (14, 5), (16, 5), (3, 3)):
        with pytest.raises(UserError, match=f"c channels, not {numbers}"):
            Mixture.of(jnp.zeros((1, 4, 4, numbers)), components)
    mixed = Mixture.of(jnp.broadcast_to(MIXED[:1], MIXED.shape), 5)
    bytes_ = np.arange(256, dtype=np.uint8).reshape(256, 1, 1, 1)
    found = mixed.log_p("logistic", bytes_)
    np.testing.assert_allclose(found, mixed.log_p("logistic", LEVELS), rtol=1e-5)
    for other in (LEVELS[:1], jnp.repeat(LEVELS, 3, -1), LEVELS[:, 0]):
        with pytest.raises(UserError, match=r"is of images \[256, 1, 1, 1\]"):
            mixed.log_p("logistic", other)


def test_a_law_without_scale_has_no_mixtures():
    with pytest.raises(UserError, match=r"bernoulli has no mixtures.*logistic"):
        Mixture.of(MIXED, 5).log_p("bernoulli", LEVELS)
