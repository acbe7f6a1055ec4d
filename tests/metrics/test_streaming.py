"""Measures batch by batch, against values of other libraries on the same numbers.

Recorded from torch-fidelity 0.4.0, torchmetrics 1.9.0, prdc 0.2, pytorch-msssim 1.0.0
and scikit-image 0.26.0, on the arrays that `shared` makes.
"""

import jax.numpy as jnp
import numpy as np
import pytest

from deconvgen import metrics
from deconvgen.core.errors import UserError
from deconvgen.metrics.features import Extractor, compiled, named

FEATURES = Extractor("first", lambda x: x.reshape(len(x), -1)[:, :12] * 8)


@pytest.fixture(scope="module")
def shared():
    """Features of two sets [n, 12], and two pairs of images in [0, 1]."""
    rng = np.random.RandomState(0)
    real, fake = rng.randn(300, 12), 1.2 * rng.randn(250, 12) + 0.2
    pairs = []
    for seed, shape in enumerate(((4, 48, 40, 3), (2, 176, 192, 1))):
        rng = np.random.RandomState(1) if seed else rng
        clean = rng.rand(*shape).astype(np.float32)
        noisy = np.clip(clean + 0.1 * rng.randn(*shape), 0, 1)
        pairs.append((clean, noisy.astype(np.float32)))
    return real.astype(np.float32), fake.astype(np.float32), pairs


def filled(measure, real, fake, batch=64):
    """After all features have come, as the first values of pictures."""
    for rows, is_real in ((real, True), (fake, False)):
        pictures = np.zeros((len(rows), 4, 4, 1), np.float32)
        pictures.reshape(len(rows), 16)[:, :12] = rows / 8
        for first in range(0, len(rows), batch):
            measure.update(pictures[first : first + batch], real=is_real)
    return measure


def test_sets_as_torch_fidelity_and_prdc_have_them(shared):
    real, fake, _ = shared
    fid = filled(metrics.FrechetInceptionDistance(FEATURES), real, fake)
    assert fid.compute() == pytest.approx(1.6718679, rel=1e-5)
    kid = filled(metrics.KernelInceptionDistance(FEATURES, 20, 100), real, fake)
    mean, std = 0.23530271053314208, 0.07452158885669122
    assert kid.compute()[:2] == pytest.approx((mean, std), rel=1e-5)
    near = filled(metrics.PrecisionRecallDensityCoverage(FEATURES), real, fake)
    want = (0.516, 0.9633333, 0.3944, 0.7233333)  # the last two of 5 neighbours
    assert near.compute() == pytest.approx(want, rel=1e-5)


def test_pairs_as_torchmetrics_and_pytorch_msssim_have_them(shared):
    for make, (clean, noisy), want in (
        (metrics.PeakSignalNoiseRatio, shared[2][0], 20.484159),
        (metrics.MeanSquaredError, shared[2][0], 0.008945073),
        (metrics.StructuralSimilarity, shared[2][0], 0.94643307),
        (metrics.MultiScaleStructuralSimilarity, shared[2][1], 0.9522927),
    ):
        one, other = make(), make()
        for i, measure in ((0, one), (1, other)):
            measure.update(2 * noisy[i::2] - 1, 2 * clean[i::2] - 1)
        one.merge_state(other)
        assert one.compute() == pytest.approx(want, rel=2e-5)
        one.reset()
        assert np.isnan(one.compute())


def test_any_function_gives_features():
    pictures = np.random.default_rng(0).uniform(-1, 1, (6, 8, 8, 3))
    plain = lambda x: np.asarray(x).mean((1, 2))  # no JAX: it cannot be traced
    traced = lambda x: jnp.mean(x, (1, 2))
    both = [compiled(named(f))(pictures) for f in (plain, traced)]
    np.testing.assert_allclose(*both, rtol=1e-5)
    for wrong, match in (
        (lambda x: x, r"features \[n, d\], it makes \[6, 8, 8, 3\]"),
        (lambda x: x.reshape(5, -1), r"<lambda> fails on images \[6, 8, 8, 3\]"),
    ):
        with pytest.raises(UserError, match=match):
            compiled(named(wrong))(pictures)


def test_what_is_no_set_of_images_is_refused():
    fid = metrics.FrechetInceptionDistance(FEATURES)
    with pytest.raises(UserError, match=r"floats in \[-1, 1\]"):
        fid.update(np.full((2, 4, 4, 1), 255.0), real=True)
    with pytest.raises(UserError, match=r"not \[4, 4, 1\]"):
        fid.update(np.zeros((4, 4, 1)), real=True)
    with pytest.raises(UserError, match="real=False"):
        fid.compute()
