"""Artefact measures on patterns whose value is known, and on layers at their start."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from deconvgen.core.errors import UserError
from deconvgen.metrics.artifacts import (
    input_gradient,
    phase_variance_ratio,
    phase_variances,
    polyphase_dc_gap,
)
from deconvgen.metrics.gradients import gradient_checkerboard
from deconvgen.metrics.shifts import Shifts, moved_along, shift_inconsistency


def deconvolve(x, kernel, stride=2):
    dims = ("NHWC", "HWIO", "NHWC")
    return jax.lax.conv_transpose(
        x, kernel, (stride, stride), "SAME", dimension_numbers=dims
    )


def random_layer(k, key=0, stride=2, channels=64):
    """Output of a deconvolution of white noise by independent weights."""
    a, b = jax.random.split(jax.random.key(key))
    x = jax.random.normal(a, (8, 12, 12, channels))
    kernel = jax.random.normal(b, (k, k, channels, channels)) / channels**0.5
    return deconvolve(x, kernel, stride)[:, 4:-4, 4:-4]


def test_dc_gap_of_known_kernels():
    ones = lambda k: jnp.ones((k, k, 2, 3))
    np.testing.assert_allclose(polyphase_dc_gap(ones(4), 2), 0, atol=1e-6)
    # k3 s2: the phases have 4, 2, 2 and 1 taps
    gains = np.array([4, 2, 2, 1])
    expected = gains.std() / np.sqrt(np.mean(gains**2))
    for stride in (2, np.int64(2), (2, 2)):
        gap = polyphase_dc_gap(ones(3), stride)
        np.testing.assert_allclose(gap, expected, rtol=1e-6)
    bilinear = np.outer([1, 3, 3, 1], [1, 3, 3, 1])[:, :, None, None] / 16
    np.testing.assert_allclose(polyphase_dc_gap(jnp.asarray(bilinear), 2), 0, atol=1e-6)
    # bed of nails: one phase alone
    np.testing.assert_allclose(polyphase_dc_gap(ones(1), 2), 0.75**0.5, rtol=1e-6)
    assert polyphase_dc_gap(jnp.zeros((4, 4, 1, 1)), 2) == 0


def test_dc_gap_is_zero_exactly_where_a_constant_stays_constant():
    start = jax.random.normal(jax.random.key(0), (3, 3, 4, 5))
    # nearest-neighbour enlargement and a convolution, as one kernel of size k + s - 1
    even = sum(
        jnp.pad(start, ((a, 1 - a), (b, 1 - b), (0, 0), (0, 0)))
        for a in (0, 1)
        for b in (0, 1)
    )
    for kernel, constant in ((even, True), (even.at[0, 0].add(0.5), False)):
        y = deconvolve(jnp.ones((1, 8, 8, 4)), kernel)[:, 4:-4, 4:-4]
        assert bool(jnp.allclose(y, y[:, :1, :1], atol=1e-5)) == constant
        assert bool(polyphase_dc_gap(kernel, 2) < 1e-6) == constant


@pytest.mark.parametrize("k, ratio", [(2, 1.0), (3, 4.0), (4, 1.0), (5, 2.25)])
def test_phase_variance_ratio_of_random_deconvolutions(k, ratio):
    variances = phase_variances(random_layer(k), 2).mean(0)
    np.testing.assert_allclose(phase_variance_ratio(variances), ratio, rtol=0.1)


def test_constant_images_have_no_ratio_and_so_no_rank():
    for value in (0.0, 0.3, -1.0):
        variances = phase_variances(jnp.full((2, 28, 28, 1), value), 2).mean(0)
        assert jnp.isnan(phase_variance_ratio(variances))
    assert jnp.isnan(phase_variance_ratio(jnp.full((2, 2), jnp.nan)))
    nails = jnp.zeros((2, 2)).at[0, 0].set(1)
    assert phase_variance_ratio(nails) > 1e6


def test_phase_variances_by_slicing():
    x = jnp.asarray(np.random.default_rng(0).normal(size=(2, 11, 13, 3)), jnp.float32)
    got = phase_variances(x, 3)
    centred = np.asarray(x - x.mean((1, 2), keepdims=True))[:, :9, :12]
    for a in range(3):
        for b in range(3):
            expected = np.mean(centred[:, a::3, b::3] ** 2, (1, 2, 3))
            np.testing.assert_allclose(got[:, a, b], expected, rtol=1e-5)
    with pytest.raises(UserError, match="stride 12"):
        phase_variances(x, 12)


def test_detail_finds_a_pattern_that_contents_hide():
    y, x = np.mgrid[:32, :32]
    smooth = np.sin(x / 5 + 1) * np.cos(y / 7)
    nails = 0.05 * ((x % 2 == 0) & (y % 2 == 0))
    image = jnp.asarray(smooth + nails, jnp.float32)[None, :, :, None]
    ratio = lambda detail: phase_variance_ratio(phase_variances(image, 2, detail)[0])
    assert ratio(False) < 1.3 and ratio(True) > 5


@pytest.mark.parametrize("k, ratio", [(3, 4.0), (4, 1.0)])
def test_strided_convolutions_send_a_checkerboard_back(k, ratio):
    key = jax.random.key(0)
    kernel = jax.random.normal(key, (k, k, 32, 32))
    target = jax.random.normal(key, (8, 12, 12, 32))
    dims = ("NHWC", "HWIO", "NHWC")

    def loss(x):
        y = jax.lax.conv_general_dilated(
            x, kernel, (2, 2), "SAME", dimension_numbers=dims
        )
        return jnp.sum(y * target, (1, 2, 3))

    gradient = input_gradient(loss, jnp.zeros((8, 24, 24, 32)))
    variances = phase_variances(gradient[:, 4:-4, 4:-4], 2).mean(0)
    np.testing.assert_allclose(phase_variance_ratio(variances), ratio, rtol=0.15)


def test_shifts():
    kernel = jax.random.normal(jax.random.key(0), (4, 4, 2, 3))
    maps = jax.random.normal(jax.random.key(1), (3, 16, 16, 2))
    layer = lambda x: deconvolve(x, kernel)
    np.testing.assert_allclose(shift_inconsistency(layer, maps), 0, atol=1e-6)
    # A fixed pattern of period 4 does not move along; a dense layer forgets all.
    pattern = jnp.where(jnp.arange(32) % 4 < 2, 1.0, -1.0)[:, None]
    stuck = shift_inconsistency(lambda x: 0 * layer(x) + pattern, maps)
    np.testing.assert_allclose(stuck, 2, rtol=1e-5)
    weights = jax.random.normal(jax.random.key(2), (16, 16, 2, 16, 16))
    dense = lambda x: jnp.einsum("bhwc,hwcyx->byx", x, weights)[..., None]
    np.testing.assert_allclose(shift_inconsistency(dense, maps).mean(), 1, rtol=0.3)
    assert np.isnan(shift_inconsistency(lambda x: 0 * x, maps)).all()
    flat = Shifts.of(lambda x: 0 * x, maps, 1, jnp.ones(3))
    assert np.isnan(flat.result()["shift_inconsistency"])
    with pytest.raises(UserError, match="whole number"):
        shift_inconsistency(lambda x: x[:, :, :-1], maps)


def test_parts_of_a_column_move_along_where_a_layer_interpolates():
    wave = jnp.sin(2 * jnp.pi * jnp.arange(16) / 16 + jnp.arange(3)[:, None])
    maps = jnp.broadcast_to(wave[:, None, :, None], (3, 16, 16, 1))
    smooth = lambda x: jax.image.resize(x, (3, 32, 32, 1), "cubic")
    blocks = lambda x: x.repeat(2, 1).repeat(2, 2)
    found = [shift_inconsistency(f, maps, 0.5).mean() for f in (smooth, blocks)]
    assert found[0] < 1e-3 < 1e-2 < found[1]
    shifts = Shifts.of(blocks, maps, 0.5, jnp.array([1.0, 1.0, 0.0]))
    figures = (shifts + shifts).result()
    apart = jnp.square(blocks(moved_along(maps, 0.5)) - jnp.roll(blocks(maps), 1, 2))
    want = 10 * np.log10(4 / apart[:2, 8:24, 8:24].mean())
    assert figures["eq_t"] == 100
    assert figures["eq_t_frac"] == pytest.approx(want, rel=1e-4)


def test_losses_that_pool_by_strides_send_a_checkerboard_back():
    """pytorch-msssim#42; an error of every pixel alike has none."""
    x = jax.random.normal(jax.random.key(0), (8, 32, 32, 1))
    pooled = lambda y: jnp.sum(nn.max_pool(y, (2, 2), (2, 2)) ** 2, (1, 2, 3))
    strided = lambda y: jnp.sum(y[:, ::4, ::4] ** 2, (1, 2, 3))
    even = gradient_checkerboard(lambda y: jnp.sum(y**2, (1, 2, 3)), x)
    assert even["gradient_phase_variance_ratio_s2"] < 1.1
    found = gradient_checkerboard(strided, x)
    levels = gradient_checkerboard(strided, np.uint8(127.5 * (x + 1)))
    assert levels.keys() == found.keys()
    assert found["gradient_phase_variance_ratio_s4"] > 100
    assert gradient_checkerboard(pooled, x)["gradient_phase_variance_ratio_s2"] < 1.3
