"""Where kernels start: facts about variance, interpolation and adjointness."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from deconvgen.core.errors import UserError
from deconvgen.nn.initializers import KINDS, Use, icnr_of, initializers
from deconvgen.nn.mirror import mirror_encoder
from deconvgen.nn.upsample import fits, make_upsampler, upsamplers
from deconvgen.nn.upsample.transposed import DepthToSpace
from deconvgen.ops import resize
from deconvgen.ops.subpixel import depth_to_space

KEY = jax.random.key(0, impl="rbg")  # compiles faster than the default


def noise(*shape, seed=0):
    return jnp.asarray(np.random.default_rng(seed).normal(size=shape), jnp.float32)


def deconv(x, kernel, s, transpose_kernel=False):
    return lax.conv_transpose(
        x,
        kernel,
        (s, s),
        "SAME",
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
        transpose_kernel=transpose_kernel,
    )


def conv(x, kernel, padding="SAME", s=1):
    return lax.conv_general_dilated(
        x, kernel, (s, s), padding, dimension_numbers=("NHWC", "HWIO", "NHWC")
    )


def start(name, shape, s=2, kind="deconvolution", transpose_kernel=False):
    use = Use(kind, (s, s), transpose_kernel)
    return initializers[name](use)(KEY, shape, jnp.float32)


def inside(x, border=4):
    return x[:, border:-border, border:-border]


@pytest.mark.parametrize("transpose_kernel", [False, True])
@pytest.mark.parametrize(("k", "s"), [(4, 2), (3, 2), (5, 3)])
def test_stride_aware_keeps_the_variance_and_lecun_does_not(k, s, transpose_kernel):
    c, features = 64, 32
    x = noise(2, 24, 24, c)
    shape = (k, k, features, c) if transpose_kernel else (k, k, c, features)

    def gain(name):
        kernel = start(name, shape, s, transpose_kernel=transpose_kernel)
        return inside(deconv(x, kernel, s, transpose_kernel)).var() / x.var()

    np.testing.assert_allclose(gain("stride_aware"), 1, rtol=0.15)
    np.testing.assert_allclose(gain("lecun_normal"), 1 / s**2, rtol=0.15)


@pytest.mark.parametrize("name", ["lecun_normal", "he_uniform", "glorot_normal"])
def test_a_start_is_the_same_layer_in_both_layouts(name):
    """Lasagne#858, pytorch#30079: the fan-in of a deconvolution is C_in's, not C_out's.

    The same draws give the same kernel, turned the way that each layout stores it.
    """
    plain = start(name, (4, 4, 6, 2))
    turned = start(name, (4, 4, 2, 6), transpose_kernel=True)
    np.testing.assert_array_equal(plain[::-1, ::-1].transpose(0, 1, 3, 2), turned)


@pytest.mark.parametrize("transpose_kernel", [False, True])
def test_orthogonal_is_of_the_channels_that_come_out(transpose_kernel):
    shape = (3, 3, 8, 4) if transpose_kernel else (3, 3, 4, 8)
    kernel = start("orthogonal", shape, transpose_kernel=transpose_kernel)
    kernel = kernel.transpose(0, 1, 3, 2) if transpose_kernel else kernel
    columns = kernel.reshape(-1, 8)
    np.testing.assert_allclose(columns.T @ columns, np.eye(8), atol=1e-5)


def test_dcgan_is_normal_with_deviation_002():
    kernel = start("dcgan", (4, 4, 64, 64))
    assert abs(kernel.std() - 0.02) < 5e-4
    assert abs(kernel.mean()) < 5e-4


def test_orthogonal_columns():
    kernel = start("orthogonal", (4, 4, 3, 8)).reshape(-1, 8)
    np.testing.assert_allclose(kernel.T @ kernel, np.eye(8), atol=1e-5)


@pytest.mark.parametrize(("k", "s"), [(4, 2), (5, 3), (8, 4)])
def test_bilinear_is_bilinear_resize_except_for_the_border(k, s):
    x = noise(1, 6, 6, 3)
    y = deconv(x, start("bilinear", (k, k, 3, 3), s), s)
    expected = jax.image.resize(x, y.shape, "bilinear")
    np.testing.assert_allclose(inside(y, s), inside(expected, s), atol=1e-5)
    assert not np.allclose(y, expected, atol=1e-2)
    if (k, s) == (4, 2):  # the border is one pixel
        np.testing.assert_allclose(inside(y, 1), inside(expected, 1), atol=1e-5)
        assert not np.allclose(y[:, 0], expected[:, 0], atol=1e-2)


def test_bilinear_with_an_odd_kernel_is_half_a_pixel_off():
    ramp = jnp.arange(8.0)[None, :, None, None] * jnp.ones((1, 8, 8, 1))
    y = inside(deconv(ramp, start("bilinear", (3, 3, 1, 1)), 2))
    expected = inside(jax.image.resize(ramp, (1, 16, 16, 1), "bilinear"))
    np.testing.assert_allclose(np.abs(y - expected), 0.25, atol=1e-5)


@pytest.mark.parametrize("factor", [2, 3, (2, 3)])
def test_icnr_is_a_convolution_and_nearest_resize(factor):
    x = noise(1, 5, 4, 3)
    layer = make_upsampler("depth_to_space", 4, factor, initializer="icnr")
    y, variables = layer.init_with_output(KEY, x)
    small = conv(x, variables["params"]["conv"]["kernel"][..., :4])
    np.testing.assert_allclose(y, resize.nearest(small, factor), atol=1e-5)


def test_icnr_in_the_wrong_order_of_channels_is_not_nearest():
    """Repeated, as PyTorch's (c, r, r) needs it, it is silently a random start."""
    x = noise(1, 5, 4, 3)
    tiled = start("icnr", (3, 3, 3, 16), kind="sub_pixel")
    repeated = jnp.repeat(tiled[..., :4], 4, -1)
    nearest = resize.nearest(conv(x, tiled[..., :4]), 2)
    for order, right, wrong in (("rrc", tiled, repeated), ("crr", repeated, tiled)):
        good = depth_to_space(conv(x, right), 2, order)
        np.testing.assert_allclose(good, nearest, atol=1e-5)
        bad = depth_to_space(conv(x, wrong), 2, order)
        assert abs(np.corrcoef(bad.ravel(), nearest.ravel())[0, 1]) < 0.9


def test_icnr_of_any_initializer():
    layer = DepthToSpace(features=4, kernel_init=icnr_of("dcgan"))
    y, variables = layer.init_with_output(KEY, noise(1, 5, 4, 64))
    kernel = variables["params"]["conv"]["kernel"]
    assert kernel.std() == pytest.approx(0.02, rel=0.1)
    np.testing.assert_array_equal(kernel, jnp.tile(kernel[..., :4], 4))
    np.testing.assert_array_equal(y[:, ::2, ::2], y[:, 1::2, 1::2])
    with pytest.raises(UserError, match=r"by stride_aware, .*, not by 'bilinear'"):
        icnr_of("bilinear")
    with pytest.raises(UserError, match="did you mean 'he_normal'"):
        icnr_of("he_norma")


@pytest.mark.parametrize("transpose_kernel", [False, True])
@pytest.mark.parametrize("name", ["nearest", "bilinear"])
@pytest.mark.parametrize(("k", "s"), [(4, 2), (5, 2), (8, 3)])
def test_resize_equivalents(name, k, s, transpose_kernel):
    tent = {"nearest": s, "bilinear": 2 * s - s % 2}[name]
    m = k - tent + 1
    use = Use("deconvolution", (s, s), transpose_kernel)
    shape = (k, k, 4, 3) if transpose_kernel else (k, k, 3, 4)
    kernel = initializers[f"{name}_equivalent"](use)(KEY, shape, jnp.float32)
    drawn = jax.nn.initializers.lecun_normal()(KEY, (m, m, 3, 4), jnp.float32)
    x = noise(1, 7, 6, 3)
    big = getattr(resize, name)(x, s)
    # An even convolution sits on one side of the pixel or on the other.
    low = m // 2
    expected = conv(big, drawn, [(low, m - 1 - low)] * 2)
    ours = deconv(x, kernel, s, transpose_kernel)
    border = 0 if name == "nearest" else k
    crop = (lambda y: y) if border == 0 else (lambda y: inside(y, s + m))
    np.testing.assert_allclose(crop(ours), crop(expected), atol=1e-5)


def test_a_kernel_too_small_for_the_resize_is_refused():
    with pytest.raises(UserError, match="at least 4 x 4"):
        start("bilinear_equivalent", (3, 3, 1, 1))
    with pytest.raises(UserError, match="at least 3 x 3"):
        start("nearest_equivalent", (2, 2, 1, 1), s=3)


@pytest.mark.parametrize("transpose_kernel", [False, True])
@pytest.mark.parametrize(("k", "factor"), [(3, 2), (4, 2), (5, (2, 3))])
def test_a_mirrored_decoder_is_the_adjoint_of_its_encoder(k, factor, transpose_kernel):
    r, s = (factor, factor) if isinstance(factor, int) else factor
    x, y = noise(2, 4 * r, 3 * s, 5), noise(2, 4, 3, 7, seed=1)
    encoder = {"down": {"kernel": noise(k, k, 5, 7, seed=2)}}
    down = lax.conv_general_dilated(
        x,
        encoder["down"]["kernel"],
        (r, s),
        "SAME",
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
    )
    layer = make_upsampler(
        "conv_transpose",
        5,
        factor,
        k,
        "mirrored",
        use_bias=False,
        transpose_kernel=transpose_kernel,
    )
    params = layer.init(KEY, y)["params"]
    assert params["deconv"]["kernel"].std() == pytest.approx(
        1 / (5 * k * k) ** 0.5, 0.2
    )
    pairs = [("deconv", "down")]
    params = mirror_encoder(params, encoder, pairs, transpose_kernel)
    up = layer.apply({"params": params}, y)
    np.testing.assert_allclose(jnp.vdot(down, y), jnp.vdot(x, up), rtol=1e-3)


def test_mirroring_says_what_does_not_match():
    decoder = {"up": {"kernel": jnp.zeros((4, 4, 7, 5))}}
    encoder = {"down": {"kernel": jnp.zeros((3, 3, 5, 7))}}
    with pytest.raises(UserError, match=r"mirror image of the encoder's down/kernel"):
        mirror_encoder(decoder, encoder, [("up", "down")])
    with pytest.raises(UserError, match="did you mean 'down/kernel'"):
        mirror_encoder(decoder, encoder, [("up", "dwon")])


@pytest.mark.parametrize("name", initializers)
def test_jit_is_eager_and_finite_at_an_uneven_factor(name):
    kind = next(kind for kind in KINDS if kind in initializers[name].kinds)
    init = initializers[name](Use(kind, (3, 2), last=False))
    kernel = init(KEY, (6, 4, 1, 12), jnp.float32)
    assert np.isfinite(kernel).all() and np.abs(kernel).max() > 0
    jitted = jax.jit(lambda: init(KEY, (6, 4, 1, 12), jnp.float32))()
    np.testing.assert_allclose(kernel, jitted, atol=1e-5)


def test_fits_and_the_refusal():
    assert fits("icnr", "depth_to_space") and not fits("icnr", "conv_transpose")
    assert fits("bilinear", "separable_conv_transpose")
    assert not fits("mirrored", "nearest_conv")
    for name in upsamplers:
        assert fits("default", name) and fits("dcgan", name)
    with pytest.raises(UserError, match="makes no sense for nearest_conv; it fits dep"):
        make_upsampler("nearest_conv", 4, initializer="icnr")
    with pytest.raises(UserError, match="for nearest_conv there is stride_aware, def"):
        make_upsampler("nearest_conv", 4, initializer="icnr")
    with pytest.raises(UserError, match="did you mean 'bilinear'"):
        make_upsampler("conv_transpose", 4, initializer="billinear")


def test_every_kind_that_an_initializer_or_an_upsampler_names_exists():
    for make in initializers.values():
        assert make.kinds <= set(KINDS)
    for layer in upsamplers.values():
        assert set(layer.kinds) <= set(KINDS)
