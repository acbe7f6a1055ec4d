"""Image quality against scikit-image and against pictures whose value is known."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from skimage.color import rgb2ycbcr
from skimage.metrics import (
    mean_squared_error,
    peak_signal_noise_ratio,
    structural_similarity,
)

from deconvgen.core.errors import UserError
from deconvgen.metrics import image as m
from deconvgen.ops import image


@pytest.fixture(scope="module")
def pair():
    """Two smooth colour images and noisy, shifted-level copies, [-1, 1]."""
    rng = np.random.default_rng(0)
    smooth = gaussian_filter(rng.normal(size=(2, 48, 40, 3)), (0, 2, 2, 0)) * 4
    images = np.clip(smooth, -1, 1).astype(np.float32)
    noisy = np.clip(0.8 * images + 0.1 * rng.normal(size=images.shape), -1, 1)
    return jnp.asarray(images), jnp.asarray(noisy, jnp.float32)


def each(metric, x, y, **settings):
    x, y = (np.asarray(x) + 1) / 2, (np.asarray(y) + 1) / 2
    return [metric(a, b, **settings) for a, b in zip(x, y, strict=True)]


def test_mse_and_psnr_are_scikit_images(pair):
    x, y = pair
    np.testing.assert_allclose(m.mse(y, x), each(mean_squared_error, x, y), rtol=1e-5)
    expected = each(peak_signal_noise_ratio, x, y, data_range=1)
    np.testing.assert_allclose(m.psnr(y, x), expected, rtol=1e-5)
    np.testing.assert_allclose(m.psnr(x, x), 100, rtol=1e-6)


def test_ssim_is_scikit_images(pair):
    x, y = pair
    settings = dict(
        gaussian_weights=True, use_sample_covariance=False, data_range=1, channel_axis=2
    )
    expected = each(structural_similarity, x, y, **settings)
    np.testing.assert_allclose(m.ssim(y, x), expected, rtol=2e-5)
    np.testing.assert_allclose(m.ssim(x, x), 1, rtol=1e-6)
    # Bright and flat, where variances cancel in float32.
    flat = 0.9 + 0.002 * (x - x.mean())
    expected = each(structural_similarity, flat, flat[:, ::-1], **settings)
    np.testing.assert_allclose(m.ssim(flat[:, ::-1], flat), expected, atol=1e-4)


def test_ms_ssim_is_built_from_scikit_images_ssim(pair):
    x, y = pair
    settings = dict(gaussian_weights=True, use_sample_covariance=False, data_range=1)
    one = m.ms_ssim(y, x, scales=1)
    np.testing.assert_allclose(
        one, each(structural_similarity, x, y, channel_axis=2, **settings), rtol=2e-5
    )
    # Two scales: the finer one's contrast-structure by its definition in float64.
    w = np.array(m.MS_SSIM_WEIGHTS[:2]) / sum(m.MS_SSIM_WEIGHTS[:2])
    expected = []
    for a, b in zip(np.asarray(x + 1) / 2, np.asarray(y + 1) / 2, strict=True):
        coarse = [v.reshape(24, 2, 20, 2, 3).mean((1, 3)) for v in (a, b)]
        channels = []
        for c in range(3):
            fine = contrast_structure(a[..., c], b[..., c])
            whole = structural_similarity(
                coarse[0][..., c],
                coarse[1][..., c],
                **settings,
            )
            channels.append(fine ** w[0] * whole ** w[1])
        expected.append(np.mean(channels))
    np.testing.assert_allclose(m.ms_ssim(y, x), expected, rtol=5e-5)


def contrast_structure(a, b):
    a, b = a.astype(np.float64), b.astype(np.float64)
    mean = lambda v: gaussian_filter(v, 1.5, truncate=3.5)[5:-5, 5:-5]
    covariance = mean(a * b) - mean(a) * mean(b)
    variances = mean(a * a) - mean(a) ** 2 + mean(b * b) - mean(b) ** 2
    return np.mean((2 * covariance + 0.03**2) / (variances + 0.03**2))


def test_ms_ssim_takes_the_scales_that_fit():
    x = jnp.zeros((1, 28, 28, 1))
    assert m.ms_ssim(x, x)[0] == 1
    with pytest.raises(UserError, match="3 scales"):
        m.ms_ssim(x, x, scales=3)
    with pytest.raises(UserError, match="11 x 11"):
        m.ssim(x[:, :8], x[:, :8])


def test_metrics_get_worse_with_noise(pair):
    x, _ = pair
    noise = np.random.default_rng(1).normal(size=x.shape).astype(np.float32)
    for name in ("psnr", "ssim", "ms_ssim"):
        metric = jax.jit(m.image_metrics[name])
        values = [float(metric(x + s * noise, x).mean()) for s in (0.02, 0.1, 0.3)]
        assert values[0] > values[1] > values[2], name


def test_luma_crop_and_rounding(pair):
    x, _ = pair
    expected = rgb2ycbcr((x[0] + 1) / 2)[..., 0]
    y = image.luma(x)
    np.testing.assert_allclose((y[0, ..., 0] + 1) * 127.5, expected, atol=1e-3)
    levels = (image.quantize(x * 1.1) + 1) * 127.5
    np.testing.assert_allclose(levels, np.rint(levels), atol=1e-4)
    assert levels.min() >= 0 and levels.max() <= 255
    np.testing.assert_array_equal(image.crop(x, 3), x[:, 3:-3, 3:-3])
    assert image.crop(x, 0).shape == x.shape
    with pytest.raises(UserError, match="20 pixels"):
        image.crop(x, 20)


def test_high_frequency_energy_kept_of_scaled_blurred_and_noisy_images():
    rng = np.random.default_rng(0)
    x = jnp.asarray(rng.normal(size=(4, 32, 32, 1)) * 0.3, jnp.float32)
    kept = m.high_frequency_energy_kept
    np.testing.assert_allclose(kept(x, x), 1, rtol=1e-5)
    np.testing.assert_allclose(kept(x / 2, x), 0.25, rtol=1e-3)
    blurred = (
        x + jnp.roll(x, 1, 1) + jnp.roll(x, 1, 2) + jnp.roll(x, (1, 1), (1, 2))
    ) / 4
    assert (kept(blurred, x) < 0.25).all()
    assert (kept(x + 0.3 * rng.normal(size=x.shape), x) > 1.5).all()
    flat = jnp.zeros((1, 32, 32, 1))
    assert kept(flat, flat)[0] == 1
