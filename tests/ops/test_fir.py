"""The resampling filter against its definition by zero insertion, in float64."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jax.test_util import check_grads

from deconvgen.core.errors import UserError
from deconvgen.ops.fir import box_power, pair, upfirdn

small = st.integers(1, 4)


def definition(x, taps, up, down, padding):
    """Insert zeros, pad, convolve by loops, decimate."""
    b, h, w, c = x.shape
    z = np.zeros((b, h * up[0], w * up[1], c))
    z[:, :: up[0], :: up[1]] = x
    (top, bottom), (left, right) = padding
    z = np.pad(z, ((0, 0), *[(max(a, 0), max(e, 0)) for a, e in padding], (0, 0)))
    z = z[:, max(-top, 0) : z.shape[1] - max(-bottom, 0)]
    z = z[:, :, max(-left, 0) : z.shape[2] - max(-right, 0)]
    if taps.ndim == 2:
        taps = taps[..., None]
    kh, kw = taps.shape[:2]
    out = np.zeros((b, z.shape[1] - kh + 1, z.shape[2] - kw + 1, c))
    for s in range(kh):
        for t in range(kw):
            rows = z[:, kh - 1 - s : z.shape[1] - s]
            out += rows[:, :, kw - 1 - t : z.shape[2] - t] * taps[s, t]
    return out[:, :: down[0], :: down[1]]


@settings(max_examples=12, deadline=None)
@given(
    up=st.tuples(small, small),
    down=st.tuples(small, small),
    kernel=st.tuples(st.integers(1, 5), st.integers(1, 5)),
    low=st.tuples(st.integers(-1, 4), st.integers(0, 4)),
    per_channel=st.booleans(),
)
def test_equals_the_definition(up, down, kernel, low, per_channel):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(1, 4, 5, 2)).astype(np.float32)
    taps = rng.normal(size=(*kernel, 2) if per_channel else kernel).astype(np.float32)
    padding = tuple((a, k) for a, k in zip(low, kernel, strict=True))
    expected = definition(x, taps, up, down, padding)
    ours = upfirdn(jnp.asarray(x), jnp.asarray(taps), up, down, padding)
    np.testing.assert_allclose(ours, expected, atol=1e-5)


@pytest.mark.parametrize(("up", "down"), [(2, 1), (3, 2), ((2, 1), (4, 3))])
def test_first_and_second_derivatives(up, down):
    rng = np.random.default_rng(0)
    with jax.enable_x64(True):
        x, taps = (
            jnp.asarray(rng.normal(size=shape)) for shape in ((1, 4, 3, 2), (3, 4, 2))
        )
        resample = jax.jit(lambda x, f: upfirdn(x, f, up, down, ((1, 2), (0, 3))))
        check_grads(resample, (x, taps), order=2, modes=["rev"])


def test_separable_taps_are_the_outer_product_and_gain_counts_once():
    x = jnp.asarray(np.random.default_rng(0).normal(size=(1, 5, 4, 2)), jnp.float32)
    taps = np.array([1.0, 3.0, 3.0, 1.0]) / 8
    padding = ((2, 1), (2, 1))
    np.testing.assert_allclose(
        upfirdn(x, taps, 2, 1, padding, gain=4),
        upfirdn(x, np.outer(taps, taps), 2, 1, padding, gain=4),
        atol=1e-6,
    )


def test_gain_keeps_a_constant_and_box_power_is_the_filter_of_stylegan2():
    np.testing.assert_allclose(box_power(2, 3), np.array([1, 3, 3, 1]) / 8)
    for s in (2, 3):
        x = jnp.ones((1, 9, 9, 1))
        y = upfirdn(x, box_power(s, 3), s, 1, ((s, s), (s, s)), gain=s * s)
        np.testing.assert_allclose(y[0, 2 * s : -2 * s, 2 * s : -2 * s], 1, rtol=1e-5)


def test_jit_vmap_and_bfloat16():
    x = jnp.ones((2, 1, 4, 4, 3), jnp.bfloat16)
    y = jax.jit(jax.vmap(lambda x: upfirdn(x, box_power(2, 1), 2, gain=4)))(x)
    assert y.shape == (2, 1, 7, 7, 3)
    assert y.dtype == jnp.bfloat16


def test_impossible_filters_are_refused():
    with pytest.raises(UserError, match="leaves nothing"):
        upfirdn(jnp.ones((1, 3, 3, 1)), np.ones(5))
    for wrong in (0, 1.5, (2, 0), (1, 2, 3), "2"):
        with pytest.raises(UserError, match="whole number"):
            pair(wrong)


@pytest.mark.parametrize(
    ("taps", "arguments", "message"),
    [
        (np.ones((2, 2, 4)), {}, "taps of shape .* on 3 channels: expected .*, 3"),
        (np.ones((2, 2, 3, 1)), {}, "the taps of a filter are"),
        (np.ones(0), {}, "the taps of a filter are"),
        (np.ones(2), {"up": 0}, "a factor is a whole number"),
        (np.ones(2), {"down": float("nan")}, "a factor is a whole number"),
        (np.ones(2), {"padding": ((1, 1),)}, "padding=.*: expected an integer"),
        (np.ones(2), {"padding": "SAME"}, "padding='SAME': expected an integer"),
    ],
)
def test_filters_that_do_not_fit_are_refused(taps, arguments, message):
    with pytest.raises(UserError, match=message):
        upfirdn(jnp.ones((1, 4, 4, 3)), taps, **arguments)


def test_gradients_in_half_precision_add_up_in_float32():
    """4,096 ones: bfloat16 counts to 256."""
    x, taps = jnp.ones((1, 64, 64, 1), jnp.bfloat16), jnp.ones((1, 1), jnp.bfloat16)
    to_taps = jax.grad(lambda f: upfirdn(x, f).astype(jnp.float32).sum())(taps)
    np.testing.assert_array_equal(to_taps, 4096)
