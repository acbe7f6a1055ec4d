"""Forward mode: one switch, `impl="lax"`, from every layer down to every operation.

t5x#351, s2fft#165, jax#3727: a `custom_vjp` has reverse mode only.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from deconvgen.core.errors import UserError
from deconvgen.nn.upsample import box_filter, make_upsampler, upsamplers
from deconvgen.ops import fir, resize
from deconvgen.ops.convolution.strided import conv
from deconvgen.ops.convolution.transposed import conv_transpose
from deconvgen.ops.reassembly import reassemble
from tests.nn.layers import inputs

X = jnp.asarray(np.random.default_rng(0).normal(size=(2, 3, 4, 4)), jnp.float32)
T = jnp.cos(jnp.arange(X.size)).reshape(X.shape)
MODIFIED = {"residual": True, "box_filter": True, "extra_conv": True}


def agrees(lax, auto):
    """Values, and <w, J t> by forward mode as by the rules of reverse mode."""
    made, tangent = jax.jvp(lax, (X,), (T,))
    value, pull = jax.vjp(auto, X)
    np.testing.assert_allclose(made, value, rtol=1e-4, atol=1e-5)
    weight = jnp.sin(jnp.arange(made.size)).reshape(made.shape)
    np.testing.assert_allclose(
        jnp.vdot(weight, tangent), jnp.vdot(pull(weight)[0], T), rtol=1e-3, atol=1e-4
    )


WRAPPED = ("conv_transpose", "max_unpool", "index_unpool")
LAYERS = [
    *((name, {}) for name in upsamplers),
    *((name, MODIFIED) for name in WRAPPED),
]


@pytest.mark.parametrize(("name", "modifiers"), LAYERS)
def test_every_upsampler(name, modifiers):
    make = lambda impl: make_upsampler(name, 3, impl=impl, **modifiers)
    more = inputs(make("auto"), X)[1:]
    variables = make("auto").init(jax.random.key(0), X, *more)
    run = lambda impl: lambda x: make(impl).apply(variables, x, *more)
    agrees(jax.jit(run("lax")), jax.jit(run("auto")))


KERNEL = jnp.asarray(np.random.default_rng(1).normal(size=(3, 3, 4, 2)), jnp.float32)
WEIGHTS = jax.nn.softmax(jnp.ones((2, 3, 4, 1, 9)))
OPERATIONS = {
    "bilinear": lambda x, impl: resize.bilinear(x, 2, impl=impl),
    "bicubic": lambda x, impl: resize.bicubic(x, (2, 3), impl=impl),
    "additive": lambda x, impl: resize.bilinear_additive(x, 2, 2, impl=impl),
    "upfirdn": lambda x, impl: fir.upfirdn(x, np.ones((2, 3)), 2, 1, impl=impl),
    "axis": lambda x, impl: fir.upfirdn_axis(x, np.ones(2), 0, impl=impl),
    "box_filter": lambda x, impl: box_filter(x, 2, impl=impl),
    "reassemble": lambda x, impl: reassemble(x, WEIGHTS, 3, impl=impl),
    "conv": lambda x, impl: conv(x, KERNEL, 2, impl=impl),
    "conv_transpose": lambda x, impl: conv_transpose(x, KERNEL, 2, impl=impl),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_operation(name):
    operation = OPERATIONS[name]
    agrees(lambda x: operation(x, "lax"), lambda x: operation(x, "auto"))


def test_second_derivatives_forward_over_reverse():
    layer = make_upsampler("bilinear_conv", 1, impl="lax")
    x = X[:1, :2, :2, :1]
    variables = layer.init(jax.random.key(0), x)
    energy = lambda x: jnp.sum(jnp.tanh(layer.apply(variables, x)))
    found = jax.hessian(energy)(x).reshape(x.size, x.size)
    np.testing.assert_allclose(found, found.T, atol=1e-5)
    forward = jax.jacfwd(jax.jacfwd(energy))(x).reshape(x.size, x.size)
    np.testing.assert_allclose(found, forward, atol=1e-5)


def test_an_impl_that_there_is_not():
    with pytest.raises(UserError, match="unknown impl 'laxx'; did you mean 'lax'"):
        resize.bilinear(X, 2, impl="laxx")
