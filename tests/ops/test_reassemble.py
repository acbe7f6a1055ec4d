"""Reassembly against a loop, and its derivatives against finite differences."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from deconvgen.core.errors import UserError
from deconvgen.ops.reassembly import reassemble


def draw(window, x64=False):
    rng = np.random.default_rng(0)
    dtype = np.float64 if x64 else np.float32
    x = rng.normal(size=(2, 4, 3, 2)).astype(dtype)
    weights = rng.normal(size=(2, 4, 3, 6, window[0] * window[1])).astype(dtype)
    return x, weights


@pytest.mark.parametrize("window", [(1, 1), (3, 3), (2, 4), (5, 3)])
def test_equals_the_loop(window):
    (kh, kw), (x, weights) = window, draw(window)
    low = ((kh - 1) // 2, (kw - 1) // 2)
    padded = np.pad(x, ((0, 0), (low[0], kh // 2), (low[1], kw // 2), (0, 0)))
    expected = np.zeros((2, 4, 3, 6, 2))
    for i, j in np.ndindex(4, 3):
        around = padded[:, i : i + kh, j : j + kw].reshape(2, -1, 2)
        expected[:, i, j] = weights[:, i, j] @ around
    y = jax.jit(lambda *a: reassemble(*a, window))(x, weights)
    np.testing.assert_allclose(y, expected, atol=1e-5)


@pytest.mark.parametrize("window", [(2, 3)])
def test_first_and_second_derivatives(window):
    with jax.enable_x64(True):
        x, weights = (jnp.asarray(a) for a in draw(window, x64=True))
        run = jax.jit(lambda x, weights: reassemble(x, weights, window))
        check_grads(run, (x, weights), order=2, modes=["rev"])


def test_windows_and_weights_that_do_not_fit_are_refused():
    x, weights = (jnp.asarray(a) for a in draw((3, 3)))
    with pytest.raises(UserError, match="5 x 5 pixels needs 25 weights for each"):
        reassemble(x, weights, 5)
    with pytest.raises(UserError, match="a window is a whole number >= 1"):
        reassemble(x, weights, (3, 0))


def test_half_precision_adds_up_in_float32():
    """Values and both gradients; one rounding is 0.2 % of a number on average."""
    x, weights = (jnp.asarray(a, jnp.bfloat16) for a in draw((5, 5)))
    wide = [a.astype(jnp.float32) for a in (x, weights)]
    y, pull = jax.vjp(lambda *a: reassemble(*a, 5), x, weights)
    exact, back = jax.vjp(lambda *a: reassemble(*a, 5), *wide)
    for half, right in zip((y, *pull(y)), (exact, *back(y.astype("f4"))), strict=True):
        assert half.dtype == jnp.bfloat16
        error = jnp.sqrt(jnp.mean((half - right) ** 2) / jnp.mean(right**2))
        assert error < 0.003
