"""Floor and spread of the Frechet distance against many sets; reasons for NaN."""

import math

import numpy as np
import pytest

from deconvgen.metrics import trust
from deconvgen.metrics.distances import frechet_distance

RNG = np.random.default_rng(0)
MIX = RNG.normal(size=(8, 8)) / 3


def real(n):
    return RNG.normal(size=(n, 8)) @ MIX


def fake(n):
    return (1.1 * RNG.normal(size=(n, 8)) + 0.2) @ MIX


def test_the_deviation_is_that_of_many_generated_sets():
    images = real(300)
    distances = [frechet_distance(images, fake(300)) for _ in range(200)]
    told = [trust.frechet_deviation(images, fake(300)) for _ in range(30)]
    assert np.mean(told) == pytest.approx(np.std(distances), rel=0.2)
    assert trust.frechet_deviation(images, fake(300)) > 0
    assert math.isnan(trust.frechet_deviation(images, fake(3)))
    assert math.isnan(trust.frechet_deviation(images, fake(9) * math.nan))


def test_the_floor_is_a_perfect_generators_distance():
    images, training = real(300), real(2000)
    perfect = [frechet_distance(images, real(300)) for _ in range(50)]
    floor = trust.frechet_floor(images, training)
    assert abs(floor - np.mean(perfect)) < 4 * np.std(perfect)
    assert floor < 0.7 * frechet_distance(images, fake(300))
    assert math.isnan(trust.frechet_floor(images, training[:299]))
    assert math.isnan(trust.frechet_floor(images[:1], training))


def test_reasons_are_told_once_each():
    record = {
        "frechet_random": math.nan,
        "kid_random_mean": math.nan,
        "spectrum_accuracy": math.nan,
        "modes_kl_random": 0.1,
        "unrecognized_random": math.nan,
        "phase_variance_ratio_s2": math.nan,  # constant images: no count to blame
        "images_real_random": 1.0,
        "images_fake_random": 1.0,
        "num_examples": 1,
    }
    assert trust.reasons(record) == [
        "frechet_random, kid_random_mean: nan, needs 6 images of either kind, has 1",
        "spectrum_accuracy: nan, needs 4 images of either kind, has 1",
        "unrecognized_random: nan, needs 100 images of either kind, has 1",
    ]
    logged = {k: "nan" if v != v else v for k, v in record.items()}
    assert trust.reasons(logged) == trust.reasons(record)
    many = dict.fromkeys(("images_real_x", "images_fake_x"), 50.0)
    assert trust.reasons(many | {"frechet_x": 1.0}) == []
    lacking = {"frechet_x_floor": math.nan, "images_training_x": 20.0}
    assert "needs 50 training images, has 20" in trust.reasons(many | lacking)[0]
    copies = trust.reasons(many | {"memorization_ratio_x": math.nan})
    assert "no training images" in copies[0]


def test_the_fewer_images_are_told_of():
    """Enough real images and too few generated ones, or a classifier that fails."""
    record = {"unrecognized_random": math.nan, "images_real_random": 250.0}
    told = trust.reasons(record | {"images_fake_random": 40.0})
    assert told == ["unrecognized_random: nan, needs 100 images of either kind, has 40"]
    (told,) = trust.reasons(record | {"images_fake_random": 250.0})
    assert "needs a classifier that is sure of a number" in told
