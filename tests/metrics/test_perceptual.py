"""Perceptual distance against its definition."""

import numpy as np
import pytest

from deconvgen.core.errors import UserError
from deconvgen.metrics import perceptual_distance


def rows(x):
    """Features of any function: the mean and the first pixels of an image."""
    return np.concatenate([x.mean((1, 2)), x[:, 0, :3, 0]], axis=1)


def test_it_is_the_distance_of_unit_vectors():
    x, y = np.random.default_rng(0).uniform(-1, 1, (2, 5, 8, 8, 3)).astype("f4")
    found = perceptual_distance(x, y, rows)
    one, other = rows(x), rows(y)
    cosine = [a @ b / np.linalg.norm(a) / np.linalg.norm(b) for a, b in zip(one, other)]
    assert found == pytest.approx(2 - 2 * np.array(cosine), abs=1e-5)
    assert perceptual_distance(x, x / 3, rows) == pytest.approx(np.zeros(5), abs=1e-6)
    assert perceptual_distance(x, -x, rows) == pytest.approx(4 * np.ones(5), rel=1e-5)


def test_pairs_are_of_one_shape():
    with pytest.raises(UserError, match=r"\[1, 8, 8, 3\] and \[2, 8, 8, 3\]"):
        perceptual_distance(np.zeros((1, 8, 8, 3)), np.zeros((2, 8, 8, 3)))


def test_whole_numbers_are_levels():
    levels = np.random.default_rng(0).integers(0, 256, (2, 5, 8, 8, 3)).astype("u1")
    found = perceptual_distance(*levels, rows)
    assert found == pytest.approx(perceptual_distance(*(levels / 127.5 - 1), rows))
    with pytest.raises(UserError, match="of images"):
        perceptual_distance(levels[0, 0], levels[0, 0], rows)
