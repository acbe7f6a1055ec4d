"""Zero at the target, worse further off, and gradients that are the true ones."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from deconvgen.losses.reconstruction import (
    azimuthal_profile,
    reconstruction_losses,
    spectral_divergence,
)

NAMES = list(reconstruction_losses)
SPECTRAL = ["azimuthal", "focal_frequency", "fft"]


def images(seed, shape=(2, 12, 13, 2)):
    return np.tanh(np.random.default_rng(seed).normal(size=shape))


@pytest.mark.parametrize("name", NAMES)
def test_zero_at_the_target_and_growing_with_the_error(name):
    loss = jax.jit(reconstruction_losses[name])
    x, noise = (0.5 * jnp.asarray(images(s), jnp.float32) for s in (0, 1))
    values = [loss(x + t * noise, x) for t in (0, 0.3, 1)]
    assert values[0].shape == (2,)
    np.testing.assert_allclose(values[0], 0, atol=1e-6)
    assert (values[0] < values[1]).all() and (values[1] < values[2]).all()
    assert np.isfinite(jax.grad(lambda y: loss(y, x).sum())(x)).all()


@pytest.mark.parametrize("name", NAMES)
def test_bfloat16_is_reduced_in_float32(name):
    x, y = (jnp.asarray(images(s), jnp.bfloat16) for s in (0, 1))
    assert reconstruction_losses[name](x, y).dtype == jnp.float32


@pytest.mark.parametrize("name", NAMES)
def test_gradient_by_finite_differences_in_float64(name):
    with jax.enable_x64(True):
        x, y = (jnp.asarray(images(s), jnp.float64) for s in (0, 1))
        loss = jax.jit(lambda z: reconstruction_losses[name](z, y).sum())
        if name == "focal_frequency":
            # The weight is held constant on purpose: hold it in the reference, too.
            f = jnp.fft.fft2(x - y, axes=(1, 2), norm="ortho")
            w = jnp.abs(f) / jnp.abs(f).max((1, 2), keepdims=True)
            change = lambda z: jnp.fft.fft2(z - y, axes=(1, 2), norm="ortho")
            reference = jax.jit(
                lambda z: jnp.mean(w * jnp.abs(change(z)) ** 2, (1, 2, 3)).sum()
            )
            np.testing.assert_allclose(loss(x), reference(x), rtol=1e-12)
        else:
            reference = loss
        gradient = jax.grad(loss)(x)
        assert gradient.dtype == jnp.float64
        for seed in range(3):
            direction = jnp.asarray(np.random.default_rng(seed).normal(size=x.shape))
            h = 1e-6
            slope = (reference(x + h * direction) - reference(x - h * direction)) / (
                2 * h
            )
            assert abs(slope) > 1e-6
            np.testing.assert_allclose(jnp.sum(gradient * direction), slope, rtol=1e-5)


@pytest.mark.parametrize("name", SPECTRAL)
def test_descending_a_spectral_loss_brings_the_spectrum_closer(name):
    loss = lambda z: reconstruction_losses[name](z, y).sum()
    x, y = (jnp.asarray(images(s, (1, 16, 16, 1)), jnp.float32) for s in (0, 1))
    step = 30.0 if name == "azimuthal" else 20.0
    descend = jax.jit(lambda z: z - step * jax.grad(loss)(z))
    start = loss(x)
    for _ in range(40):
        x = descend(x)
    assert loss(x) < 0.5 * start


def test_cross_entropy_keeps_a_gradient_in_saturated_pixels():
    black, white = -jnp.ones((1, 2, 2, 1)), jnp.ones((1, 2, 2, 1))
    loss = reconstruction_losses["binary_cross_entropy"]
    assert (jax.grad(lambda x: loss(x, white).sum())(black) < -1).all()


def test_azimuthal_profile_of_real_images_stays_within_one():
    for x in (images(0), -np.ones((1, 8, 8, 1)), np.ones((1, 8, 8, 1))):
        profile = azimuthal_profile(jnp.asarray(x, jnp.float32))
        assert (profile >= 0).all() and (profile <= 1).all()


def test_one_mean_profile_serves_a_whole_batch():
    x = jnp.asarray(images(0), jnp.float32)
    profile = azimuthal_profile(x)
    together = spectral_divergence(profile, profile.mean(0, keepdims=True))
    assert together.shape == (2,) and (together > 0).all()


def test_spectral_losses_ignore_where_and_pixel_losses_do_not():
    x = jnp.asarray(images(0, (1, 12, 12, 1)), jnp.float32)
    moved = jnp.roll(x, 3, axis=1)
    for name in ("azimuthal", "fft"):
        assert reconstruction_losses[name](moved, x)[0] < 1e-6
    for name in ("l1", "l2", "ssim", "focal_frequency"):
        assert reconstruction_losses[name](moved, x)[0] > 0.1
