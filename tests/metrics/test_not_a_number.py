"""NaN stays NaN and nothing stays NaN, in every figure; degenerate sets are exact.

A generator that diverged must not look good (bioinf-jku/TTUR#4): comparisons with NaN
are False, its argmax is 0, and the sum over nothing is 0.
"""

import jax.numpy as jnp
import numpy as np
import pytest

from deconvgen.core.errors import UserError
from deconvgen.metrics import distances, neighbours, spectra
from deconvgen.metrics.artifacts import phase_variance_ratio, phase_variances
from deconvgen.metrics.edges import edge_positions, edge_response, edge_sums, step_edges
from deconvgen.metrics.features import Extractor
from deconvgen.metrics.image import image_metrics
from deconvgen.metrics.sets import Artifacts, Fidelity, Gradients
from deconvgen.metrics.sums import Decibels, Mean, Moments, Ratio, results

BAD = [np.nan, np.inf, -np.inf]
NAN = float("nan")


def rows(n=40, d=4, seed=0):
    return np.random.default_rng(seed).normal(size=(n, d))


def spoilt(x, value):
    x = np.array(x)
    x[(0,) * x.ndim] = value
    return x


SETS = {
    "frechet": lambda x, y: [distances.frechet_distance(x, y)],
    "kernel": lambda x, y: distances.kernel_distance(x, y, subsets=5)[:2],
    "manifolds": neighbours.manifolds,
    "separability": lambda x, y: [spectra.separability(np.abs(x), np.abs(y))],
    "memorization": lambda x, y: [neighbours.memorization_ratio(x[:1], y, y + 1)],
}


@pytest.mark.filterwarnings("ignore:invalid value")
@pytest.mark.parametrize("value", BAD)
@pytest.mark.parametrize("name", SETS)
def test_one_bad_row_of_either_set_is_enough(name, value):
    good, bad = rows(), spoilt(rows(seed=1), value)
    assert np.isfinite(list(SETS[name](good, rows(seed=1)))).all()
    for pair in ((good, bad), (bad, good), (bad, bad)):
        assert np.isnan(list(SETS[name](*pair))).all()


@pytest.mark.parametrize("name", ["frechet", "kernel", "manifolds", "memorization"])
def test_features_of_other_widths_are_told(name):
    with pytest.raises(UserError, match=r"same d"):
        SETS[name](rows(d=4), rows(d=5))
    with pytest.raises(UserError, match=r"features \[n, d\]"):
        SETS[name](rows()[0], rows()[0])


def test_histograms_of_nothing_or_nan_cover_nothing_known():
    some, none = np.array([5, 5]), np.zeros(2, int)
    for pair in ((some, none), (none, some), (some, [NAN, NAN]), ([], [])):
        pair = [np.asarray(x) for x in pair]
        assert np.isnan(distances.mode_coverage(*pair)).all()
    with pytest.raises(UserError, match="2 and of 3 classes"):
        distances.mode_coverage(some, np.ones(3))


@pytest.mark.parametrize("n, d", [(10, 2048), (2, 3), (30, 40), (200, 5)])
def test_frechet_distance_is_analytic_and_symmetric_to_six_digits(n, d):
    """Singular covariances, too: mseitzer/pytorch-fid#13, toshas/torch-fidelity#45.

    Y = a (X - m) + m + s has the mean moved by s and a^2 times the covariance C:
    d s^2 + (1 - a)^2 tr C.
    """
    x = rows(n, d)
    moved = 0.3 * (x - x.mean(0)) + x.mean(0) + 0.5
    expected = d * 0.25 + 0.7**2 * np.trace(np.cov(x.T))
    for pair in ((x, moved), (moved, x)):
        got = distances.frechet_distance(*pair)
        assert got == pytest.approx(expected, rel=1e-9)
    moments = [(a.mean(0), np.cov(a.T)) for a in (x, moved)] if d < 100 else []
    for (m, c), (m2, c2) in zip(moments, moments[::-1], strict=True):
        got = distances.frechet_of_moments(m, c, m2, c2)
        assert got == pytest.approx(expected, rel=1e-6)
    y = rows(n + 1, d, seed=2)  # nothing in common but the definition
    got = distances.frechet_distance(x, y)
    assert distances.frechet_distance(y, x) == pytest.approx(got, rel=1e-12)
    a, b = (v - v.mean(0) for v in (x, y))
    # The roots of the eigenvalues of C C' are the singular values of the rows' product.
    shared = np.linalg.svd(a @ b.T / np.sqrt((n - 1) * n), compute_uv=False).sum()
    spread = np.sum(a**2) / (n - 1) + np.sum(b**2) / n - 2 * shared
    expected = np.sum((x.mean(0) - y.mean(0)) ** 2) + spread
    assert got == pytest.approx(expected, rel=1e-6)


def test_frechet_distance_of_ten_images_of_2048_features():
    x = np.zeros((10, 2048))
    x[:, 0] = 4 * np.arange(10)
    y = x + 0.5  # 2048 / 4
    for pair in ((x, y), (y, x)):
        assert distances.frechet_distance(*pair) == pytest.approx(512, rel=1e-9)


@pytest.mark.parametrize("offset", [1e3, 1e6])
def test_neighbourhoods_far_from_zero(offset):
    x, y = rows(60), rows(50, seed=1)
    near, far = (neighbours.manifolds(x + s, y + s) for s in (0, offset))
    assert near == far
    ratios = [neighbours.memorization_ratio(x + s, y + s, -x + s) for s in (0, offset)]
    assert ratios[0] == pytest.approx(ratios[1], rel=1e-5)


def test_copies_are_at_distance_zero():
    x = np.repeat(rows(10, 64) + 100, 6, axis=0)  # balls of radius 0
    assert neighbours.manifolds(x, x[::-1].copy()) == pytest.approx((1, 1, 6 / 5, 1))


def test_held_out_images_that_are_training_images_give_no_ratio():
    x, y = rows(50), rows(30, seed=1)
    assert np.isnan(neighbours.memorization_ratio(y, x, x[:20]))
    assert np.isnan(neighbours.memorization_ratio(y, x, x[:20].astype(np.float32)))
    assert np.isnan(neighbours.memorization_ratio(y[:0], x, y))


IMAGES = jnp.asarray(np.random.default_rng(0).uniform(-1, 1, (8, 24, 24, 1)), "f4")


@pytest.mark.parametrize("name", image_metrics)
def test_image_metrics_of_nan(name):
    bad = IMAGES.at[0, 0, 0, 0].set(jnp.nan)
    for pair in ((bad, IMAGES), (IMAGES, bad)):
        got = image_metrics[name](*pair)
        assert np.isnan(got[0]) and np.isfinite(got[1:]).all()


def fidelity(real, fake, mask):
    logits = lambda x: x[:, :3, 0, 0]
    features = lambda x: x[:, 4:12, 0, 0]  # not where the NaN is
    return Fidelity.of(Extractor("x", features, logits), real, fake, mask)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_records_of_nan_images(value):
    mask, bad = jnp.ones(8), IMAGES.at[0, 20, 0, 0].set(value)
    got = (
        fidelity(IMAGES, bad, mask).result() | Artifacts.of(IMAGES, bad, mask).result()
    )
    for name, figure in got.items():
        counted = name.startswith("images_") or name.endswith("_real")
        assert np.isfinite(figure) if counted else np.isnan(figure), name
    slopes = Gradients.of(bad, mask).result()
    assert slopes and np.isnan(list(slopes.values())).all()
    kept = jnp.arange(8) > 0  # the bad one is padding
    for record in (fidelity, Artifacts.of):
        got = record(IMAGES, bad, kept.astype(jnp.float32)).result()
        got.pop("unrecognized_x", None)  # of a classifier, which this is not
        assert np.isfinite(list(got.values())).all()


def test_records_of_no_images():
    none = jnp.zeros(8)
    got = Artifacts.of(IMAGES, IMAGES, none).result()
    got |= Gradients.of(IMAGES, none).result() | fidelity(IMAGES, IMAGES, none).result()
    counts = {"images_real_x", "images_fake_x"}
    assert {k for k, v in got.items() if not np.isnan(v)} == counts


def test_edges_of_nan_and_of_nothing():
    at = edge_positions(24, 4)
    edges = step_edges((24, 24), at)
    good = results(edge_sums(edges, at, jnp.ones(4)))
    assert good["edges_found"] == 1
    bad = edges.at[0].set(jnp.nan)
    assert np.isnan(list(results(edge_sums(bad, at, jnp.ones(4))).values())).all()
    kept = results(edge_sums(bad, at, jnp.array([0.0, 1, 1, 1])))
    assert kept["edges_found"] == 1 and np.isfinite(list(kept.values())).all()
    for flat in (jnp.zeros_like(edges), bad[:1]):
        seen = edge_response(flat)
        for field in (seen.position, seen.width, seen.overshoot):
            assert np.isnan(field).all()


@pytest.mark.parametrize("value", BAD)
def test_one_bad_phase_is_enough(value):
    even = jnp.ones((2, 2))
    assert phase_variance_ratio(even) == 1
    assert np.isnan(phase_variance_ratio(even.at[1, 1].set(value)))
    image = IMAGES.at[0, 1, 1, 0].set(value)
    assert not np.isfinite(phase_variances(image, 2)[0]).any()


def test_spectra_without_power_or_radii():
    assert np.isnan(spectra.high_band_slope(np.zeros(24), 32))
    for size in (1, 2, 3):
        assert np.isnan(spectra.high_band_slope(np.ones(24), size))
    assert np.isnan(spectra.spectrum_distance(np.ones(1), np.ones(1)))
    with pytest.raises(UserError, match="one size"):
        spectra.spectrum_distance(np.ones(4), np.ones(1))
    assert np.isnan(spectra.separability(np.ones((1, 3)), np.ones((9, 3))))
    for power in BAD[:2]:
        replicas = spectra.replica_energy(np.full((8, 8), power), 2)
        assert np.isnan(list(replicas.values())).all()


def test_sums_of_nothing():
    one, none = jnp.ones(3), jnp.zeros(3)
    for record in (Mean.of(one, none), Decibels.of(one, none)):
        assert np.isnan(record.result())
    assert np.isnan(Ratio.of(one, none, one).result())
    assert np.isnan(Decibels.of(one.at[0].set(jnp.nan), one).result())
    for mask in (none, none.at[0].set(1)):
        moments = Moments.of(jnp.ones((3, 2)), mask)
        assert np.isnan(moments.covariance()).all() and np.isnan(moments.result())
