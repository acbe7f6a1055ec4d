"""What the newer upsamplers are by definition, written another way in NumPy."""

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
from deconvgen.ops.reassembly import window_products
from deconvgen.ops.subpixel import depth_to_space
from tests.nn.layers import KEY, noise, started

X = noise(1, 4, 3, 4)
FINE = noise(1, 8, 6, 3, seed=1)


def close(a, b, atol=1e-5):
    np.testing.assert_allclose(a, b, atol=atol)


def guided(name, **options):
    """(output, parameters) of a guided layer to three channels."""
    layer = make_upsampler(name, 3, 2, **options)
    y, variables = jax.jit(lambda *a: layer.init_with_output(KEY, *a))(X, FINE)
    return y, variables["params"]


def conv(params, x, **options):
    """A convolution of the layer, by lax."""
    y = jax.lax.conv_general_dilated(
        x,
        params["kernel"],
        options.get("strides", (1, 1)),
        "SAME",
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
    )
    return y + params.get("bias", 0)


def windows(x, k):
    """[h, w, k k, c]: the k x k pixels around each pixel of x[0], zeros beyond."""
    padded = np.pad(np.asarray(x[0]), ((k // 2, k // 2), (k // 2, k // 2), (0, 0)))
    h, w, _ = x.shape[1:]
    around = [padded[i : i + h, j : j + w] for i in range(k) for j in range(k)]
    return np.stack(around, 2)


def mixed(x, weights, k):
    """The means of windows by weights of sub-pixels [2 h, 2 w, k k]: [2 h, 2 w, c]."""
    near = windows(x, k).repeat(2, 0).repeat(2, 1)
    return np.einsum("hwt,hwtc->hwc", weights, near)


def softmax(x):
    e = np.exp(np.asarray(x) - np.max(x, -1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def test_large_kernel_is_one_transposed_convolution_with_the_small_one_inside():
    y, variables = started(make_upsampler("large_kernel_conv_transpose", 3, 2), X)
    params = variables["params"]
    assert params["large"]["kernel"].shape[:2] == (7, 7)
    inside = ((2, 2), (2, 2), (0, 0), (0, 0))
    kernel = params["large"]["kernel"] + jnp.pad(params["small"]["kernel"], inside)
    one = ConvTranspose(3, (7, 7), (2, 2), use_bias=False)
    close(y, one.apply({"params": {"kernel": kernel}}, X))


def test_haar_is_the_inverse_wavelet_transform_of_four_bands():
    """Liu et al. 2018, eq. 2: orthonormal, so energy is kept."""
    y, variables = started(make_upsampler("haar", 3, 2), X)
    bands = conv(variables["params"]["conv"], X)
    ll, lh, hl, hh = jnp.split(bands, 4, -1)
    close(2 * y[:, ::2, ::2], ll + lh + hl + hh)
    close(2 * y[:, ::2, 1::2], ll - lh + hl - hh)
    close(2 * y[:, 1::2, ::2], ll + lh - hl - hh)
    close(2 * y[:, 1::2, 1::2], ll - lh - hl + hh)
    np.testing.assert_allclose((y**2).sum(), (bands**2).sum(), rtol=1e-5)


def test_haar_starts_as_nearest_without_details():
    layer = make_upsampler("haar", 3, (2, 3), initializer="details_zero")
    y, variables = started(layer, X)
    lowest = conv(variables["params"]["conv"], X)[..., :3]
    close(y, resize.nearest(lowest, (2, 3)) / 6**0.5)


@pytest.mark.parametrize("channels", [3, 6, 12])
def test_dc_up_adds_the_channels_repeated_as_pytorch_shuffles_them(channels):
    """`repeat_interleave` to 4 x 3 channels, then `pixel_shuffle`: (c, r, r)."""
    x = noise(1, 4, 3, channels)
    y, variables = started(make_upsampler("dc_up", 3, 2), x)
    plain = make_upsampler("depth_to_space", 3, 2).apply(variables, x)
    repeated = np.repeat(x, 12 // channels, -1)
    path = depth_to_space(repeated, 2, "crr")
    close(y, plain + path)
    if channels == 3:
        close(path, resize.nearest(x, 2))
    around = make_upsampler(
        "depth_to_space", 3, 2, residual=True, shortcut="channel_repeat"
    )
    close(y, around.apply({"params": {"upsampler": variables["params"]}}, x))


def test_phase_mlp_is_a_kernel_for_each_phase_by_the_network():
    layer = make_upsampler("phase_mlp", 3, (2, 3))
    y, variables = started(layer, X)
    params = variables["params"]
    first, second = params["units"], params["kernels"]
    for i, j in np.ndindex(2, 3):
        place = np.array([i / 2, j / 3, 1 / 2, 1 / 3], "f4")
        units = np.maximum(place @ first["kernel"][0, 0] + first["bias"], 0)
        kernel = (units @ second["kernel"][0, 0] + second["bias"]).reshape(3, 3, 4, 3)
        close(y[:, i::2, j::3], conv({"kernel": jnp.asarray(kernel)}, X))
    wide = make_upsampler("phase_mlp", 32, 2)
    many, _ = started(wide, noise(2, 12, 12, 32))
    np.testing.assert_allclose(many[:, 4:-4, 4:-4].var(), 1, rtol=0.3)
    shapes = lambda f: jax.tree.map(
        jnp.shape, started(make_upsampler("phase_mlp", 3, f), X)[1]
    )
    assert shapes(2) == shapes(3)


def test_conv_fir_is_a_convolution_and_stylegan2s_upsampling():
    y, variables = started(make_upsampler("conv_fir", 3, 2), X)
    taps = np.outer([1, 3, 3, 1], [1, 3, 3, 1]) / 64
    small = conv(variables["params"]["conv"], X)
    close(y, upfirdn(small, taps, 2, padding=((2, 1), (2, 1)), gain=4))
    many, _ = started(make_upsampler("conv_fir", 32, 2), noise(2, 16, 16, 32))
    np.testing.assert_allclose(many[:, 4:-4, 4:-4].var(), 1, rtol=0.2)


def test_eucb_is_its_five_layers():
    y, variables = started(make_upsampler("eucb", 3, 2), X)
    params = variables["params"]
    big = resize.nearest(X, 2)
    deep = nn.Conv(4, (3, 3), feature_group_count=4, use_bias=False)
    big = np.asarray(deep.apply({"params": params["depthwise"]}, big))
    flat = big.reshape(-1, 4)  # four groups of one channel
    flat = (flat - flat.mean(0)) / np.sqrt(flat.var(0) + 1e-5)
    expected = np.maximum(flat, 0) @ np.asarray(params["pointwise"]["kernel"][0, 0])
    close(y, expected.reshape(y.shape), 1e-4)


def test_hamming_carafe_windows_the_weights():
    y, variables = started(make_upsampler("carafe_hamming", 3, 2), X)
    params = variables["params"]
    logits = conv(params["encode"], conv(params["compress"], X))
    logits = logits.reshape(4, 3, 2, 2, 25).transpose(0, 2, 1, 3, 4).reshape(8, 6, 25)
    weights = softmax(logits) * np.outer(np.hamming(5), np.hamming(5)).ravel()
    weights /= weights.sum(-1, keepdims=True)
    close(y[0], mixed(X, weights, 5) @ np.asarray(params["project"]["kernel"][0, 0]))


@pytest.mark.parametrize("name", ["dysample_plus", "dysample_pl", "dysample_pl_plus"])
def test_dysample_variants_sample_at_their_offsets(name):
    layer = make_upsampler(name, 3, 2)
    _, variables = started(layer, X)
    draw = iter(jax.random.split(KEY, 9))
    params = jax.tree.map(
        lambda x: jax.random.normal(next(draw), x.shape), variables["params"]
    )
    first = "pl" in name.split("_")  # shuffled first, then convolved
    seen = depth_to_space(X, 2, "crr") if first else X
    offsets = conv(params["offsets"], seen)
    if "plus" in name:
        offsets = 0.5 * offsets * jax.nn.sigmoid(conv(params["scope"], seen))
    else:
        offsets = 0.25 * offsets
    offsets = offsets if first else depth_to_space(offsets, 2)
    offsets = offsets.reshape(8, 6, 4, 2)
    rows = ((np.arange(8) + 0.5) / 2 - 0.5)[:, None, None] + offsets[..., 0]
    columns = ((np.arange(6) + 0.5) / 2 - 0.5)[:, None] + offsets[..., 1]
    sampled = sample_bilinear(X[0], rows, columns)
    expected = sampled @ params["project"]["kernel"][0, 0] + params["project"]["bias"]
    close(layer.apply({"params": params}, X)[0], expected, 1e-4)
    assert ("scope" in variables["params"]) == ("plus" in name)
    if "plus" in name:  # which starts as the static form
        assert not np.any(variables["params"]["scope"]["kernel"])


def test_fade_gates_the_guide_and_the_mixture():
    y, params = guided("fade")
    fine = conv(params["compress_guide"], FINE)
    coarse = conv(params["compress"], X)
    logits = conv(params["encode"], fine)
    logits = logits + resize.nearest(conv(params["encode"], coarse), 2)
    mean = mixed(X, softmax(logits[0]), 5) @ params["project"]["kernel"][0, 0]
    gate = resize.nearest(jax.nn.sigmoid(conv(params["gate"], X)), 2)[0]
    close(y[0], gate * FINE[0] + (1 - gate) * mean, 1e-4)
    assert "lateral" not in params and "bias" not in params["compress"]


def test_sapa_weighs_by_how_alike_guide_and_inputs_are():
    y, params = guided("sapa", kernel_size=3)

    def embedded(x, name):  # every channel is a group of its own
        x = np.asarray(x[0], np.float64)
        x = (x - x.mean((0, 1))) / np.sqrt(x.var((0, 1)) + 1e-5)
        return conv(params[name], jnp.asarray(x[None], jnp.float32))

    keys = windows(embedded(X, "key"), 3).repeat(2, 0).repeat(2, 1)
    alike = np.einsum("hwe,hwte->hwt", embedded(FINE, "query")[0], keys)
    expected = mixed(X, softmax(alike), 3) @ params["project"]["kernel"][0, 0]
    close(y[0], expected, 1e-4)


def test_index_unpool_spreads_by_the_sigmoid_of_a_strided_convolution():
    y, params = guided("index_unpool")
    index = conv(params["index"], FINE, strides=(2, 2))
    assert params["index"]["kernel"].shape == (2, 2, 3, 4)
    placed = resize.nearest(X, 2) * depth_to_space(jax.nn.sigmoid(index), 2)
    close(y, Conv(3, (3, 3)).apply({"params": params["conv"]}, placed))


def test_window_products_are_the_scalar_products():
    y = noise(1, 4, 3, 2, 4, seed=2)
    near = windows(X, 3)
    expected = np.einsum("hwpc,hwtc->hwpt", y[0], near)
    close(window_products(X, y, 3)[0], expected)


@pytest.mark.parametrize("name", ["fade", "sapa", "index_unpool"])
def test_a_guide_is_asked_for(name):
    layer = make_upsampler(name, 3, 2, residual=True)
    with pytest.raises(
        UserError, match=r"is guided: call it with features .* \(8, 6\)"
    ):
        layer.init(KEY, X)
    with pytest.raises(UserError, match=r"a guide of the output's size \(8, 6\), not"):
        layer.init(KEY, X, X)
    with pytest.raises(UserError, match="same batch axes"):
        layer.init(KEY, X, FINE[0])
