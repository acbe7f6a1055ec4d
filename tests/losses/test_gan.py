"""GAN losses against their definitions, penalties against known gradients."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from deconvgen.core.errors import UserError
from deconvgen.losses.gan import gan_losses, gradient_penalty, r1

REAL = jnp.array([-2.0, 0.3, 4.0, 90.0])
FAKE = jnp.array([1.0, -0.5, 0.0, -90.0])


def sigmoid(x):
    return 1 / (1 + np.exp(-np.asarray(x, np.float64)))


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_non_saturating_is_cross_entropy(smoothing):
    real, fake = REAL[:3], FAKE[:3]
    t, d, g = 1 - smoothing, sigmoid(real), sigmoid(fake)
    expected = -(t * np.log(d) + (1 - t) * np.log(1 - d)) - np.log(1 - g)
    loss = gan_losses["non_saturating"]
    np.testing.assert_allclose(loss.critic(real, fake, smoothing), expected, rtol=1e-5)
    np.testing.assert_allclose(loss.generator(fake), -np.log(g), rtol=1e-5)


@pytest.mark.parametrize("name", list(gan_losses))
def test_losses_are_finite_far_out_and_pull_the_right_way(name):
    loss = gan_losses[name]
    assert np.isfinite(loss.critic(REAL, FAKE)).all()
    assert loss.critic(REAL, FAKE).shape == loss.generator(FAKE).shape == (4,)
    # Around zero the critic raises real logits and lowers fake ones; the generator
    # raises the fake ones.
    zero = jnp.zeros(1)
    d_real, d_fake = jax.grad(lambda r, f: loss.critic(r, f).sum(), (0, 1))(
        zero + 0.01, zero + 0.01
    )
    assert d_real < 0 < d_fake
    assert jax.grad(lambda f: loss.generator(f).sum())(zero) < 0


def test_smoothing_moves_the_optimum_of_the_real_logit():
    for name, best in [("non_saturating", np.log(0.9 / 0.1)), ("least_squares", 0.9)]:
        at_best = jnp.array([best], jnp.float32)
        slope = jax.grad(
            lambda r, n=name: gan_losses[n].critic(r, jnp.zeros(1), 0.1).sum()
        )
        np.testing.assert_allclose(slope(at_best), 0, atol=1e-6)


@pytest.mark.parametrize("name", ["hinge", "wasserstein"])
def test_smoothing_without_labels_is_the_users_mistake(name):
    with pytest.raises(UserError, match=name):
        gan_losses[name].critic(REAL, FAKE, 0.1)


def test_hinge_stops_at_the_margin():
    critic = gan_losses["hinge"].critic
    assert critic(jnp.array([1.5]), jnp.array([-1.5]))[0] == 0
    assert critic(jnp.array([0.5]), jnp.array([-0.25]))[0] == 1.25


def test_penalties_of_a_linear_critic():
    weights = jax.random.normal(jax.random.key(0), (4, 4, 2))
    linear = lambda x: jnp.einsum("bhwc,hwc->b", x, weights)
    images = jax.random.normal(jax.random.key(1), (3, 4, 4, 2))
    norm = jnp.linalg.norm(weights)
    keys = jax.random.split(jax.random.key(2), 3)
    penalty = gradient_penalty(linear, images, -images, keys, target=0.5)
    np.testing.assert_allclose(penalty, [(norm - 0.5) ** 2] * 3, rtol=1e-5)
    np.testing.assert_allclose(r1(linear, images), [norm**2 / 2] * 3, rtol=1e-5)


def test_penalty_is_taken_between_real_and_fake_by_each_examples_own_key():
    # The critic |x|^2/2 has the gradient x, so the penalty tells where it was taken.
    critic = lambda x: jnp.sum(x**2, (1, 2, 3)) / 2
    real, fake = jnp.zeros((64, 1, 1, 1)), jnp.ones((64, 1, 1, 1))
    keys = jax.random.split(jax.random.key(0), 64)
    where = jnp.sqrt(gradient_penalty(critic, real, fake, keys, target=0.0))
    assert 0 < where.min() < 0.1 and 0.9 < where.max() < 1
    alone = gradient_penalty(critic, real[5:6], fake[5:6], keys[5:6], target=0.0)
    np.testing.assert_allclose(jnp.sqrt(alone), where[5:6], rtol=1e-6)


def test_penalty_has_a_finite_gradient_where_the_critic_is_flat():
    flat = lambda scale: lambda x: scale * jnp.sum(x, (1, 2, 3))
    images = jnp.zeros((2, 2, 2, 1))
    keys = jax.random.split(jax.random.key(0), 2)
    slope = jax.grad(lambda s: gradient_penalty(flat(s), images, images, keys).sum())
    assert np.isfinite(slope(0.0))
