"""Spectra of patterns that are known."""

import jax.numpy as jnp
import numpy as np

from deconvgen.ops.spectrum import azimuthal_average, power_spectrum, radial_bins


def test_white_noise_has_its_variance_at_every_frequency():
    x = 0.5 * np.random.default_rng(0).normal(size=(600, 16, 12, 2)) + 3
    for windowed in (True, False):
        power = power_spectrum(jnp.asarray(x, jnp.float32), windowed).mean(0)
        inner = np.delete(np.asarray(power).reshape(-1), 0)
        # the mean is taken off, and the window spreads that over its three bins
        assert 0.2 < np.median(inner) < 0.27
        np.testing.assert_allclose(power[3:-3, 3:-3], 0.25, rtol=0.2)


def test_without_window_the_energy_is_parsevals():
    x = jnp.asarray(np.random.default_rng(0).normal(size=(3, 15, 8, 1)), jnp.float32)
    variance = jnp.var(x, axis=(1, 2, 3))
    np.testing.assert_allclose(
        power_spectrum(x, windowed=False).mean((1, 2)), variance, rtol=1e-5
    )


def test_azimuthal_average_is_the_mean_over_each_ring():
    power = jnp.asarray(np.random.default_rng(0).uniform(size=(2, 9, 14)), jnp.float32)
    rings = azimuthal_average(power)
    bins = radial_bins(9, 14)
    assert bins[0, 0] == 0 and bins.max() == rings.shape[1] - 1
    for r in range(rings.shape[1]):
        inside = bins == r
        if inside.any():
            np.testing.assert_allclose(rings[:, r], power[:, inside].mean(1), rtol=1e-5)


def test_checkerboard_lies_in_the_last_ring():
    i = np.arange(16)
    board = jnp.asarray((-1.0) ** (i[:, None] + i), jnp.float32)[None, :, :, None]
    rings = azimuthal_average(power_spectrum(board, windowed=False))
    assert rings.shape[1] == 12 and rings[0].argmax() == 11
    np.testing.assert_allclose(rings[0, :-1], 0, atol=1e-3)
