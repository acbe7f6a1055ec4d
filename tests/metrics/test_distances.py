"""Set distances against definitions written out in float64, and against geometry."""

import numpy as np
import pytest
from scipy.linalg import sqrtm

from deconvgen.core.errors import UserError
from deconvgen.metrics import distances as fidelity
from deconvgen.metrics import rows
from deconvgen.metrics.neighbours import manifolds


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    monkeypatch.setattr(rows, "BLOCK", 64)


def test_frechet_by_the_matrix_square_root(sets):
    real, fake = (x.astype(np.float64) for x in sets)
    a, b = np.cov(real.T), np.cov(fake.T)
    expected = np.sum((real.mean(0) - fake.mean(0)) ** 2) + np.trace(
        a + b - 2 * sqrtm(a @ b).real
    )
    got = fidelity.frechet_distance(*sets)
    assert got == pytest.approx(expected, rel=1e-8)
    assert fidelity.frechet_distance(*sets[::-1]) == pytest.approx(got, rel=1e-8)


def test_frechet_of_known_gaussians():
    n, d = 50, 100  # singular covariances
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n, d))
    assert fidelity.frechet_distance(x, x) == pytest.approx(0, abs=1e-4)
    assert fidelity.frechet_distance(x, x + 2) == pytest.approx(4 * d, rel=1e-6)
    doubled = 2 * (x - x.mean(0)) + x.mean(0)  # tr(C + 4C - 2 * 2C) = tr(C)
    expected = np.trace(np.cov(x.T))
    assert fidelity.frechet_distance(x, doubled) == pytest.approx(expected, rel=1e-6)


def naive_kid(x, y, size, subsets, seed):
    rng = np.random.RandomState(seed)
    kernel = lambda a, b: (a @ b.T / a.shape[1] + 1) ** 3
    values = []
    for _ in range(subsets):
        a = x[rng.choice(len(x), size, replace=False)]
        b = y[rng.choice(len(y), size, replace=False)]
        off = lambda k: (k.sum() - np.trace(k)) / (size * (size - 1))
        within = off(kernel(a, a)) + off(kernel(b, b))
        values.append(within - 2 * kernel(a, b).mean())
    return np.mean(values), np.std(values)


def test_kernel_distance_subset_by_subset(sets):
    real, fake = (x.astype(np.float64) for x in sets)
    mean, std = naive_kid(real, fake, 70, 12, seed=3)
    got = fidelity.kernel_distance(*sets, subsets=12, subset_size=70, seed=3)
    assert got[:3] == pytest.approx((mean, std, 70), rel=1e-9)
    assert fidelity.kernel_distance(*sets).subset_size == 95


def test_kernel_distance_is_unbiased_and_frechet_is_not():
    rng = np.random.default_rng(0)
    kids, frechets = [], []
    for _ in range(200):
        x, y = rng.normal(size=(2, 40, 3))
        kids.append(fidelity.kernel_distance(x, y, 1, 40).mean)
        frechets.append(fidelity.frechet_distance(x, y))
    assert abs(np.mean(kids)) < 3 * np.std(kids) / np.sqrt(200)
    assert np.mean(frechets) > 10 * np.std(frechets) / np.sqrt(200)


@pytest.mark.parametrize(("shift", "most"), [(0.3, 1.2), (0.0, 1.7)])
def test_the_standard_error_is_how_much_the_kernel_distance_varies(shift, most):
    rng = np.random.default_rng(0)
    draw = lambda: rng.normal(size=(100, 4))
    found = [fidelity.kernel_distance(draw(), draw() + shift, 9) for _ in range(80)]
    ratio = np.mean([k.error for k in found]) / np.std([k.mean for k in found])
    assert 0.8 < ratio < most


def test_mode_coverage():
    real = np.array([100, 100, 100, 100])
    assert fidelity.mode_coverage(real, np.array([10, 10, 10, 10])) == (1, 0)
    collapsed = fidelity.mode_coverage(real, np.array([0, 50, 0, 0]))
    assert collapsed == pytest.approx((0.25, np.log(4)))
    half = fidelity.mode_coverage(real, np.array([25, 25, 0, 1]))
    assert half.covered == 0.5 and 0.5 < half.divergence < np.log(4)
    outside = fidelity.mode_coverage(np.array([10, 0]), np.array([5, 5]))
    assert np.isfinite(outside.divergence) and outside.divergence > 0.5


@pytest.mark.parametrize(
    "measure", [fidelity.frechet_distance, fidelity.kernel_distance, manifolds]
)
def test_too_few_images_are_told(measure):
    with pytest.raises(UserError, match="1 generated"):
        measure(np.zeros((8, 2)), np.zeros((1, 2)))


def test_agrees_with_torch_fidelity(sets):
    pytest.importorskip("torch_fidelity")
    import torch
    from torch_fidelity.metric_fid import (
        fid_features_to_statistics,
        fid_statistics_to_metric,
    )
    from torch_fidelity.metric_kid import kid_features_to_metric
    from torch_fidelity.metric_prc import prc_features_to_metric

    fake, real = (torch.from_numpy(x.astype(np.float64)) for x in sets[::-1])
    statistics = [fid_features_to_statistics(x) for x in (fake, real)]
    fid = fid_statistics_to_metric(*statistics, verbose=False)
    assert fidelity.frechet_distance(*sets) == pytest.approx(
        fid["frechet_inception_distance"], rel=1e-4
    )
    settings = dict(kid_subsets=20, kid_subset_size=90, rng_seed=7, verbose=False)
    kid = kid_features_to_metric(real, fake, **settings)
    got = fidelity.kernel_distance(*sets, subsets=20, subset_size=90, seed=7)
    names = "kernel_inception_distance_mean", "kernel_inception_distance_std"
    assert got[:2] == pytest.approx([kid[name] for name in names], rel=1e-4)
    prc = prc_features_to_metric(fake, real, verbose=False, save_cpu_ram=False)
    found = manifolds(*sets)
    assert found[:2] == pytest.approx((prc["precision"], prc["recall"]), rel=1e-4)
