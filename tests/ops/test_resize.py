"""Resizing against jax.image.resize, and its gradient as the adjoint."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from deconvgen.core.errors import UserError
from deconvgen.ops import resize

SIZES = [(1, 2), (5, 4)]
FACTORS = [1, 2, 4, (2, 3)]
METHODS = {
    "nearest": resize.nearest,
    "bilinear": resize.bilinear,
    "bicubic": resize.bicubic,
}


def noise(*shape, seed=0):
    return jnp.asarray(np.random.default_rng(seed).normal(size=shape), jnp.float32)


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("factor", FACTORS)
def test_equals_jax_image_resize(name, factor):
    r, s = (factor, factor) if isinstance(factor, int) else factor
    for h, w in SIZES:
        x = noise(2, h, w, 3)
        theirs = jax.image.resize(x, (2, h * r, w * s, 3), name)
        np.testing.assert_allclose(METHODS[name](x, factor), theirs, atol=2e-6)


@pytest.mark.parametrize("name", METHODS)
def test_the_gradient_is_the_adjoint_and_that_of_jax_image_resize(name):
    x, y = noise(2, 5, 4, 3), noise(2, 10, 12, 3, seed=1)
    ours, back = jax.vjp(lambda x: METHODS[name](x, (2, 3)), x)
    _, theirs = jax.vjp(lambda x: jax.image.resize(x, y.shape, name), x)
    np.testing.assert_allclose(jnp.vdot(ours, y), jnp.vdot(x, back(y)[0]), rtol=1e-4)
    np.testing.assert_allclose(back(y)[0], theirs(y)[0], atol=5e-6)


def test_bilinear_goes_through_a_ramp():
    x = jnp.arange(6.0)[None, :, None, None]
    y = resize.bilinear(x, (3, 1))[0, :, 0, 0]
    inside = (np.arange(18) - 1) / 3
    np.testing.assert_allclose(y, np.clip(inside, 0, 5), atol=1e-6)


def test_dtype_is_kept():
    x = jnp.ones((1, 3, 3, 2), jnp.bfloat16)
    for method in METHODS.values():
        assert method(x, 2).dtype == jnp.bfloat16


@pytest.mark.parametrize("reduction", resize.REDUCTIONS)
def test_groups_of_channels_are_reduced_after_or_before_the_resize(reduction):
    """Summed by default: Wojna et al. 2017, NiftyNet's AdditiveUpsampleLayer."""
    x = noise(2, 3, 4, 8)
    wide = np.asarray(resize.bilinear(x, 2)).reshape(2, 6, 8, 2, 4)
    ours = resize.bilinear_additive(x, 2, 2, reduction)
    np.testing.assert_allclose(ours, getattr(wide, reduction)(-1), atol=2e-6)
    summed = resize.bilinear_additive(x, 2, 2)
    np.testing.assert_allclose(summed, wide.sum(-1), atol=2e-6)
    with pytest.raises(UserError, match="unknown reduction 'sun'; did you mean 'sum'"):
        resize.bilinear_additive(x, 2, 2, "sun")


@pytest.mark.parametrize("features", [1, 3, 4, 12, 13])
def test_the_mean_of_groups_is_adaptive_average_pooling(features):
    torch = pytest.importorskip("torch")
    x = noise(4, 6)
    theirs = torch.nn.functional.adaptive_avg_pool1d(
        torch.tensor(np.array(x))[:, None], features
    )
    np.testing.assert_allclose(
        resize.grouped(x, features, "mean"), theirs[:, 0], atol=1e-6
    )


def test_interpolation_taps_of_fcn():
    np.testing.assert_allclose(
        resize.interpolation_taps(2), [0.25, 0.75, 0.75, 0.25], atol=1e-12
    )
    for s in range(1, 6):
        for name in ("nearest", "bilinear", "bicubic"):
            taps = resize.interpolation_taps(s, name)
            phases = [taps[a::s].sum() for a in range(s)]
            np.testing.assert_allclose(phases, 1, atol=1e-12)


@pytest.mark.parametrize("factor", [2, 8])
@pytest.mark.parametrize("name", ["bilinear", "bicubic"])
def test_half_precision_is_as_exact_as_jax_image_resize(name, factor):
    """Values and gradients; tensorflow/tensorflow#27213: sums of taps in half."""
    half = lambda a: a.astype(jnp.bfloat16)
    x, weight = noise(1, 8, 8, 4), noise(1, 8 * factor, 8 * factor, 4, seed=1)
    ours = lambda x: METHODS[name](x, factor)
    theirs = lambda x: jax.image.resize(x, weight.shape, name)

    def errors(method):
        rounded = half(x).astype(jnp.float32), half(weight).astype(jnp.float32)
        exact, back = jax.vjp(method, rounded[0])
        value, pull = jax.vjp(method, half(x))
        pairs = (value, exact), (pull(half(weight))[0], back(rounded[1])[0])
        return [float(jnp.sqrt(jnp.mean((a - e) ** 2))) for a, e in pairs]

    for own, other in zip(errors(ours), errors(theirs), strict=True):
        assert own < 1.02 * other


@pytest.mark.parametrize("name", METHODS)
def test_sizes_that_are_symbols_in_an_export(name):
    shape = jax.export.symbolic_shape("b, h, w, 2", constraints=["h >= 2", "w >= 2"])
    resized = jax.jit(lambda x: METHODS[name](x, (2, 3)))
    exported = jax.export.export(resized)(jax.ShapeDtypeStruct(shape, jnp.float32))
    x = noise(2, 5, 4, 2)
    np.testing.assert_allclose(exported.call(x), resized(x), atol=2e-6)


@pytest.mark.parametrize("factor", [0, -1, float("nan"), 2.0, (2, 0), None, "2"])
def test_factors_that_are_none_are_refused(factor):
    for method in METHODS.values():
        with pytest.raises(UserError, match="a factor is a whole number >= 1"):
            method(jnp.ones((1, 2, 2, 1)), factor)
    assert resize.bilinear(jnp.ones((1, 2, 2, 1)), np.int64(2)).shape == (1, 4, 4, 1)


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize(("size", "factor"), [((5,), (3,)), ((2, 3, 4), (2, 1, 3))])
def test_signals_and_volumes(name, size, factor):
    """A factor of one or three numbers: as many spatial axes, behind any batch."""
    x = noise(2, 1, *size, 2)
    larger = [n * s for n, s in zip(size, factor)]
    expected = jax.image.resize(x, (2, 1, *larger, 2), name)
    np.testing.assert_allclose(METHODS[name](x, factor), expected, atol=1e-5)
    with pytest.raises(UserError, match=r"x is \[..., .*w, c\], not an array of shape"):
        METHODS[name](jnp.ones(len(size)), factor)
