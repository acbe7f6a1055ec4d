"""Every registered upsampler: shapes, gradients, modifiers, refusals."""

import sys
from itertools import cycle

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from deconvgen.core.errors import UserError
from deconvgen.nn.conv import Conv
from deconvgen.nn.initializers import initializers
from deconvgen.nn.upsample import (
    Upsampler,
    find_files,
    fits,
    make_upsampler,
    upsamplers,
)
from deconvgen.nn.upsample.modifiers import box_filter
from deconvgen.ops import resize
from tests.nn.layers import KEY, NAMES, inputs, noise, started


@pytest.mark.parametrize("name", NAMES)
def test_shape_and_dtype_for_every_factor_kernel_and_odd_size(name):
    kernels = {1: (None, 4), 2: (2, 3, 5), 3: (1,), 4: (None,), (2, 3): (None, 4)}
    for factor in kernels:
        for k in kernels[factor]:
            layer = make_upsampler(name, 3, factor, k)
            args = inputs(layer, jnp.zeros((1, 5, 3, 4)))
            y, _ = jax.eval_shape(lambda *a: layer.init_with_output(KEY, *a), *args)  # noqa: B023
            r, s = layer.factors
            assert y.shape == (1, 5 * r, 3 * s, 3), (factor, k)
            assert y.dtype == jnp.float32


@pytest.mark.parametrize("name", NAMES)
def test_every_initializer_that_fits_gives_finite_values_and_gradients(name):
    x = noise(2, 3, 5, 4)
    good = [i for i in initializers if fits(i, name)]
    layers = {i: make_upsampler(name, 6, 2, initializer=i) for i in good}
    args = inputs(layers["default"], x)
    kernels = jax.jit(lambda *a: {i: m.init(KEY, *a) for i, m in layers.items()})(*args)

    def loss(variables, *args):
        y = layers["default"].apply(variables, *args)
        return (y**2).mean(), y

    step = jax.jit(jax.value_and_grad(loss, argnums=(0, 1), has_aux=True))
    for i, variables in kernels.items():
        (_, y), gradients = step(variables, *args)
        assert y.shape == (2, 6, 10, 6), i
        assert np.asarray(y).std() > 0, i
        for leaf in jax.tree.leaves(gradients):
            assert np.isfinite(leaf).all(), i
        kernel = [g for g in jax.tree.leaves(gradients[0]) if g.ndim == 4]
        assert any(np.abs(g).max() > 0 for g in kernel), i


@pytest.mark.parametrize("name", NAMES)
def test_every_initializer_that_fits_at_every_factor(name):
    """Shapes and dtypes only; the test above has the values. The factors take turns."""
    factors = cycle((1, 3, 4, (2, 3)))
    for i in (i for i in initializers if fits(i, name)):
        factor = next(factors)
        layer = make_upsampler(name, 4, factor, None, i, dtype=jnp.bfloat16)
        args = inputs(layer, jnp.zeros((1, 3, 2, 4)))
        run = lambda *a: layer.init_with_output(KEY, *a)  # noqa: B023
        y, variables = jax.eval_shape(run, *args)
        r, s = layer.factors
        assert y.shape == (1, 3 * r, 2 * s, 4), (i, factor)
        assert y.dtype == jnp.bfloat16, (i, factor)
        for leaf in jax.tree.leaves(variables):
            assert leaf.dtype == jnp.float32, (i, factor)


def test_dysample_in_bfloat16_finds_its_places_in_large_images():
    """Halves are lost in bfloat16 beyond 128 pixels; the places must not be in it."""
    x = noise(1, 128, 4, 4)
    whole = make_upsampler("dysample", 2, 2)
    variables = whole.init(KEY, x)
    half = make_upsampler("dysample", 2, 2, dtype=jnp.bfloat16)
    y, expected = half.apply(variables, x), whole.apply(variables, x)
    assert y.dtype == jnp.bfloat16
    error = np.asarray(y, np.float32) - expected
    assert np.sqrt((error**2).mean() / (expected**2).mean()) < 0.02


@pytest.mark.parametrize("name", NAMES)
def test_an_empty_batch_is_an_empty_batch(name):
    layer = make_upsampler(name, 3, 2)
    args = inputs(layer, jnp.zeros((0, 3, 2, 4)))
    y, _ = jax.eval_shape(lambda *a: layer.init_with_output(KEY, *a), *args)
    assert y.shape == (0, 6, 4, 3)


def test_a_file_in_the_folder_is_found(tmp_path):
    """As the README says: no other file names it."""
    name = "deconvgen.nn.upsample"
    code = (
        '"""One more, for this test."""\n'
        "from deconvgen.nn.upsample import resized, upsamplers\n"
        'upsamplers.register(resized.NearestConv, name="from_a_file")\n'
    )
    (tmp_path / "a_file.py").write_text(code)
    upsample = sys.modules[name]
    places = list(upsample.__path__)
    upsample.__path__.append(str(tmp_path))
    try:
        find_files()
        assert "from_a_file" in upsamplers
    finally:
        upsample.__path__[:] = places
        sys.modules.pop(f"{name}.a_file", None)
        upsamplers._things.pop("from_a_file", None)


@pytest.mark.parametrize("name", NAMES)
def test_jit_is_eager(name):
    layer = make_upsampler(name, 3, (2, 3))
    x = noise(1, 3, 2, 4)
    y, variables = started(layer, x)
    eager = layer.apply(variables, *inputs(layer, x))
    np.testing.assert_allclose(y, eager, atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_bfloat16_computes_in_bfloat16_with_float32_parameters(name):
    layer = make_upsampler(name, 3, 2, dtype=jnp.bfloat16)
    args = inputs(layer, jnp.zeros((1, 2, 3, 4)))
    y, variables = jax.eval_shape(lambda *a: layer.init_with_output(KEY, *a), *args)
    assert y.dtype == jnp.bfloat16
    assert all(leaf.dtype == jnp.float32 for leaf in jax.tree.leaves(variables))


def test_kernels_are_called_kernel():
    for name in NAMES:
        layer = make_upsampler(name, 3, 2)
        args = inputs(layer, jnp.zeros((1, 2, 3, 4)))
        variables = jax.eval_shape(lambda *a: layer.init(KEY, *a), *args)  # noqa: B023
        for path, leaf in jax.tree_util.tree_leaves_with_path(variables):
            names = {"kernel"} if leaf.ndim == 4 else {"bias", "scale"}
            assert path[-1].key in names, name


@pytest.mark.parametrize("name", NAMES)
def test_the_default_start_of_the_linear_layers_keeps_the_variance(name):
    if name not in ("conv_transpose", "decomposed_conv_transpose", "depth_to_space"):
        return
    x = noise(2, 16, 16, 32)
    y, _ = started(make_upsampler(name, 32, 2), x)
    np.testing.assert_allclose(y[:, 4:-4, 4:-4].var(), 1, rtol=0.2)


class Block(nn.Module):
    """A decoder's block: everything from plain values, lists as JSON gives them."""

    @nn.compact
    def __call__(self, x):
        wrapped = make_upsampler(
            "conv_transpose",
            3,
            [2, 3],
            residual=True,
            box_filter=True,
            extra_conv=True,
            module_name="up",
        )
        return wrapped(x)


def test_modifiers_wrap_in_order_and_inside_a_module():
    x = noise(1, 4, 3, 6)
    y, variables = Block().init_with_output(KEY, x)
    assert y.shape == (1, 8, 9, 3)
    params = variables["params"]["up"]["upsampler"]
    deconv = params["upsampler"]["upsampler"]["deconv"]
    bare = make_upsampler("conv_transpose", 3, (2, 3))
    inner = box_filter(bare.apply({"params": {"deconv": deconv}}, x), (2, 3))
    convolved = Conv(3, (3, 3)).apply({"params": params["conv"]}, inner)
    residual = resize.bilinear_additive(x, (2, 3), 3)
    np.testing.assert_allclose(y, convolved + residual, atol=1e-5)
    hash(make_upsampler("conv_transpose", 3, [2, 3], [4, 6], residual=True))


@pytest.mark.parametrize("factor", [2, 3, 4, (2, 3)])
def test_box_filter_makes_what_repeats_with_the_factor_constant(factor):
    r, s = (factor, factor) if isinstance(factor, int) else factor
    period = np.random.default_rng(0).normal(size=(1, r, s, 2))
    x = jnp.asarray(np.tile(period, (1, 4, 3, 1)), jnp.float32)
    expected = np.broadcast_to(period.mean((1, 2)), x.shape)
    np.testing.assert_allclose(box_filter(x, factor), expected, atol=1e-5)


def test_modifiers_pass_the_indices_on():
    x = noise(1, 3, 3, 4)
    layer = make_upsampler("max_unpool", 4, 2, residual=True, box_filter=True)
    assert layer.needs_indices
    y, _ = started(layer, x)
    assert y.shape == (1, 6, 6, 4)


def test_adding_one_takes_one_decorator():
    @upsamplers.register(name="doubled")
    class Doubled(Upsampler):
        """Nearest neighbour and a convolution, for this test."""

        @nn.compact
        def __call__(self, x):
            return self.conv(resize.nearest(x, self.factors))

    try:
        y, _ = started(
            make_upsampler("doubled", 5, 3, initializer="dcgan"), noise(1, 2, 2, 4)
        )
        assert y.shape == (1, 6, 6, 5)
        assert upsamplers.summary("doubled").startswith("Nearest")
    finally:
        del upsamplers._things["doubled"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "conv_transposed"}, "did you mean 'conv_transpose'"),
        ({"features": 0}, "features is a whole number >= 1, not 0"),
        ({"features": True}, "features is a whole number >= 1, not True"),
        ({"factor": True}, "a factor is a whole number >= 1"),
        ({"factor": 0}, "a factor is a whole number >= 1"),
        ({"factor": "2"}, "a factor is a whole number >= 1"),
        ({"kernel_size": 0}, "a kernel size is a whole number >= 1"),
        ({"transposed": True}, "has no option transposed"),
    ],
)
def test_mistakes_are_named(change, message):
    with pytest.raises(UserError, match=message):
        make_upsampler(**{"name": "conv_transpose", "features": 3, **change})
