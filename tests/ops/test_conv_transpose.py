"""Sizes and paddings of both convolutions: the facts about them."""

from functools import partial
from itertools import product

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from deconvgen.core.errors import UserError
from deconvgen.ops.convolution.geometry import pairs, per_axis
from deconvgen.ops.convolution.strided import conv
from deconvgen.ops.convolution.transposed import conv_transpose
from tests.ops.numbers import numbers

pytestmark = pytest.mark.usefixtures("float64")

static = ["strides", "padding", "kernel_dilation", "feature_group_count", "impl"]
sizes = ["use_consistent_padding", "output_padding", "output_shape"]
upwards = jax.jit(conv_transpose, static_argnames=[*static, *sizes, "transpose_kernel"])
downwards = jax.jit(conv, static_argnames=static)


@pytest.mark.parametrize("k, s, op", [(2, 2, 0), (3, 2, 1), (4, 2, 0), (5, 3, 2)])
def test_output_size_with_pytorchs_padding(k, s, op):
    """s (n - 1) + k - 2 p + op (Dumoulin & Visin 2016, relationship 14)."""
    for n, p in product((1, 4, 7), range(k)):
        y = jax.eval_shape(
            partial(
                upwards,
                strides=s,
                padding=p,
                use_consistent_padding=True,
                output_padding=op,
            ),
            jnp.ones((1, n, 1)),
            jnp.ones((k, 1, 1)),
        )
        assert y.shape[1] == max(s * (n - 1) + k - 2 * p + op, 0)


def test_same_and_valid_paddings():
    """(low, high) of the dilated input, found from where an impulse comes out."""
    same = {
        2: {2: (1, 1), 3: (2, 1), 4: (2, 2), 5: (3, 2), 6: (3, 3), 7: (4, 3)},
        4: {3: (2, 3), 4: (3, 3), 5: (4, 3), 8: (5, 5), 9: (6, 5)},
    }
    for s, pads in same.items():
        for k, padding in pads.items():
            x, kernel = numbers(1, 5, 1), numbers(k, 1, 1)
            named = upwards(x, kernel, s, "SAME")
            assert named.shape[1] == 5 * s
            explicit = upwards(x, kernel, s, (padding,))
            np.testing.assert_allclose(named, explicit, atol=1e-12)
            shape = partial(jax.eval_shape, upwards, x, kernel, s)
            assert shape("VALID").shape[1] == 4 * s + max(k, s)
            # An integer pads the dilated input: more of it, more pixels.
            wider = shape(3)
            assert wider.shape[1] == 4 * s + 1 + 6 - (k - 1)


@pytest.mark.parametrize("k", [2, 3, 4, 5])
def test_transposed_kernel_is_the_vjp_of_the_same_convolution(k):
    kernel, x = numbers(k, k, 3, 2), numbers(2, 8, 8, 3)
    y = numbers(2, 4, 4, 2)
    down = lambda x: conv(x, kernel, 2, "SAME", impl="lax")
    np.testing.assert_allclose(
        conv_transpose(y, kernel, 2, "SAME", transpose_kernel=True),
        jax.vjp(down, x)[1](y)[0],
        atol=1e-12,
    )


GOLDEN = {  # torch.nn.ConvTranspose1d's results for x = 1, 10, 100, kernel = 1, 2, ...
    # (k, s, p, output_padding): x[i] W[t] added at s i + t - p, by hand
    (2, 2, 0, 0): [1, 2, 10, 20, 100, 200],
    (3, 2, 1, 1): [2, 13, 20, 130, 200, 300],
    (4, 2, 1, 0): [2, 13, 24, 130, 240, 300],
    (5, 2, 2, 1): [13, 24, 135, 240, 350, 400],
}


@pytest.mark.parametrize("geometry", GOLDEN)
def test_pytorchs_geometry_and_where_same_is_it(geometry):
    """`SAME` is PyTorch's usual layer for k2 and k4; k3 and k5 are shifted."""
    k, s, p, more = geometry
    x = np.array([1.0, 10, 100]).reshape(1, 3, 1)
    kernel = np.arange(1.0, k + 1).reshape(k, 1, 1)
    added = np.zeros(s * 2 + k + more)
    for i, t in product(range(3), range(k)):
        added[s * i + t] += x[0, i, 0] * kernel[t, 0, 0]
    np.testing.assert_array_equal(added[p : len(added) - p], GOLDEN[geometry])
    options = {"use_consistent_padding": True, "transpose_kernel": True}
    ours = conv_transpose(x, kernel, s, p, output_padding=more, **options)
    np.testing.assert_allclose(ours[0, :, 0], GOLDEN[geometry], atol=1e-9)
    lax = [(k - 1 - p, k - 1 - p + more)]
    theirs = conv_transpose(x, kernel, s, lax, transpose_kernel=True)
    np.testing.assert_allclose(theirs, ours, atol=1e-9)
    same = conv_transpose(x, kernel, s, "SAME", transpose_kernel=True)
    if k % 2 == 0:
        np.testing.assert_allclose(same, ours, atol=1e-9)
    else:  # PyTorch's is one pixel further on
        np.testing.assert_allclose(same[:, 1:], ours[:, :-1], atol=1e-9)
        assert not np.allclose(same, ours)


@pytest.mark.parametrize("n", [15, 16])
@pytest.mark.parametrize("k", [2, 3, 4, 5])
def test_output_shape_brings_odd_images_back(n, k):
    """An encoder maps 15 and 16 pixels to 8; `output_shape` undoes either."""
    kernel, x = numbers(k, 3, 2), numbers(2, n, 3)
    y = numbers(2, 8, 2)
    down = lambda x: conv(x, kernel, 2, "SAME", impl="lax")
    assert down(x).shape[1] == 8
    up = conv_transpose(y, kernel, 2, "SAME", transpose_kernel=True, output_shape=(n,))
    np.testing.assert_allclose(up, jax.vjp(down, x)[1](y)[0], atol=1e-12)
    assert conv_transpose(y, kernel, 2, transpose_kernel=True).shape[1] == 16


def test_output_padding_adds_pixels_at_the_end_only():
    x, kernel = numbers(1, 4, 2), numbers(3, 2, 1)
    plain = conv_transpose(x, kernel, 2, 1, use_consistent_padding=True)
    more = conv_transpose(
        x, kernel, 2, 1, use_consistent_padding=True, output_padding=1
    )
    assert (plain.shape[1], more.shape[1]) == (7, 8)
    np.testing.assert_allclose(more[:, :7], plain, atol=1e-12)
    shaped = conv_transpose(
        x, kernel, 2, 1, use_consistent_padding=True, output_shape=8
    )
    np.testing.assert_array_equal(shaped, more)


@pytest.mark.parametrize("transpose_kernel", [False, True])
def test_variance_under_lecun_normal(transpose_kernel):
    """1 / s^2, and C_in / (C_out s^2) with `transpose_kernel`, away from the border."""
    c_in, c_out, s = 64, 16, 2
    shape = (4, 4, c_out, c_in) if transpose_kernel else (4, 4, c_in, c_out)
    kernel = jax.nn.initializers.lecun_normal()(jax.random.key(0), shape)
    x = jax.random.normal(jax.random.key(1), (8, 12, 12, c_in))
    y = conv_transpose(x, kernel, s, transpose_kernel=transpose_kernel)[:, 2:-2, 2:-2]
    expected = (c_in / c_out if transpose_kernel else 1) / s**2
    assert float(y.var()) == pytest.approx(expected, rel=0.1)


def test_unbatched_and_nested_batches_and_nothing_at_all():
    x, kernel = numbers(3, 2, 4, 4, 2), numbers(3, 3, 2, 5)
    whole = conv_transpose(x, kernel, 2)
    assert whole.shape == (3, 2, 8, 8, 5)
    np.testing.assert_allclose(
        conv_transpose(x[1, 1], kernel, 2), whole[1, 1], atol=1e-12
    )
    for shape in [(0, 4, 4, 2), (2, 0, 4, 2)]:
        empty = jnp.ones(shape)
        for op in (downwards, upwards):
            value, back = jax.vjp(lambda k, op=op, x=empty: op(x, k, 2), kernel)
            assert value.size == 0 or not value.any()
            assert not back(jnp.ones_like(value))[0].any()


def test_integers_and_wider_results_go_through_lax():
    x, kernel = np.arange(8).reshape(1, 4, 2), np.arange(12).reshape(3, 2, 2)
    y = conv_transpose(x, kernel, 2)
    assert y.dtype == x.dtype
    expected = conv_transpose(x.astype(float), kernel.astype(float), 2)
    np.testing.assert_array_equal(y, expected)
    half = jnp.asarray(x, jnp.bfloat16), jnp.asarray(kernel, jnp.bfloat16)
    wide = conv_transpose(*half, 2, preferred_element_type=jnp.float32)
    assert wide.dtype == jnp.float32


def test_convolution_of_a_dilated_input():
    x, kernel = numbers(2, 5, 5, 3), numbers(3, 3, 3, 2)
    for strides in (1, 2):
        options = {"strides": strides, "padding": [(1, 2), (0, 1)]}
        np.testing.assert_allclose(
            conv(x, kernel, input_dilation=(2, 3), **options),
            jax.lax.conv_general_dilated(
                x,
                kernel,
                (strides,) * 2,
                options["padding"],
                lhs_dilation=(2, 3),
                dimension_numbers=("NHWC", "HWIO", "NHWC"),
            ),
            atol=1e-12,
        )


def test_output_shape_is_any_size_that_the_named_convolution_brings_back():
    """ceil(m / s) = n for SAME, ceil((m - k + 1) / s) = n for VALID, no other m."""
    for k, s, n, padding in product((2, 3), (2, 4), (1, 3), ("VALID", "SAME")):
        x, kernel = jnp.ones((1, n, 1)), jnp.ones((k, 1, 1))
        for m in range(1, s * n + k + s):
            size = -(-(m if padding == "SAME" else max(m - k + 1, 0)) // s)
            up = partial(conv_transpose, strides=s, padding=padding, output_shape=m)
            if size == n:
                assert jax.eval_shape(up, x, kernel).shape[1] == m, (k, s, n, m)
            else:
                with pytest.raises(UserError, match="output_shape"):
                    up(x, kernel)
    x, kernel = numbers(1, 3, 1), numbers(2, 1, 1)
    y = conv_transpose(x, kernel, 4, "VALID", transpose_kernel=True, output_shape=10)
    down = lambda x: conv(x, kernel, 4, "VALID", impl="lax")
    expected = jax.vjp(down, numbers(1, 10, 1))[1](x)[0]
    np.testing.assert_allclose(y, expected, atol=1e-12)


@pytest.mark.parametrize(
    "options, word",
    [
        ({"padding": "SAVE"}, "'SAME'"),
        ({"padding": [1, 2, 3]}, "pairs"),
        ({"strides": (2, 2)}, "strides"),
        ({"output_padding": 2, "strides": 2}, "output_padding"),
        ({"output_shape": 11, "strides": 2}, "output_shape"),
        ({"output_shape": 8, "output_padding": 0}, "not both"),
        ({"impl": "joined"}, "joint"),
        ({"feature_group_count": 2}, "channels"),
        ({"feature_group_count": 0}, "feature_group_count=0"),
        ({"padding": "circular"}, "'CIRCULAR' too, Conv also 'REFLECT' and 'CAUSAL'"),
        ({"padding": True}, "padding=True"),
        ({"strides": 0}, "strides=0: expected a whole number >= 1"),
        ({"output_padding": -1}, "output_padding=-1"),
    ],
)
def test_mistakes_are_told_in_a_sentence(options, word):
    with pytest.raises(UserError, match=word):
        conv_transpose(jnp.ones((1, 4, 2)), jnp.ones((3, 2, 2)), **options)


def test_only_whole_numbers_count_and_numpys_are_whole():
    assert per_axis(np.int64(2), 3, "strides") == (2, 2, 2)
    assert per_axis([np.int64(2), 3], 2, "strides") == (2, 3)
    assert per_axis(None, 2, "strides") == (1, 1)
    assert pairs(np.int64(1), 2) == ((1, 1), (1, 1))
    assert pairs(((0, -1), np.int32(3)), 2) == ((0, -1), (3, 3))
    for wrong in (2.5, (2.0, 2.0), True, "2", 0, (1, 0), (1,), [[1, 2]]):
        with pytest.raises(UserError, match="strides="):
            per_axis(wrong, 2, "strides")
    for wrong in (1.5, ((1, 1, 1), (1, 1)), True, None, "circular", ((1, 1.0), 1)):
        with pytest.raises(UserError, match="padding="):
            pairs(wrong, 2)
