"""Reassembly against a loop, and its derivatives against finite differences."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

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
