"""Both convolutions under JAX's transformations: batched, spread, exported."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from deconvgen.ops.convolution.dispatch import IMPLS
from deconvgen.ops.convolution.strided import conv
from deconvgen.ops.convolution.transposed import conv_transpose
from tests.ops.numbers import numbers

pytestmark = pytest.mark.usefixtures("float64")


@pytest.mark.parametrize("impl", IMPLS)
def test_under_vmap_and_pmap_and_in_bfloat16(impl):
    x, kernel = numbers(3, 2, 3, 3, 2), numbers(3, 4, 4, 2, 2)
    layer = jax.jit(lambda x, kernel: conv_transpose(x, kernel, 2, impl=impl))
    expected = np.stack([layer(*pair) for pair in zip(x, kernel)])
    np.testing.assert_allclose(jax.vmap(layer)(x, kernel), expected, atol=1e-12)
    np.testing.assert_allclose(
        jax.pmap(layer)(x[:1], kernel[:1]), expected[:1], atol=1e-12
    )
    gradient = jax.jit(
        jax.grad(lambda x, kernel: jnp.sum(layer(x, kernel) ** 2), (0, 1))
    )
    each = [gradient(*pair) for pair in zip(x, kernel)]
    for actual, expected in zip(jax.jit(jax.vmap(gradient))(x, kernel), zip(*each)):
        np.testing.assert_allclose(actual, np.stack(expected), atol=1e-9)

    half = jnp.asarray(x[0], jnp.bfloat16), jnp.asarray(kernel[0], jnp.bfloat16)
    exact = layer(*(a.astype(float) for a in half))
    assert layer(*half).dtype == jnp.bfloat16
    np.testing.assert_allclose(
        layer(*half).astype(float), exact, rtol=2**-7, atol=2**-7
    )
    assert {g.dtype for g in gradient(*half)} == {jnp.dtype(jnp.bfloat16)}


def test_shard_map_sums_the_gradient_of_a_replicated_kernel():
    x, kernel = numbers(2, 3, 3, 2), numbers(4, 4, 2, 2)
    mesh = jax.sharding.Mesh(jax.devices()[:1], ("data",))
    spec = jax.sharding.PartitionSpec

    def gradient(kernel, x):
        return jax.grad(lambda k: jnp.sum(conv_transpose(x, k, 2) ** 2))(kernel)

    split = jax.shard_map(
        gradient, mesh=mesh, in_specs=(spec(), spec("data")), out_specs=spec()
    )
    np.testing.assert_allclose(jax.jit(split)(kernel, x), gradient(kernel, x))


def test_exports_for_several_platforms_at_once():
    layer = lambda x, kernel: jnp.sum(jnp.sin(conv_transpose(x, kernel, 2)))
    x, kernel = numbers(2, 3, 3, 2), numbers(4, 4, 2, 2)
    step = jax.jit(jax.grad(layer, (0, 1)))
    exported = jax.export.export(step, platforms=["cpu", "cuda", "tpu"])(x, kernel)
    for actual, expected in zip(exported.call(x, kernel), step(x, kernel)):
        np.testing.assert_allclose(actual, expected, atol=1e-12)


@pytest.mark.parametrize("padding", ["SAME", "VALID", 1])
def test_exports_with_symbols_for_sizes(padding):
    shape = jax.export.symbolic_shape("b, h, w, 2", constraints=["h >= 3", "w >= 3"])
    x, kernel = numbers(2, 5, 4, 2), numbers(3, 3, 2, 2)
    for op in (
        partial(conv, strides=2, padding=padding),
        partial(conv_transpose, strides=2, padding=padding),
        partial(conv_transpose, strides=2, padding=padding, transpose_kernel=True),
    ):
        layer = jax.jit(lambda x, op=op: op(x, kernel))
        exported = jax.export.export(layer)(jax.ShapeDtypeStruct(shape, x.dtype))
        np.testing.assert_allclose(exported.call(x), op(x, kernel), atol=1e-12)
