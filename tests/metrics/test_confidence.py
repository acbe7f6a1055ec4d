"""Intervals that hold the truth, and the bias of few images taken off."""

import numpy as np
import pytest

from deconvgen.metrics.confidence import (
    frechet_infinity,
    frechet_interval,
    share_interval,
)
from deconvgen.metrics.distances import frechet_distance


def draws(n, seed, d=8, shift=0.0):
    return np.random.default_rng(seed).normal(size=(n, d)) + shift


def test_infinitely_many_images_have_no_bias():
    """Of one distribution the distance is 0, whatever that of few images is."""
    errors = []
    for seed in range(12):
        x, y = draws(400, 2 * seed), draws(400, 2 * seed + 1)
        errors.append((frechet_distance(x, y), frechet_infinity(x, y)))
    few, many = np.mean(errors, axis=0)
    assert abs(many) < 0.2 * few
    assert np.isnan(frechet_infinity(draws(9, 0), draws(9, 1)))


def test_the_interval_of_a_distance_is_as_wide_as_it_varies():
    values = [
        frechet_distance(draws(200, 2 * s), draws(200, 2 * s + 1, shift=0.3))
        for s in range(40)
    ]
    low, high = frechet_interval(draws(200, 0), draws(200, 1, shift=0.3))
    assert low < values[0] < high
    assert high - low == pytest.approx(3.92 * np.std(values), rel=0.5)


def test_the_interval_of_a_share():
    low, high = share_interval(np.arange(400) % 4 == 0)
    assert (low, high) == pytest.approx((0.25 - 0.042, 0.25 + 0.042), abs=0.01)
    assert np.isnan(share_interval([]).low)
