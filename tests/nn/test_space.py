"""Layers of signals and volumes: one spatial axis, or three."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from deconvgen.core.errors import UserError
from deconvgen.nn.initializers import initializers
from deconvgen.nn.upsample import fits, make_upsampler, upsamplers
from deconvgen.nn.upsample.modifiers import box_filter
from tests.nn.layers import KEY, noise, started

EVERYWHERE = [name for name, layer in upsamplers.items() if 3 in layer.ranks]
MODIFIED = dict(residual=True, smoothing=2, extra_conv=True)


@pytest.mark.parametrize("name", EVERYWHERE)
def test_a_signal_is_an_image_of_one_row(name):
    """By kernels of one row, and with two batch axes in front."""
    x = noise(2, 1, 6, 4)
    y, variables = started(make_upsampler(name, 3, (2,), 3), x)
    assert y.shape == (2, 1, 12, 3)
    if name in ("decomposed_conv_transpose", "phase_mlp"):  # of other parameters
        return
    image = make_upsampler(name, 3, (1, 2), (1, 3))
    deep = jax.tree.map(lambda k: k[None] if k.ndim == 3 else k, variables)
    if name == "large_kernel_conv_transpose":  # whose small kernel is 3 pixels high
        rows = ((1, 1), (0, 0), (0, 0), (0, 0))
        small = deep["params"]["small"]
        small["kernel"] = jnp.pad(small["kernel"], rows)
    expected = image.apply(deep, x)
    np.testing.assert_allclose(y, expected, atol=1e-5)


@pytest.mark.parametrize("name", EVERYWHERE)
def test_volumes_by_every_initializer_and_modifier(name):
    x = noise(1, 2, 3, 2, 4)
    for start in (i for i in initializers if fits(i, name)):
        layer = make_upsampler(name, 3, (2, 1, 3), initializer=start)
        run = lambda: layer.init_with_output(KEY, x)  # noqa: B023
        y, _ = jax.eval_shape(run)
        assert y.shape == (1, 4, 3, 6, 3), start
    y, _ = started(make_upsampler(name, 3, (2, 1, 3), **MODIFIED), x)
    assert y.shape == (1, 4, 3, 6, 3)
    assert np.isfinite(y).all()


def test_variance_is_kept_in_every_dimension():
    for shape, factor in (((4, 64, 32), (2,)), ((1, 10, 10, 10, 32), (2, 2, 2))):
        x = noise(*shape)
        for name in ("conv_transpose", "depth_to_space"):
            y, _ = started(make_upsampler(name, 32, factor), x)
            inside = y[(slice(None), *[slice(3, -3)] * len(factor))]
            np.testing.assert_allclose(inside.var(), 1, rtol=0.25)


def test_bilinear_starts_are_linear_and_trilinear_interpolation():
    for x, factor in ((noise(1, 6, 2), (2,)), (noise(1, 5, 4, 6, 2), (2, 2, 2))):
        layer = make_upsampler("conv_transpose", 2, factor, initializer="bilinear")
        y, _ = started(layer, x)
        expected = jax.image.resize(x, y.shape, "linear")
        inside = (slice(None), *[slice(1, -1)] * len(factor))
        np.testing.assert_allclose(y[inside], expected[inside], atol=1e-5)


def test_smoothing_of_order_d_takes_the_mean_d_times():
    """Kinoshita and Kiya 2020: [1, 1], [1, 2, 1], [1, 3, 3, 1] at factor 2."""
    x = noise(1, 9, 2)
    for order, taps in ((1, [1, 1]), (2, [1, 2, 1]), (3, [1, 3, 3, 1])):
        y = box_filter(x, (2,), order=order)
        line = np.convolve(x[0, :, 0], np.array(taps) / 2**order, mode="valid")
        low = (len(taps) - 1) // 2
        np.testing.assert_allclose(y[0, low : low + len(line), 0], line, atol=1e-6)
        even = jnp.tile(jnp.array([1.0, 3.0]), 4)[None, :, None]
        np.testing.assert_allclose(box_filter(even, (2,), order=order), 2.0, atol=1e-6)
    layer = make_upsampler("depth_to_space", 2, 2, smoothing=2)
    y, variables = started(layer, noise(1, 4, 4, 2))
    bare = make_upsampler("depth_to_space", 2, 2)
    inner = bare.apply({"params": variables["params"]["upsampler"]}, noise(1, 4, 4, 2))
    np.testing.assert_allclose(y, box_filter(inner, 2, order=2), atol=1e-6)


def test_layers_of_images_alone_say_so_and_so_do_odd_kernels():
    with pytest.raises(UserError, match=r"upsamples images, .* not by \(2,\)"):
        make_upsampler("carafe", 3, (2,))
    with pytest.raises(UserError, match="a kernel size of 2 numbers"):
        make_upsampler("conv_transpose", 3, (2,), (3, 3))
    with pytest.raises(UserError, match=r"x is \[..., d, h, w, c\], not an array"):
        make_upsampler("nearest_conv", 3, (2, 2, 2)).init(KEY, jnp.ones((4, 4, 3)))
    with pytest.raises(UserError, match="smoothing is a whole number >= 0"):
        make_upsampler("nearest_conv", 3, smoothing=-1)
    with pytest.raises(UserError, match="did you mean 'channel_repeat'"):
        make_upsampler("nearest_conv", 3, residual=True, shortcut="channel_repat")
