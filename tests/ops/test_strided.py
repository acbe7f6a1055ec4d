"""The three sums against zero insertion, each other and lax, to second order."""

from functools import partial
from itertools import product

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deconvgen.ops.convolution.dispatch import IMPLS
from deconvgen.ops.convolution.strided import conv
from deconvgen.ops.convolution.transposed import conv_transpose
from tests.ops.numbers import numbers

static = ["strides", "padding", "kernel_dilation", "feature_group_count", "impl"]
sizes = ["use_consistent_padding", "output_padding", "output_shape"]
upwards = jax.jit(conv_transpose, static_argnames=[*static, *sizes, "transpose_kernel"])
downwards = jax.jit(conv, static_argnames=static)

pytestmark = pytest.mark.usefixtures("float64")

few = settings(max_examples=24, deadline=None, derandomize=True, database=None)


def zero_insertion(x, kernel, stride, dilation, pads, groups=1):
    """Insert zeros, pad, and slide the kernel over the result, pixel by pixel."""
    rank = len(stride)
    spread = [s * (n - 1) + 1 for s, n in zip(stride, x.shape[1:-1])]
    up = np.zeros((x.shape[0], *spread, x.shape[-1]))
    up[(slice(None), *(slice(None, None, s) for s in stride))] = x
    up = np.pad(up, [(0, 0), *(np.maximum(p, 0) for p in pads), (0, 0)])
    crop = [
        slice(max(-lo, 0), n - max(-hi, 0)) for (lo, hi), n in zip(pads, up.shape[1:])
    ]
    up = up[(slice(None), *crop)]
    reach = [d * (k - 1) for d, k in zip(dilation, kernel.shape)]
    out = [n - r for n, r in zip(up.shape[1:], reach)]
    i, o = kernel.shape[-2], kernel.shape[-1] // groups
    y = np.zeros((x.shape[0], *out, groups * o))
    for group, t in product(range(groups), product(*map(range, kernel.shape[:rank]))):
        met = [slice(d * j, d * j + n) for d, j, n in zip(dilation, t, out)]
        part = up[(slice(None), *met, slice(group * i, (group + 1) * i))]
        features = slice(group * o, (group + 1) * o)
        y[..., features] += part @ kernel[t][:, features]
    return y


def mirrored(kernel, groups=1):
    """The kernel of the strided convolution, from that of its transpose, and back."""
    parts = np.split(np.flip(kernel, range(kernel.ndim - 2)), groups, -1)
    return np.concatenate([np.swapaxes(part, -1, -2) for part in parts], -1)


@st.composite
def geometries(draw):
    rank = draw(st.sampled_from([2, 2, 1, 3]))

    def axes(low, high):
        return tuple(draw(st.integers(low, high)) for _ in range(rank))

    stride, taps = axes(1, 3), axes(1, 5 if rank < 3 else 3)
    dilation = draw(st.sampled_from([(1,) * rank, (1,) * rank, axes(1, 2)]))
    reach = [d * (k - 1) for d, k in zip(dilation, taps)]
    pads = tuple(
        (r - draw(st.integers(-1, r)), r - draw(st.integers(-1, r))) for r in reach
    )
    groups = draw(st.sampled_from([1, 1, 2, 3]))
    per_group = draw(st.sampled_from([(1, 1), (2, 1), (3, 2)]))
    return {
        "size": axes(1, 4),
        "taps": taps,
        "stride": stride,
        "dilation": dilation,
        "pads": pads,
        "groups": groups,
        "per_group": per_group,
        "impl": draw(st.sampled_from(IMPLS)),
    }


def transposed(g, impl=None):
    return partial(
        upwards,
        strides=g["stride"],
        padding=g["pads"],
        kernel_dilation=g["dilation"],
        feature_group_count=g["groups"],
        impl=impl or g["impl"],
    )


def operands(g):
    i, o = g["per_group"]
    x = numbers(2, *g["size"], i * g["groups"])
    return x, numbers(*g["taps"], i, o * g["groups"])


@few
@given(geometries())
def test_it_is_zero_insertion_then_a_convolution(g):
    x, kernel = operands(g)
    expected = zero_insertion(
        x, kernel, g["stride"], g["dilation"], g["pads"], g["groups"]
    )
    actual = transposed(g)(x, kernel)
    assert actual.shape == expected.shape
    np.testing.assert_allclose(actual, expected, rtol=1e-10, atol=1e-12)


@few
@given(geometries())
def test_it_is_the_adjoint_of_the_strided_convolution(g):
    """<conv_transpose(y), x> = <y, conv(x)> for the same kernel and padding."""
    y, kernel = operands(g)
    kernel = mirrored(kernel, g["groups"])
    reach = [d * (k - 1) for d, k in zip(g["dilation"], g["taps"])]
    padding = tuple((r - lo, r - hi) for r, (lo, hi) in zip(reach, g["pads"]))
    common = {
        "strides": g["stride"],
        "padding": padding,
        "kernel_dilation": g["dilation"],
        "feature_group_count": g["groups"],
        "impl": g["impl"],
    }
    up = upwards(
        y, kernel, transpose_kernel=True, use_consistent_padding=True, **common
    )
    if up.size == 0:
        return
    x = numbers(*up.shape, seed=1)
    down = downwards(x, kernel, **common)
    assert down.shape == y.shape
    np.testing.assert_allclose(jnp.vdot(up, x), jnp.vdot(y, down), rtol=1e-9)


def derivatives(op):
    """First derivatives by both arguments and those of a gradient penalty."""

    def loss(x, kernel):
        return jnp.sum(jnp.sin(op(x, kernel)))

    def penalty(x, kernel):
        by_x, by_kernel = jax.grad(loss, (0, 1))(x, kernel)
        return jnp.sum(by_x**2) + jnp.sum(jnp.cos(by_kernel))

    def both(x, kernel):
        return jax.grad(loss, (0, 1))(x, kernel), jax.grad(penalty, (0, 1))(x, kernel)

    return jax.jit(both)


@settings(few, max_examples=8)
@given(geometries(), st.booleans())
def test_first_and_second_derivatives_are_those_of_lax(g, down):
    x, kernel = operands(g)
    ours, lax = transposed(g), transposed(g, "lax")
    if down:
        padding = [(min(hi, 2), lo) for lo, hi in g["pads"]]
        ours, lax = (
            lambda x, kernel, impl=impl: conv(
                x,
                kernel,
                g["stride"],
                padding,
                kernel_dilation=g["dilation"],
                feature_group_count=g["groups"],
                impl=impl,
            )
            for impl in (g["impl"], "lax")
        )
    for actual, expected in zip(
        jax.tree.leaves(derivatives(ours)(x, kernel)),
        jax.tree.leaves(derivatives(lax)(x, kernel)),
    ):
        np.testing.assert_allclose(actual, expected, rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize(
    "impl, groups, features",
    [*((impl, 1, 2) for impl in IMPLS[2:]), ("auto", 4, 4), ("auto", 2, 2)],
)
def test_derivatives_of_the_usual_layer_by_every_form(impl, groups, features):
    """4 x 4 taps, stride 2, `SAME`, on one pixel and on several."""
    for n in (1, 3) if impl in ("auto", "product") else (3,):
        x, kernel = numbers(2, n, n, 4), numbers(4, 4, 4 // groups, features)

        def layer(x, kernel, impl=impl):
            return conv_transpose(x, kernel, 2, feature_group_count=groups, impl=impl)

        def lax(x, kernel):
            return layer(x, kernel, "lax")

        for actual, expected in zip(
            jax.tree.leaves(derivatives(layer)(x, kernel)),
            jax.tree.leaves(derivatives(lax)(x, kernel)),
        ):
            np.testing.assert_allclose(actual, expected, rtol=1e-8, atol=1e-9)
