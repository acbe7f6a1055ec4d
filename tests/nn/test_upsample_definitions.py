"""What each upsampler is by definition, written another way."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from deconvgen.core.errors import UserError
from deconvgen.nn.conv import Conv, ConvTranspose
from deconvgen.nn.upsample import make_upsampler
from deconvgen.nn.upsample.dynamic import sample_bilinear
from deconvgen.ops import resize
from deconvgen.ops.fir import upfirdn
from deconvgen.ops.pooling import max_pool_with_indices, max_unpool
from tests.nn.layers import KEY, noise, started


@pytest.mark.parametrize(("k", "s"), [(4, 2), (3, 2), (2, 3), (1, 2)])
def test_conv_transpose_is_the_layer_of_flax(k, s):
    x = noise(1, 4, 3, 2)
    y, variables = started(make_upsampler("conv_transpose", 3, s, k), x)
    flax = nn.ConvTranspose(3, (k, k), (s, s))
    theirs = flax.apply({"params": variables["params"]["deconv"]}, x)
    np.testing.assert_allclose(y, theirs, atol=1e-5)


@pytest.mark.parametrize(("k", "s"), [(4, 2), (3, 2), (5, 3), (2, 3)])
def test_separable_is_a_grouped_transposed_convolution_and_a_product(k, s):
    x = noise(1, 4, 3, 2)
    y, variables = started(make_upsampler("separable_conv_transpose", 3, s, k), x)
    params = variables["params"]
    kernel = params["depthwise"]["kernel"]
    alone = [
        nn.ConvTranspose(1, (k, k), (s, s), use_bias=False).apply(
            {"params": {"kernel": kernel[..., c : c + 1]}}, x[..., c : c + 1]
        )
        for c in (0, 1)
    ]
    expected = jnp.concatenate(alone, -1) @ params["pointwise"]["kernel"][0, 0]
    np.testing.assert_allclose(y, expected, atol=1e-5)


def test_decomposed_is_the_full_deconvolution_with_the_product_kernel():
    x = noise(1, 4, 3, 2)
    layer = make_upsampler("decomposed_conv_transpose", 3, (2, 3), (4, 5))
    y, variables = started(layer, x)
    rows, columns = (variables["params"][n]["kernel"] for n in ("rows", "columns"))
    kernel = jnp.einsum("kxif,xlfo->klio", rows, columns)
    full = ConvTranspose(3, (4, 5), (2, 3), use_bias=False)
    np.testing.assert_allclose(
        y, full.apply({"params": {"kernel": kernel}}, x), atol=1e-5
    )


@pytest.mark.parametrize("name", ["nearest", "bilinear", "bicubic"])
def test_resize_convolutions(name):
    x = noise(1, 4, 3, 2)
    y, variables = started(make_upsampler(f"{name}_conv", 3, 2), x)
    big = jax.image.resize(x, (1, 8, 6, 2), name)
    expected = Conv(3, (3, 3)).apply({"params": variables["params"]["conv"]}, big)
    np.testing.assert_allclose(y, expected, atol=1e-5)


def test_bilinear_separable_is_a_grouped_convolution():
    x = noise(1, 4, 3, 2)
    layer = make_upsampler("bilinear_separable_conv", 3, 2, 4)
    y, variables = started(layer, x)
    params = variables["params"]
    grouped = nn.Conv(2, (4, 4), feature_group_count=2, use_bias=False)
    big = grouped.apply({"params": params["depthwise"]}, resize.bilinear(x, 2))
    np.testing.assert_allclose(y, big @ params["pointwise"]["kernel"][0, 0], atol=1e-5)


def test_fir_conv_transpose_is_that_of_stylegan2():
    x = noise(1, 4, 3, 2)
    y, variables = started(make_upsampler("fir_conv_transpose", 3, 2, 3), x)
    flax = nn.ConvTranspose(3, (3, 3), (2, 2), padding="VALID", use_bias=False)
    wide = flax.apply({"params": variables["params"]["deconv"]}, x)
    taps = np.outer([1, 3, 3, 1], [1, 3, 3, 1]) / 64
    expected = upfirdn(wide, taps, padding=((1, 1), (1, 1)), gain=4)
    np.testing.assert_allclose(y, expected, atol=1e-5)


def test_max_unpool_undoes_the_encoders_pooling_before_its_convolution():
    x = noise(1, 6, 6, 2)
    pooled, indices = max_pool_with_indices(x, 3)
    layer = make_upsampler("max_unpool", 3, 3)
    y, variables = layer.init_with_output(KEY, pooled, indices)
    placed = max_unpool(pooled, indices, 3)
    expected = Conv(3, (3, 3)).apply({"params": variables["params"]["conv"]}, placed)
    np.testing.assert_allclose(y, expected, atol=1e-6)
    with pytest.raises(UserError, match="indices of the input's shape"):
        layer.apply(variables, pooled, indices[..., :1])


def test_carafe_is_the_weighted_mean_of_the_neighbourhood():
    x = noise(1, 4, 3, 2)
    y, variables = started(make_upsampler("carafe", 3, 2, 3), x)
    params = variables["params"]
    small = Conv(64, (1, 1)).apply({"params": params["compress"]}, x)
    weights = np.asarray(Conv(36, (1, 1)).apply({"params": params["encode"]}, small))
    weights = jax.nn.softmax(weights.reshape(4, 3, 2, 2, 9))
    padded = np.pad(np.asarray(x[0]), ((1, 1), (1, 1), (0, 0)))
    mixed = np.zeros((8, 6, 2))
    for i, j in np.ndindex(8, 6):
        window = padded[i // 2 : i // 2 + 3, j // 2 : j // 2 + 3].reshape(9, 2)
        mixed[i, j] = weights[i // 2, j // 2, i % 2, j % 2] @ window
    expected = mixed @ np.asarray(params["project"]["kernel"][0, 0])
    np.testing.assert_allclose(y[0], expected, atol=1e-5)


def test_carafe_starts_as_that_of_mmcv_close_to_the_mean_of_the_window():
    """CARAFEPack: Xavier uniform, then N(0, 0.001), no other initializer's."""
    x = noise(1, 6, 6, 16)
    for start in ("default", "orthogonal"):
        layer = make_upsampler("carafe", 3, 2, initializer=start)
        y, variables = started(layer, x)
        params = variables["params"]
        assert np.abs(params["compress"]["kernel"]).max() <= (6 / (16 + 64)) ** 0.5
        compress = np.var(params["compress"]["kernel"])
        np.testing.assert_allclose(compress, 2 / (16 + 64), rtol=0.15)
        np.testing.assert_allclose(np.std(params["encode"]["kernel"]), 1e-3, rtol=0.05)
        mean = jax.lax.conv_general_dilated(
            x,
            jnp.full((5, 5, 1, 16), 1 / 25),
            (1, 1),
            "SAME",
            dimension_numbers=("NHWC", "HWIO", "NHWC"),
            feature_group_count=16,
        )
        even = resize.nearest(mean, 2) @ params["project"]["kernel"][0, 0]
        error = np.sqrt(np.mean((y - even) ** 2) / np.mean(even**2))
        assert error < 0.1


@pytest.mark.parametrize("reduction", resize.REDUCTIONS)
def test_the_layer_and_the_residual_path_reduce_channels_as_asked(reduction):
    x = noise(1, 3, 4, 8)
    layer = make_upsampler("bilinear_additive", 3, 2, reduction=reduction)
    y, variables = started(layer, x)
    groups = np.asarray(resize.bilinear(x, 2)).reshape(1, 6, 8, 2, 4)
    added = jnp.asarray(getattr(groups, reduction)(-1))
    expected = Conv(3, (3, 3)).apply({"params": variables["params"]["conv"]}, added)
    np.testing.assert_allclose(y, expected, atol=1e-5)
    bare = make_upsampler("nearest_conv", 2, 2)
    _, variables = started(bare, x)
    path = make_upsampler("nearest_conv", 2, 2, residual=True, reduction=reduction)
    with_path = path.apply({"params": {"upsampler": variables["params"]}}, x)
    np.testing.assert_allclose(with_path - bare.apply(variables, x), added, atol=1e-5)


def test_sampling_on_the_bilinear_grid_is_bilinear_resize_and_groups_are_apart():
    x = noise(2, 4, 5, 4)
    rows = jnp.broadcast_to(
        ((jnp.arange(8) + 0.5) / 2 - 0.5)[:, None, None], (8, 10, 2)
    )
    columns = jnp.broadcast_to(((jnp.arange(10) + 0.5) / 2 - 0.5)[:, None], (8, 10, 2))
    places = [jnp.broadcast_to(p, (2, 8, 10, 2)) for p in (rows, columns)]
    expected = resize.bilinear(x, 2)
    np.testing.assert_allclose(sample_bilinear(x, *places), expected, atol=1e-5)
    moved = places[0].at[..., 1].set(0.0)
    apart = sample_bilinear(x, moved, places[1])
    np.testing.assert_allclose(apart[..., :2], expected[..., :2], atol=1e-5)
    assert not np.allclose(apart[..., 2:], expected[..., 2:], atol=1e-2)


def test_dysample_starts_close_to_bilinear():
    x = noise(1, 5, 5, 4)
    y, variables = started(make_upsampler("dysample", 3, 2), x)
    project = variables["params"]["project"]["kernel"][0, 0]
    np.testing.assert_allclose(y, resize.bilinear(x, 2) @ project, atol=0.02)


def test_fir_variance_counts_the_filter():
    x = noise(2, 16, 16, 32)
    y, _ = started(make_upsampler("fir_conv_transpose", 32, 2), x)
    np.testing.assert_allclose(y[:, 4:-4, 4:-4].var(), 1, rtol=0.25)
