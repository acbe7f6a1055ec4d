"""Intervals that hold the truth, and the bias of few images taken off."""

import numpy as np
import pytest

from deconvgen.metrics.confidence import (
    around,
    frechet_error,
    frechet_infinity,
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


@pytest.mark.parametrize(
    ("n", "shift", "ratio"), [(100, 0.3, 1.0), (100, 0.0, 1.4), (12, 0.6, 1.2)]
)
def test_the_error_of_a_distance_is_how_much_it_varies(n, shift, ratio):
    """Also where covariances are singular: 12 images of 16 features."""
    pairs = [
        (draws(n, 2 * s, 16), 1.2 * draws(n, 2 * s + 1, 16, shift)) for s in range(60)
    ]
    if not shift:
        pairs = [(x, y / 1.2) for x, y in pairs]
    varies = np.std([frechet_distance(*pair) for pair in pairs])
    errors = [frechet_error(*pair) for pair in pairs]
    assert np.mean(errors) / varies == pytest.approx(ratio, abs=0.35)
    more = frechet_error(*pairs[0], numbers=(4 * n, 4 * n))
    assert more == pytest.approx(errors[0] / 2)
    assert around(1.0, 2.0, 0.0) == pytest.approx((0.0, 1 + 3.92), rel=1e-3)


def test_the_interval_of_a_share():
    low, high = share_interval(np.arange(400) % 4 == 0)
    assert (low, high) == pytest.approx((0.25 - 0.042, 0.25 + 0.042), abs=0.01)
    low, high = share_interval(np.zeros(100))
    assert 0 <= low < 1e-12 and 0.03 < high < 0.04  # Wilson: z^2 / (n + z^2)
    assert np.isnan(share_interval([]).low)
