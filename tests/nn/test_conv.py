"""The layers against Flax's: the same parameters and values, the import swapped."""

from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deconvgen.core.errors import UserError
from deconvgen.nn.conv import Conv, ConvTranspose

few = settings(max_examples=12, deadline=None, derandomize=True, database=None)


def same_as_flax(ours, flax, x, tolerance=1e-4):
    """Parameters, output and gradients of input and parameters."""

    def start(layer):
        return jax.jit(layer.init)(jax.random.key(0), x)

    variables = start(flax)
    for actual, expected in zip(
        jax.tree_util.tree_leaves_with_path(start(ours)),
        jax.tree_util.tree_leaves_with_path(variables),
        strict=True,
    ):
        assert actual[0] == expected[0] and actual[1].dtype == expected[1].dtype
        np.testing.assert_array_equal(actual[1], expected[1])

    def passes(layer, variables, x):
        y, back = jax.vjp(layer.apply, variables, x)
        return y, back(jnp.cos(jnp.arange(y.size)).reshape(y.shape).astype(y.dtype))

    for actual, expected in zip(
        *(
            jax.tree.leaves(jax.jit(partial(passes, layer))(variables, x))
            for layer in (ours, flax)
        ),
        strict=True,
    ):
        assert (actual.shape, actual.dtype) == (expected.shape, expected.dtype)
        actual, expected = np.asarray(actual, float), np.asarray(expected, float)
        scale = max(1.0, float(np.abs(expected).max(initial=0)))
        np.testing.assert_allclose(actual, expected, atol=tolerance * scale)


@st.composite
def layers(draw):
    rank = draw(st.sampled_from([2, 2, 1, 3]))

    def axes(low, high):
        return tuple(draw(st.integers(low, high)) for _ in range(rank))

    paddings = ["SAME", "VALID", "CIRCULAR", 1, [(0, 2)] * rank, [1] * rank]
    batch = draw(st.sampled_from([(2,), (), (2, 1)]))
    options = {
        "features": draw(st.integers(1, 3)),
        "kernel_size": axes(1, 4 if rank < 3 else 3),
        "strides": draw(st.sampled_from([axes(1, 3), None])),
        "padding": draw(st.sampled_from(paddings)),
        "kernel_dilation": draw(st.sampled_from([None, axes(1, 2)])),
        "use_bias": draw(st.booleans()),
        "dtype": draw(st.sampled_from([None, None, jnp.bfloat16])),
        "precision": draw(st.sampled_from([None, "highest"])),
    }
    seed = draw(st.integers(0, 9))
    shape = (*batch, *axes(2, 4), draw(st.integers(1, 2)))
    return options, jax.random.normal(jax.random.key(seed), shape)


@few
@given(layers(), st.booleans())
def test_conv_transpose_is_flaxs(drawn, transpose_kernel):
    options, x = drawn
    options["transpose_kernel"] = transpose_kernel
    tolerance = 1e-4 if options["dtype"] is None else 2e-2
    same_as_flax(ConvTranspose(**options), nn.ConvTranspose(**options), x, tolerance)


@few
@given(layers(), st.sampled_from([1, 1, 2]), st.booleans())
def test_conv_is_flaxs(drawn, input_dilation, grouped):
    options, x = drawn
    if not isinstance(options["padding"], str):  # which lax refuses
        options["input_dilation"] = input_dilation
    if grouped:
        options["feature_group_count"] = x.shape[-1]
        options["features"] *= x.shape[-1]
    tolerance = 1e-4 if options["dtype"] is None else 2e-2
    same_as_flax(Conv(**options), nn.Conv(**options), x, tolerance)


def test_mask_and_the_other_fields():
    x = jnp.ones((2, 5, 5, 3))
    for transpose, shape in ((False, (3, 3, 3, 4)), (True, (3, 3, 4, 3))):
        options = {
            "features": 4,
            "kernel_size": (3, 3),
            "mask": np.tril(np.ones(shape)),
            "transpose_kernel": transpose,
            "param_dtype": jnp.float16,
            "kernel_init": nn.initializers.ones,
            "bias_init": nn.initializers.ones,
        }
        same_as_flax(ConvTranspose(**options), nn.ConvTranspose(**options), x, 1e-2)
        del options["transpose_kernel"]
        if not transpose:
            same_as_flax(Conv(**options), nn.Conv(**options), x, 1e-2)
    wide = {"features": 2, "kernel_size": (3, 3), "dtype": jnp.bfloat16}
    wide["preferred_element_type"] = jnp.float32
    for layer in (ConvTranspose(**wide), nn.ConvTranspose(**wide)):
        assert layer.init_with_output(jax.random.key(0), x)[0].dtype == jnp.float32
    with pytest.raises(UserError, match="mask"):
        Conv(4, (3, 3), mask=np.ones(3)).init(jax.random.key(0), x)


@pytest.mark.parametrize("padding", ["REFLECT", "CAUSAL"])
def test_paddings_that_conv_alone_has(padding):
    rank = 1 if padding == "CAUSAL" else 2
    x = jax.random.normal(jax.random.key(0), (2, *(6, 5)[:rank], 2))
    options = {"features": 3, "kernel_size": (3,) * rank, "padding": padding}
    options["kernel_dilation"] = 2
    same_as_flax(Conv(**options), nn.Conv(**options), x)


def test_a_convolution_of_ones_own_is_called():
    x = jax.random.normal(jax.random.key(0), (2, 6, 5, 2))

    def doubled(*args, **options):
        return 2 * jax.lax.conv_general_dilated(*args, **options)

    for own in (
        {"conv_general_dilated": doubled},
        {"conv_general_dilated_cls": lambda: doubled},
    ):
        options = {"features": 3, "kernel_size": (3, 3), **own}
        same_as_flax(Conv(**options), nn.Conv(**options), x)
        plain = Conv(3, (3, 3))
        variables = plain.init(jax.random.key(1), x)
        y = plain.apply(variables, x)
        np.testing.assert_allclose(Conv(**options).apply(variables, x), 2 * y, 1e-5)


def test_empty_batches_and_kernels_larger_than_the_image():
    for padding in ("SAME", "VALID"):
        options = {"features": 3, "kernel_size": (3, 3), "strides": (2, 2)}
        options["padding"] = padding
        for ours, flax in ((Conv, nn.Conv), (ConvTranspose, nn.ConvTranspose)):
            same_as_flax(ours(**options), flax(**options), jnp.zeros((0, 4, 4, 2)))
    circular = ConvTranspose(3, (3, 3), (2, 2), padding="CIRCULAR")  # Flax's fails
    y, _ = circular.init_with_output(jax.random.key(0), jnp.zeros((0, 4, 4, 2)))
    assert y.shape == (0, 8, 8, 3)
    options = {"features": 3, "kernel_size": (5, 5), "padding": "VALID"}
    same_as_flax(Conv(**options), nn.Conv(**options), jnp.ones((2, 3, 3, 2)))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"padding": "circular"}, "'CIRCULAR' too"),
        ({"strides": (0, 0)}, "strides=.*>= 1"),
        ({"feature_group_count": 0}, "feature_group_count=0"),
        ({"kernel_size": (3, 0)}, "kernel_size="),
        ({"kernel_size": ()}, "kernel_size="),
        ({"features": 0}, "features is a whole number >= 1, not 0"),
        ({"features": -1}, "features is a whole number >= 1, not -1"),
        ({"padding": -9}, "padding=-9 takes more than the"),
    ],
)
def test_mistakes_are_told_in_a_sentence(options, message):
    for layer in (Conv, ConvTranspose):
        layer = layer(**{"features": 2, "kernel_size": (3, 3), **options})
        with pytest.raises(UserError, match=message):
            layer.init(jax.random.key(0), jnp.ones((1, 4, 4, 2)))


def test_an_integer_kernel_has_one_axis():
    x = jax.random.normal(jax.random.key(0), (2, 6, 2))
    same_as_flax(ConvTranspose(3, 4, (2,)), nn.ConvTranspose(3, 4, (2,)), x)
    same_as_flax(Conv(3, 4, 2), nn.Conv(3, 4, 2), x)


def test_groups_are_layers_side_by_side():
    x = jax.random.normal(jax.random.key(0), (2, 3, 3, 4))
    for transpose in (False, True):
        options = {"strides": (2, 2), "transpose_kernel": transpose}
        layer = ConvTranspose(6, (3, 3), feature_group_count=2, **options)
        params = layer.init(jax.random.key(1), x)["params"]
        kernel = params["kernel"]
        assert kernel.shape == ((3, 3, 3, 4) if transpose else (3, 3, 2, 6))
        each = [
            ConvTranspose(3, (3, 3), use_bias=False, **options).apply(
                {"params": {"kernel": part}}, half
            )
            for half, part in zip(jnp.split(x, 2, -1), jnp.split(kernel, 2, -1))
        ]
        np.testing.assert_allclose(
            layer.apply({"params": params}, x), jnp.concatenate(each, -1), atol=1e-5
        )


def test_sizes_that_flax_cannot_ask_for():
    x = jnp.ones((2, 8, 8, 3))

    def size(**options):
        layer = ConvTranspose(2, (3, 3), (2, 2), **options)
        return layer.init_with_output(jax.random.key(0), x)[0].shape[1:3]

    assert size() == (16, 16)
    assert size(output_shape=(15, 16)) == (15, 16)
    assert size(padding=1, use_consistent_padding=True) == (15, 15)
    consistent = {"padding": 1, "use_consistent_padding": True}
    assert size(**consistent, output_padding=(1, 0)) == (16, 15)
    with pytest.raises(UserError, match="CIRCULAR"):
        size(padding="CIRCULAR", output_shape=(16, 16))
    with pytest.raises(UserError, match="feature_group_count"):
        size(feature_group_count=2)
