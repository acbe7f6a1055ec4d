"""The newer starts: isometries, zeros, mixtures, equal scale, and what data say."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from deconvgen.core.errors import UserError
from deconvgen.nn.conv import Conv
from deconvgen.nn.initializers import Use, initializers, mirror_image, seen
from deconvgen.nn.upsample import fits, make_upsampler
from deconvgen.ops import resize
from deconvgen.ops.subpixel import space_to_depth
from tests.nn.layers import KEY, inputs, noise, started


def kernel(name, shape, s=2, kind="deconvolution", **how):
    return initializers[name](Use(kind, (s, s), **how))(KEY, shape, jnp.float32)


@pytest.mark.parametrize("transpose_kernel", [False, True])
@pytest.mark.parametrize(("k", "s"), [(4, 2), (2, 2), (5, 3)])
def test_delta_orthogonal_is_nearest_resize_of_an_orthogonal_matrix(
    k, s, transpose_kernel
):
    x = noise(1, 5, 4, 3)
    options = {"transpose_kernel": transpose_kernel, "use_bias": False}
    layer = make_upsampler("conv_transpose", 3, s, k, "delta_orthogonal", **options)
    y, _ = started(layer, x)
    np.testing.assert_allclose(y, resize.nearest(y[:, ::s, ::s], s), atol=1e-5)
    energy = lambda x: (x**2).sum(-1)
    np.testing.assert_allclose(energy(y[:, ::s, ::s]), energy(x), rtol=1e-5)


@pytest.mark.parametrize("name", ["conv_transpose", "depth_to_space"])
def test_phases_of_their_own_are_isometries_apart(name):
    """Every sub-pixel has the energy of its pixel; no two are alike."""
    x = noise(1, 5, 4, 3)
    layer = make_upsampler(name, 6, (2, 3), None, "delta_orthogonal_phases")
    y, _ = started(layer, x)
    energy = resize.nearest((x**2).sum(-1, keepdims=True), (2, 3))
    np.testing.assert_allclose((y**2).sum(-1, keepdims=True), energy, rtol=1e-5)
    assert np.abs(y[:, ::2, ::3] - y[:, 1::2, ::3]).max() > 0.1


def test_orthogonal_polyphase_is_inverted_by_the_mirrored_convolution():
    x = noise(1, 5, 4, 3)
    layer = make_upsampler("conv_transpose", 2, 2, 2, "orthogonal_polyphase")
    y, variables = started(layer, x)
    rows = variables["params"]["deconv"]["kernel"].transpose(2, 0, 1, 3).reshape(3, -1)
    np.testing.assert_allclose(rows @ rows.T, np.eye(3), atol=1e-5)
    back = Conv(3, (2, 2), strides=(2, 2), use_bias=False)
    encoder = {"kernel": mirror_image(variables["params"]["deconv"]["kernel"])}
    np.testing.assert_allclose(back.apply({"params": encoder}, y), x, atol=1e-5)


def test_zero_last_starts_as_the_shortcut_and_fixup_scales_the_others():
    x = noise(1, 4, 3, 6)
    assert not fits("zero_last", "conv_transpose") and fits("zero_last", "dc_up")
    with pytest.raises(UserError, match="for conv_transpose without a residual path"):
        make_upsampler("conv_transpose", 3, initializer="zero_last")
    for more in ({}, {"extra_conv": True}, {"shortcut": "channel_repeat"}):
        layer = make_upsampler(
            "separable_conv_transpose", 3, 2, None, "zero_last", residual=True, **more
        )
        y, variables = started(layer, x)
        path = resize.bilinear_additive(x, 2, 3)
        if "shortcut" in more:
            path = resize.channel_repeat(x, 2, 3)
        np.testing.assert_allclose(y, path, atol=1e-6)
        zeros = [not k.any() for k in jax.tree.leaves(variables) if k.ndim == 4]
        assert sum(zeros) == 1
    alone, among = (
        kernel("zero_last", (4, 4, 1, 6), last=False, layers=2, blocks=n)
        for n in (1, 9)
    )
    np.testing.assert_allclose(among * 3, alone, rtol=1e-5)  # 9^(-1 / 2)


def test_a_strength_mixes_the_start_with_noise_at_equal_variance():
    wide = (3, 3, 32, 64)
    shared, half, alone = (
        kernel(f"icnr@{e}", wide, kind="sub_pixel").reshape(3, 3, 32, 4, 16)
        for e in (0, 0.6, 1)
    )
    apart = lambda k: float((k - k.mean(3, keepdims=True)).var() / k.var())
    assert apart(shared) == pytest.approx(0, abs=1e-6)
    assert apart(half) == pytest.approx(0.36 * 0.75, rel=0.1)
    assert apart(alone) == pytest.approx(0.75, rel=0.1)
    for one in (shared, half, alone):
        assert one.var() == pytest.approx(1 / (9 * 32), rel=0.1)
    for name in ("icnr@2", "icnr@", "icnr@many"):
        assert name not in initializers
        with pytest.raises(UserError, match="the strength behind @ is a number from 0"):
            initializers[name]
    with pytest.raises(UserError, match="did you mean 'icnr'"):
        initializers["icnrr@0.5+unit"]


STARTS = {
    "conv_transpose": ("orthogonal", "lecun_normal", "bilinear", "delta_orthogonal"),
    "depth_to_space": ("icnr", "he_normal"),
    "haar": ("details_zero",),
    "fir_conv_transpose": ("lecun_normal",),
}


@pytest.mark.parametrize(
    ("name", "start"), [(name, s) for name, starts in STARTS.items() for s in starts]
)
def test_equal_scale_is_measured_right(name, start):
    """`+unit`: white noise comes out with the variance that it had."""
    x = noise(4, 16, 16, 16)
    assert fits(f"{start}+unit", name)
    layer = make_upsampler(name, 16, 2, None, f"{start}+unit")
    y, _ = started(layer, x)
    limit = 0.2 if name == "fir_conv_transpose" else 0.05
    np.testing.assert_allclose(y[:, 4:-4, 4:-4].var(), 1, rtol=limit)
    assert hash(layer) == hash(make_upsampler(name, 16, 2, None, f"{start}+unit"))


def test_equal_scale_changes_the_scale_alone():
    one, unit = (kernel(n, (4, 4, 8, 8)) for n in ("orthogonal", "orthogonal+unit"))
    np.testing.assert_allclose(unit, 2 * one, rtol=1e-5)  # Var(out) / Var(in) was 1/4
    assert not kernel("zero_last+unit", (4, 4, 8, 8)).any()


def test_lsuv_gives_the_first_batch_unit_variance_kernel_by_kernel():
    """Mishkin and Matas 2016; kernels with a start of their own keep it."""
    x = 5 * noise(2, 6, 5, 4) + 3
    for name in ("conv_transpose", "separable_conv_transpose", "sapa"):
        layer = make_upsampler(name, 3, 2, initializer="lsuv")
        y, variables = started(layer, x)
        assert y.std() == pytest.approx(1, rel=1e-3), name
        again = layer.apply(variables, *inputs(layer, x))
        np.testing.assert_allclose(again, y, atol=1e-4)
    assert np.std(variables["params"]["query"]["kernel"]) < 0.03
    zeros, _ = started(make_upsampler("nearest_conv", 3, 2, initializer="lsuv"), 0 * x)
    assert np.isfinite(zeros).all()


@pytest.mark.parametrize("name", ["depth_to_space", "conv_transpose"])
def test_pca_decodes_as_a_linear_autoencoder_of_the_images_patches(name):
    """Codes by the same patches come back as the projection on the strongest three."""
    images = noise(3, 6, 4, 2)
    images = images.at[:, ::2].multiply(3)
    patches = np.asarray(space_to_depth(images, 2)).reshape(-1, 8)
    _, vectors = np.linalg.eigh(patches.T @ patches)
    strongest = vectors[:, ::-1][:, :3]
    layer = make_upsampler(name, 2, 2, None, "pca", use_bias=False)
    pulses = jnp.eye(3)[:, None, None]
    with seen(images):
        made, variables = layer.init_with_output(KEY, pulses)
    rows = np.asarray(space_to_depth(made, 2)).reshape(3, 8)
    np.testing.assert_allclose(rows.T @ rows, strongest @ strongest.T, atol=1e-4)
    code = (patches @ rows.T).reshape(3, 3, 2, 3)
    y = layer.apply(variables, jnp.asarray(code))
    best = np.asarray(space_to_depth(y, 2)).reshape(-1, 8)
    np.testing.assert_allclose(best, patches @ strongest @ strongest.T, atol=1e-4)


def test_pca_without_images_is_of_smooth_ones():
    """The first patches are constant, and no channel is idle."""
    for channels in (2, 11):
        x = noise(1, 3, 3, channels)
        y, variables = started(make_upsampler("depth_to_space", 2, 2, None, "pca"), x)
        kernel = np.asarray(variables["params"]["conv"]["kernel"])
        assert (np.abs(kernel[1, 1]).sum(1) > 0.1).all()
        even = np.ptp(np.asarray(space_to_depth(y, 2)).reshape(9, 4, 2), axis=1).max()
        assert (even < 1e-4) == (channels == 2)
