"""Images of any type, with any number of batch axes, through every layer and operation.

The same float32 images with one batch axis say what is right. After google/jax#3811
and tensorflow/tensorflow#10169 (resized integers) and Flax's convention for batches.
"""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from deconvgen.core.errors import UserError
from deconvgen.nn.blocks import PReLU
from deconvgen.nn.conv import Conv, ConvTranspose
from deconvgen.nn.upsample import Upsampler, make_upsampler
from deconvgen.nn.upsample.dynamic import sample_bilinear
from deconvgen.nn.upsample.modifiers import box_filter
from deconvgen.nn.upsample.transposed import Depthwise, low_pass
from deconvgen.ops import resize
from deconvgen.ops.convolution.strided import conv
from deconvgen.ops.convolution.transposed import conv_transpose
from deconvgen.ops.fir import upfirdn, upfirdn_axis
from deconvgen.ops.pooling import max_pool_with_indices, max_unpool, window_indices
from deconvgen.ops.reassembly import reassemble, window_products
from deconvgen.ops.spectrum import azimuthal_average, power_spectrum
from deconvgen.ops.structure import blur, similarity
from deconvgen.ops.subpixel import depth_to_space, space_to_depth
from tests.nn.layers import KEY, NAMES, inputs, noise

SIZE = (12, 12, 4)
KERNEL = noise(3, 3, 4, 4)
TAPS = np.array([[1.0, 3.0], [0.25, 2.0]])
PLACES = noise(*SIZE[:2], 2) + 3
WEIGHTS = noise(*SIZE[:2], 2, 6)
INDICES = jnp.arange(np.prod(SIZE)).reshape(SIZE) % 4


def spread(like, x):
    """One example's second argument for every example of a batch."""
    return jnp.broadcast_to(like, (*x.shape[:-3], *like.shape))


OPERATIONS = {
    "nearest": lambda x: resize.nearest(x, (2, 3)),
    "bilinear": lambda x: resize.bilinear(x, (2, 3)),
    "bicubic": lambda x: resize.bicubic(x, 2),
    "bilinear_additive": lambda x: resize.bilinear_additive(x, 2, 3),
    "bilinear_additive_mean": lambda x: resize.bilinear_additive(x, 2, 2, "mean"),
    "grouped": lambda x: resize.grouped(x, 3),
    "channel_repeat": lambda x: resize.channel_repeat(x, 2, 3),
    "upfirdn": lambda x: upfirdn(x, TAPS, 2, 1, ((1, 0), (0, 1))),
    "upfirdn_separable": lambda x: upfirdn(x, np.array([0.3, 0.9]), 2),
    "upfirdn_of_many_taps": lambda x: upfirdn(x, np.ones((11, 11)) / 121),
    "upfirdn_axis": lambda x: upfirdn_axis(x, np.array([0.3, 0.9]), 1),
    "box_filter": lambda x: box_filter(x, 2),
    "low_pass": lambda x: low_pass(x, [np.ones(2), np.ones(3) / 3], (3, 3)),
    "depth_to_space": lambda x: depth_to_space(x, 2),
    "space_to_depth": lambda x: space_to_depth(x, (2, 3)),
    "max_pool": lambda x: max_pool_with_indices(x, 2),
    "max_pool_same": lambda x: max_pool_with_indices(x, 5, "SAME"),
    "max_unpool": lambda x: max_unpool(x, spread(INDICES, x), 2),
    "window_indices": lambda x: window_indices(
        jnp.abs(x).astype(jnp.int32), (24, 24), 2
    ),
    "reassemble": lambda x: reassemble(x, spread(WEIGHTS, x), (2, 3)),
    "window_products": lambda x: window_products(x, x[..., None, :], 3),
    "sample_bilinear": lambda x: sample_bilinear(
        x, spread(PLACES, x), spread(PLACES, x)
    ),
    "conv": lambda x: conv(x, KERNEL, 2),
    "conv_transpose": lambda x: conv_transpose(x, KERNEL, 2),
    "power_spectrum": power_spectrum,
    "azimuthal_average": lambda x: azimuthal_average(power_spectrum(x)),
    "blur": blur,
    "similarity": lambda x: similarity(x, x[..., ::-1, :]),
}
MODIFIERS = {
    "bare": {},
    "residual": {"residual": True},
    "averaging": {"residual": True, "reduction": "mean"},
    "repeating": {"residual": True, "shortcut": "channel_repeat"},
    "smoothing": {"smoothing": 2},
    "extra_conv": {"extra_conv": True},
}
# Called with x alone, with indices, and with a guide.
WRAPPED = ("conv_transpose", "max_unpool", "index_unpool")
LAYERS = {
    **{(name, "bare"): None for name in NAMES},
    **{(name, modifier): None for name in WRAPPED for modifier in MODIFIERS},
    ("Conv", "bare"): Conv(3, (3, 3)),
    ("ConvTranspose", "bare"): ConvTranspose(3, (3, 3), (2, 2)),
    ("Depthwise", "bare"): Depthwise((3, 3), (2, 2), nn.initializers.ones),
}
EXACT = ("float32", "uint8", "int32", "bool")


def images(dtype, *batch):
    values = np.random.default_rng(0).integers(0, 250, (*batch, *SIZE))
    if dtype == "bool":
        return jnp.asarray(values > 99)
    small = values / 250 if "float" in dtype else values
    return jnp.asarray(small).astype(dtype)


def agree(actual, expected, dtype):
    for a, e in zip(jax.tree.leaves(actual), jax.tree.leaves(expected), strict=True):
        assert a.shape == e.shape
        a, e = np.asarray(a, np.float64), np.asarray(e, np.float64)
        limit = {"bfloat16": 2**-8, "float16": 2**-11}.get(dtype, 1e-5)
        np.testing.assert_allclose(a, e, atol=limit * (1e-30 + np.abs(e).max()))


@pytest.mark.parametrize("dtype", ["uint8", "int32", "bool", "bfloat16", "float16"])
@pytest.mark.parametrize("name", OPERATIONS)
def test_operations_give_what_the_same_float_images_give(name, dtype):
    """Half precision too: one rounding, at the end (so the limits say)."""
    x = images(dtype, 1)
    if name in ("conv", "conv_transpose"):  # that take the wider of both types
        agree(OPERATIONS[name](x), OPERATIONS[name](x.astype("f4")), dtype)
        return
    y = OPERATIONS[name](x)
    agree(y, OPERATIONS[name](x.astype(jnp.float32)), dtype)
    first = jax.tree.leaves(y)[0]
    if "float" in dtype and name not in (
        "power_spectrum",
        "azimuthal_average",
        "similarity",
        "window_indices",
        "reassemble",
        "sample_bilinear",
    ):
        assert first.dtype == x.dtype


@pytest.mark.parametrize("name", OPERATIONS)
def test_operations_take_any_number_of_batch_axes(name):
    video = images("float32", 2, 3)
    run = jax.jit(OPERATIONS[name])
    flat = run(video.reshape(6, *SIZE))
    fold = lambda y: y.reshape(2, 3, *y.shape[1:])
    agree(run(video), jax.tree.map(fold, flat), "float32")
    agree(run(video[0, 0]), jax.tree.map(lambda y: y[0], flat), "float32")
    empty = jax.eval_shape(run, jnp.zeros((0, 2, *SIZE)))
    shapes = lambda tree, *batch: [
        (*batch, *y.shape[1:]) for y in jax.tree.leaves(tree)
    ]
    assert [y.shape for y in jax.tree.leaves(empty)] == shapes(flat, 0, 2)


@pytest.mark.parametrize("name", [n for n in OPERATIONS if n not in ("grouped",)])
def test_operations_refuse_what_is_no_image(name):
    with pytest.raises(UserError, match=r"shape \((3|2|4|5)"):
        OPERATIONS[name](jnp.ones((3, 4)))


def small(x):
    return x[..., :4, :3, :]


@pytest.mark.parametrize(("name", "modifier"), LAYERS)
def test_layers_take_images_of_any_type_and_batch(name, modifier):
    layer = LAYERS[name, modifier]
    if layer is None:
        layer = make_upsampler(name, 3, 2, **MODIFIERS[modifier])
    arguments = lambda x: inputs(layer, x) if hasattr(layer, "needs_indices") else (x,)
    video = small(images("float32", 2, 2))
    flat = video.reshape(4, *video.shape[2:])
    variables = jax.jit(layer.init)(KEY, *arguments(flat))
    run = jax.jit(layer.apply)
    expected = run(variables, *arguments(flat))
    agree(
        run(variables, *arguments(video)),
        expected.reshape(2, 2, *expected.shape[1:]),
        "float32",
    )
    one = run(variables, *arguments(flat[0]))
    agree(one, run(variables, *arguments(flat[:1]))[0], "float32")
    for dtype in ("uint8", "int32", "bool", "bfloat16", "float16"):
        x = small(images(dtype, 1))
        whole = run(variables, *arguments(x.astype(jnp.float32)))
        y = run(variables, *arguments(x))
        assert y.dtype == jnp.float32
        agree(y, whole, "float32")


def test_a_layer_of_ones_own_takes_them_too():
    class Mine(Upsampler):
        @nn.compact
        def __call__(self, x):
            assert x.ndim == 4
            assert x.dtype == jnp.float32
            return self.conv(resize.bilinear(x, self.factors))

    x = jnp.ones((2, 3, 4, 5, 1), jnp.uint8)
    y, _ = Mine(2).init_with_output(KEY, x)
    assert y.shape == (2, 3, 8, 10, 2)


@pytest.mark.parametrize("name", NAMES)
def test_layers_refuse_what_is_no_image(name):
    layer = make_upsampler(name, 3, 2, residual=True)
    with pytest.raises(
        UserError, match=r"x is \[..., h, w, c\], not an array of shape"
    ):
        layer.init(KEY, *inputs(layer, jnp.ones((4, 4))))


def test_arrays_that_belong_together_have_the_same_batch_axes():
    x = jnp.ones((2, 3, 4, 4, 1))
    with pytest.raises(UserError, match="x and indices need the same batch axes"):
        max_unpool(x, jnp.zeros((6, 4, 4, 1), jnp.int32))
    with pytest.raises(UserError, match="x and weights need the same w, not 4 and 3"):
        reassemble(x[0], jnp.ones((3, 4, 3, 1, 9)), 3)


def test_a_learned_slope_of_integers_is_no_integer():
    x = jnp.array([[-8, 8]])
    y, _ = PReLU().init_with_output(KEY, x)
    np.testing.assert_allclose(y, [[-2.0, 8.0]])
