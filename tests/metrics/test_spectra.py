"""Spectral measures on noise and patterns whose spectrum is known."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from deconvgen.core.errors import UserError
from deconvgen.metrics import spectra
from deconvgen.metrics.sets import Artifacts
from deconvgen.ops.spectrum import azimuthal_average, power_spectrum

SIZE = 32


def noise(n, seed=0, exponent=0.0):
    """White noise, coloured to a power of frequency^exponent, [n, 32, 32, 1]."""
    white = np.random.default_rng(seed).normal(size=(n, SIZE, SIZE))
    radius = np.hypot(np.fft.fftfreq(SIZE)[:, None], np.fft.fftfreq(SIZE))
    radius[0, 0] = 1 / SIZE
    shaped = np.fft.ifft2(np.fft.fft2(white) * radius ** (exponent / 2)).real
    return jnp.asarray(shaped[..., None], jnp.float32)


def mean_power(images, windowed=True):
    return np.asarray(power_spectrum(images, windowed).mean(0), np.float64)


def profiles(images):
    return np.asarray(azimuthal_average(power_spectrum(images)), np.float64)


@pytest.mark.parametrize("stride", [2, 3, 4])
def test_no_replicas_in_noise(stride):
    for exponent in (0.0, -2.0):
        power = mean_power(noise(400, exponent=exponent))
        found = spectra.replica_energy(power, stride)
        # (0, 1) and (0, s - 1), say, are mirror images
        assert len(found) == {2: 3, 3: 4, 4: 9}[stride]
        assert max(found.values()) < 0.6
        assert min(found.values()) > (-0.6 if exponent == 0 else -1.5)


def test_a_checkerboard_has_the_energy_that_its_amplitude_says():
    i = np.arange(SIZE)
    board = ((-1.0) ** (i[:, None] + i))[None, :, :, None].astype(np.float32)
    levels = []
    for amplitude in (0.1, 0.2, 0.4):
        power = mean_power(noise(400) + amplitude * board)
        found = spectra.replica_energy(power, 2)
        # A wave of period 2 has all its power, a^2 h w, in one bin; the Hann window
        # leaves (2/3)^2 of it there. White noise of variance 1 has 1 in each bin.
        expected = 10 * np.log10(1 + amplitude**2 * SIZE**2 * (2 / 3) ** 2)
        assert found[1, 1] == pytest.approx(expected, abs=0.4)
        assert abs(found[0, 1]) < 0.5 and abs(found[1, 0]) < 0.5
        levels.append(found[1, 1])
    assert levels[0] < levels[1] < levels[2]


def test_zero_insertion_shows_at_every_replica():
    low = noise(200, exponent=-2.0)[:, ::4, ::4] + 1
    nails = jnp.zeros((200, SIZE, SIZE, 1)).at[:, ::4, ::4].set(low)
    assert min(spectra.replica_energy(mean_power(nails), 4).values()) > 5


@pytest.mark.parametrize("size", [30, 31, 33, 34, 35, 63, 65, 66])
def test_replicas_of_images_that_no_stride_divides(size):
    """Images that end within a period have the replicas of the whole periods."""
    i = np.arange(66)
    ripple = np.cos(np.pi * i / 2)[:, None] + (-1.0) ** (i[:, None] + i)
    x = jax.random.normal(jax.random.key(0), (40, 66, 66, 1)) + ripple[..., None]
    found, whole = (
        Artifacts.of(y, y, jnp.ones(40)).result()
        for y in (x[:, :size, :size], x[:, : size - size % 4, : size - size % 4])
    )
    for name in ("replica_db_s2", "replica_db_s4"):
        assert found[name] == pytest.approx(whole[name], abs=0.6)
        assert found[name] > 20


def test_replicas_need_room():
    with pytest.raises(UserError, match="stride 4"):
        spectra.replica_energy(np.ones((12, 12)), 4)


@pytest.mark.parametrize("exponent", [0.0, -1.0, -2.0])
def test_slope_of_coloured_noise(exponent):
    profile = profiles(noise(300, exponent=exponent)).mean(0)
    assert spectra.high_band_slope(profile, SIZE) == pytest.approx(exponent, abs=0.12)


def test_distance_is_the_gain_in_decibels():
    one = profiles(noise(20)).mean(0)
    assert spectra.spectrum_distance(one, one) == 0
    assert spectra.spectrum_distance(one, 2 * one) == pytest.approx(10 * np.log10(2))


def test_separability_from_guessing_to_certainty():
    real = profiles(noise(300, 0))
    same = spectra.separability(real, profiles(noise(300, 1)))
    assert abs(same - 0.5) < 0.08
    i = np.arange(SIZE)
    board = ((-1.0) ** (i[:, None] + i))[None, :, :, None]
    found = [
        spectra.separability(real, profiles(noise(200, 1) + a * board))
        for a in (0.05, 0.1, 0.3)
    ]
    assert 0.5 < found[0] < found[1] < found[2] and found[2] > 0.95


def test_logistic_regression_is_scikit_learns():
    rng = np.random.default_rng(0)
    negative, positive = rng.normal(size=(60, 4)), rng.normal(size=(90, 4)) + 0.5
    weights, mean, scale = spectra._logistic_regression(negative, positive, ridge=1e-2)
    x = (np.concatenate([negative, positive]) - mean) / scale
    y = np.r_[np.zeros(60), np.ones(90)]
    share = np.where(y, 0.5 / 90, 0.5 / 60)
    theirs = LogisticRegression(C=1 / 1e-2, tol=1e-10).fit(x, y, sample_weight=share)
    np.testing.assert_allclose(weights[:-1], theirs.coef_[0], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(weights[-1], theirs.intercept_[0], atol=1e-4)


def test_separable_sets_do_not_break_the_fit():
    rows = np.full((10, 3), 1.0)
    assert spectra.separability(rows, 100 * rows) == 1.0
    assert spectra.separability(rows, rows) == 0.5
