"""Neighbourhoods against their definitions written out, and what copies are."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from deconvgen.metrics import rows
from deconvgen.metrics.neighbours import (
    copies,
    manifolds,
    memberships,
    memorization_ratio,
    nearest,
)


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    monkeypatch.setattr(rows, "BLOCK", 64)


def test_manifolds_by_their_definitions(sets):
    real, fake = (x.astype(np.float64) for x in sets)
    real[7] = real[8]  # duplicates have a distance of 0
    got = manifolds(real, fake)
    within = lambda x, k: np.sort(cdist(x, x), axis=1)[:, k]
    between = cdist(real, fake)
    r3, r5, f3 = within(real, 3), within(real, 5), within(fake, 3)
    inside = between <= r5[:, None]
    expected = (
        np.mean((between <= r3[:, None]).any(0)),
        np.mean((between <= f3).any(1)),
        inside.sum() / (5 * len(fake)),
        np.mean(inside.any(1)),
    )
    assert got == pytest.approx(expected, rel=1e-12)
    assert 0.3 < got.precision < 1 and 0.3 < got.recall < 1


def test_manifolds_of_extremes():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 100, 4))
    apart = manifolds(x, x + 100)
    assert apart == (0, 0, 0, 0)
    one_mode = manifolds(x, x[:1] + 1e-3 * y)
    assert one_mode.precision == 1 and one_mode.recall < 0.1
    assert one_mode.coverage < 0.2
    same = manifolds(x, y)
    assert same.precision > 0.6 and same.recall > 0.6 and same.density > 0.7


def test_nearest_neighbours(sets):
    real, fake = sets
    distances, indices = nearest(fake, real, k=3)
    all_of_them = cdist(fake.astype(np.float64), real.astype(np.float64))
    np.testing.assert_array_equal(indices, np.argsort(all_of_them, axis=1)[:, :3])
    np.testing.assert_allclose(
        distances, np.sort(all_of_them, axis=1)[:, :3], rtol=1e-9
    )
    same, where = nearest(real[5:7], real)
    assert where.tolist() == [[5], [6]]
    np.testing.assert_allclose(same, 0, atol=1e-5)


def test_memorization_ratio_tells_copies_from_new_images():
    training, held_out, new = np.random.default_rng(0).normal(size=(3, 150, 6))
    ratio = lambda x: memorization_ratio(x, training, held_out)
    assert ratio(training[:50]) < 1e-6
    assert ratio(training[:50] + 0.1 * new[:50]) < 0.4
    assert ratio(new) == pytest.approx(1, abs=0.15)


def test_memberships_are_image_by_image(sets):
    real, fake = sets
    found = memberships(real, fake)
    assert manifolds(real, fake) == tuple(np.mean(values) for values in found[:4])
    distances, indices = nearest(fake, real)
    np.testing.assert_array_equal(found.closest, indices[:, 0])
    np.testing.assert_allclose(found.distance, distances[:, 0], rtol=1e-9)
    np.testing.assert_allclose(found.own, nearest(real, real, 2)[0][:, 1], rtol=1e-9)
    assert memberships(real, np.where(fake > 9, np.nan, fake)) is None


def test_copies_are_counted():
    real, new = np.random.default_rng(0).normal(size=(2, 150, 6))
    half = np.concatenate([real[:50] + 1e-3 * new[:50], new[:50]])
    assert copies(memberships(real, half)) == 0.5
    assert copies(memberships(real, new)) == 0
