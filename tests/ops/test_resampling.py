"""Any size and fraction, against jax.image.resize and values of PyTorch and ONNX."""

from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from deconvgen.core.errors import UserError
from deconvgen.ops.resampling import resample

X = np.random.default_rng(0).normal(size=(2, 9, 7, 3)).astype(np.float32)
SMALL = jnp.arange(1.0, 5).reshape(1, 2, 2, 1)
SIXTEEN = jnp.arange(1.0, 17).reshape(1, 4, 4, 1)
TORCH = {"a": -0.75, "border": "replicated"}


@pytest.mark.parametrize("size", [(13, 20), (4, 7), (5, 3), (18, 14)])
@pytest.mark.parametrize("antialias", [False, True])
@pytest.mark.parametrize("method", ["bilinear", "bicubic"])
def test_equal_to_jax_at_any_size(size, antialias, method):
    want = jax.image.resize(X, (2, *size, 3), method, antialias=antialias)
    got = resample(X, size, method, antialias=antialias)
    np.testing.assert_allclose(got, want, atol=1e-5)


def test_values_of_pytorchs_documentation():
    """torch.nn.Upsample (2.x), the examples of its docstring."""
    rows = [[1, 1.25, 1.75, 2], [1.5, 1.75, 2.25, 2.5]]
    np.testing.assert_allclose(resample(SMALL, 2)[0, :2, :, 0], rows)
    rows = [[1, 4 / 3, 5 / 3, 2], [5 / 3, 2, 7 / 3, 8 / 3]]
    got = resample(SMALL, (4, 4), align_corners=True)[0, :2, :, 0]
    np.testing.assert_allclose(got, rows, rtol=1e-6)


def test_values_of_the_cubic_kernel_of_pytorch():
    """ONNX's Resize-19, resize_upsample_scales_cubic and its align_corners: -0.75."""
    row = [0.47265625, 0.76953125, 1.24609375, 1.875, 2.28125, 2.91015625]
    row += [3.38671875, 3.68359375]
    got = resample(SIXTEEN, 2, "bicubic", **TORCH)[0, 0, :, 0]
    np.testing.assert_allclose(got, row, rtol=1e-6)
    row = [1.0, 1.34110787, 1.80029155, 2.32944606, 2.67055394, 3.19970845]
    row += [3.65889213, 4.0]
    got = resample(SIXTEEN, (8, 8), "bicubic", align_corners=True, **TORCH)
    np.testing.assert_allclose(got[0, 0, :, 0], row, rtol=1e-6)


def test_area_is_the_mean_of_what_a_pixel_covers():
    np.testing.assert_allclose(
        resample(X, (3, 7), "area"), X.reshape(2, 3, 3, 7, 3).mean(2), atol=1e-6
    )
    line = jnp.arange(5.0).reshape(1, 1, 5, 1)  # adaptive_avg_pool1d(arange(5), 3)
    assert resample(line, (1, 3), "area").ravel().tolist() == [0.5, 2.0, 3.5]


def test_fractions_and_mistakes():
    assert resample(X, Fraction(2, 3)).shape == (2, 6, 4, 3)
    assert resample(X, 1.5).shape == (2, 13, 10, 3)
    assert resample(jnp.ones((4, 4, 1)), (3, 5)).shape == (3, 5, 1)
    for size in ((3,), (0, 4), "x", 0.01, None):
        with pytest.raises(UserError, match="size is"):
            resample(X, size)
    with pytest.raises(UserError, match="did you mean 'bicubic'"):
        resample(X, 2, "bicubik")
