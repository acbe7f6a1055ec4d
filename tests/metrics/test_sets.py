"""The measures rank known cases rightly: what is worse comes out worse."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from deconvgen.data.fashion import embedded
from deconvgen.metrics.features import extractors
from deconvgen.metrics.sets import Artifacts, Fidelity, unrecognized
from deconvgen.metrics.sums import add, results

N, SIZE = 300, 28
MASK = jnp.ones(N)


@pytest.fixture(scope="module")
def halves():
    """Two disjoint sets of real images, all classes in each, [-1, 1]."""
    pixels = embedded("test").astype(np.float32) / 127.5 - 1
    each = pixels.reshape(10, 200, SIZE, SIZE)[..., None]
    return [each[:, a : a + 30].reshape(N, SIZE, SIZE, 1) for a in (0, 30)]


@pytest.fixture(scope="module")
def measure():
    extractor = extractors["classifier"](dataset="fashion_mnist_small")

    def sums(real, fake, mask):
        fidelity = Fidelity.of(extractor, real, fake, mask)
        return {"fidelity": fidelity, "artifacts": Artifacts.of(real, fake, mask)}

    jitted = jax.jit(sums)
    return lambda real, fake, mask=MASK: jitted(*map(jnp.asarray, (real, fake)), mask)


@pytest.fixture(scope="module")
def clean(halves, measure):
    return results(measure(*halves))


def blurred(x, strength):
    return gaussian_filter(x, (0, strength, strength, 0))


def noisy(x, strength):
    noise = np.random.default_rng(0).normal(size=x.shape)
    return np.clip(x + strength * noise, -1, 1).astype(np.float32)


def checkerboarded(x, strength):
    i = np.arange(SIZE)
    nails = ((i[:, None] % 2 == 0) & (i % 2 == 0))[None, :, :, None]
    return (x * (1 - strength * nails) - strength * nails * (x > -0.9)).astype("f4")


def mode_dropped(x, strength):
    """The first classes take the places of the last ones."""
    kept = 10 - int(strength)
    return x.reshape(10, 30, SIZE, SIZE, 1)[np.arange(10) % kept].reshape(x.shape)


def test_real_against_real_is_near_the_best(clean):
    assert clean["frechet_classifier"] < 1
    assert abs(clean["kid_classifier_mean"]) < 3 * clean["kid_classifier_std"]
    for name in ("precision", "recall"):
        assert clean[f"{name}_classifier"] > 0.6
    assert 0.8 < clean["density_classifier"] < 1.2
    assert clean["coverage_classifier"] > 0.8
    assert clean["modes_covered_classifier"] == 1
    assert clean["modes_kl_classifier"] < 0.02
    assert clean["unrecognized_classifier"] < 0.05
    assert clean["images_real_classifier"] == clean["images_fake_classifier"] == N
    assert clean["spectrum_distance_db"] < 1
    assert abs(clean["spectrum_accuracy"] - 0.5) < 0.1
    for name in ("phase_variance_ratio_s2", "phase_detail_ratio_s2", "replica_db_s2"):
        assert clean[name] == pytest.approx(clean[f"{name}_real"], rel=0.1, abs=1.0)


def test_unrecognized_is_below_all_but_one_in_a_hundred_of_the_real():
    real = np.random.default_rng(0).permutation(np.linspace(0.5, 1, 1000))
    assert unrecognized(real, real) == pytest.approx(0.01)
    assert unrecognized(real, np.repeat([0.4, 0.6], [30, 70])) == pytest.approx(0.3)
    assert np.isnan(unrecognized(real, real[:99]))
    assert np.isnan(unrecognized(real, np.where(real < 0.6, np.nan, real)))


SPECTRAL = ("spectrum_distance_db", "spectrum_accuracy")
CASES = {
    blurred: ((0.4, 0.7, 1.5), SPECTRAL),
    noisy: ((0.1, 0.2, 0.5), SPECTRAL),
    checkerboarded: (
        (0.05, 0.15, 0.4),
        (*SPECTRAL, "phase_detail_ratio_s2", "replica_db_s2"),
    ),
    mode_dropped: ((2, 5, 9), ("modes_kl_classifier",)),
}


@pytest.mark.parametrize("spoil", CASES)
def test_worse_images_measure_worse(spoil, halves, measure, clean):
    strengths, names = CASES[spoil]
    real, other = halves
    found = [clean] + [results(measure(real, spoil(other, s))) for s in strengths]
    for name in ("frechet_classifier", "kid_classifier_mean", *names):
        values = [f[name] for f in found]
        assert values == sorted(values), (name, values)
        assert values[-1] > values[0] + 1e-3, (name, values)
    coverage = [f["coverage_classifier"] for f in found]
    assert coverage[-1] < coverage[1] < coverage[0] + 0.02
    if spoil is not mode_dropped:
        assert found[-1]["precision_classifier"] < clean["precision_classifier"]


def test_mode_dropping_costs_recall_and_modes_but_not_precision(halves, measure, clean):
    real, other = halves
    got = results(measure(real, mode_dropped(other, 9)))
    assert got["recall_classifier"] < 0.3 * clean["recall_classifier"]
    assert got["precision_classifier"] > 0.9 * clean["precision_classifier"]
    assert got["modes_covered_classifier"] < 0.5


def test_blur_and_noise_move_the_slope_of_the_high_band_apart(halves, measure, clean):
    real, other = halves
    slope = lambda fake: results(measure(real, fake))["high_band_slope"]
    smooth, rough = slope(blurred(other, 0.7)), slope(noisy(other, 0.3))
    assert smooth < clean["high_band_slope_real"] < rough
    assert abs(clean["high_band_slope"] - clean["high_band_slope_real"]) < 0.3


def test_batches_padding_and_devices_make_no_difference(halves, measure):
    real, fake = halves
    whole = results(measure(real, fake, jnp.asarray(np.arange(N) < 200, jnp.float32)))
    total = None
    for start in (0, 150):
        part = [np.full((150, SIZE, SIZE, 1), np.nan, np.float32) for _ in "rf"]
        n = min(150, 200 - start)
        for x, y in zip(part, (real, fake), strict=True):
            x[:n] = y[start : start + n]
        mask = jnp.asarray(np.arange(150) < n, jnp.float32)
        total = add(total, measure(*part, mask))
    assert results(total) == pytest.approx(whole, rel=2e-3, abs=1e-5)

    extractor = extractors["random"]()
    stack = [jnp.asarray(x[:64]).reshape(2, 32, SIZE, SIZE, 1) for x in (real, fake)]

    def across(r, f):
        sums = Fidelity.of(extractor, r, f, jnp.ones(32))
        return sums.across("d"), Artifacts.of(r, f, jnp.ones(32)).across("d")

    spread = jax.jit(jax.vmap(across, axis_name="d"))(*stack)
    got = jax.tree.map(lambda x: x[0], spread)
    flat = [jnp.asarray(x[:64]) for x in (real, fake)]
    alone = jax.jit(
        lambda r, f: (
            Fidelity.of(extractor, r, f, jnp.ones(64)),
            Artifacts.of(r, f, jnp.ones(64)),
        )
    )(*flat)
    for one, other in zip(got, alone, strict=True):
        assert one.result() == pytest.approx(other.result(), rel=2e-3, abs=1e-5)


def test_a_diverged_model_gets_nan_and_no_error(halves, measure):
    real, _ = halves
    got = results(measure(real, np.full_like(real, np.nan)))
    assert np.isnan(got["frechet_classifier"]) and np.isnan(got["spectrum_accuracy"])
    assert np.isfinite(got["high_band_slope_real"])


def test_too_few_images_get_nan(halves, measure):
    real, fake = halves
    got = results(measure(real, fake, (jnp.arange(N) < 3).astype(jnp.float32)))
    assert np.isnan(got["frechet_classifier"])
    assert got["images_real_classifier"] == 3
