"""The audit of anybody's function or module, next to that of named layers."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import deconvgen
from deconvgen.audit import audit, layer
from deconvgen.core.errors import UserError


def nearest(x):
    return jnp.repeat(jnp.repeat(x, 2, 1), 2, 2)


def test_nearest_neighbours_are_even():
    found = layer(nearest)
    assert found.phase_variance == pytest.approx(1, abs=1e-6)
    assert found.dc_gap == 0
    assert found.impulse.shape == (16, 16)


def test_a_kernel_that_its_stride_does_not_divide_is_a_checkerboard():
    w = jax.random.normal(jax.random.key(0), (3, 3, 16, 32))
    found = layer(lambda x: jax.lax.conv_transpose(x, w, (2, 2), "SAME"))
    assert found.phase_variance > 2  # by hand: (ceil(3/2) / floor(3/2))^4 = 4
    assert found.dc_gap > 0.5


@pytest.mark.parametrize("name", ["conv_transpose", "nearest_conv", "max_unpool"])
def test_a_module_has_the_figures_of_the_layer_by_that_name(name):
    named = audit(name, features=8, channels=8)
    made = deconvgen.nn.make_upsampler(name, 8, use_bias=False)
    found = layer(made, channels=8)
    assert found.dc_gap == pytest.approx(named.dc_gap, rel=0.5, abs=1e-6)
    assert found.phase_variance == pytest.approx(named.phase_variance, rel=0.3)


def test_a_module_of_ones_own_with_its_variables():
    up = nn.ConvTranspose(4, (4, 4), (2, 2), use_bias=False)
    variables = up.init(jax.random.key(0), jnp.zeros((1, 8, 8, 3)))
    equal = jax.tree.map(jnp.ones_like, variables)
    assert layer(up, channels=3, variables=equal).dc_gap == pytest.approx(0, abs=1e-6)
    assert layer(up, channels=3).dc_gap > 0.1


def test_unequal_factors_and_functions_of_numpy():
    up = lambda x: np.repeat(np.repeat(np.asarray(x), 2, 1), 3, 2)
    assert layer(up, (2, 3)).phase_variance == pytest.approx(1, abs=1e-6)


def test_it_says_what_is_wrong_with_a_function():
    w = jnp.ones((3, 3, 5, 2))
    wrong = {
        r"channels=16": lambda x: jax.lax.conv_transpose(x, w, (2, 2), "SAME"),
        r"should make \[8, 48, 48, 'features'\]": lambda x: x,
        r"NaN": lambda x: nearest(x) * jnp.nan,
        r"a function or a module, not 3": 3,
    }
    for words, function in wrong.items():
        with pytest.raises(UserError, match=words):
            layer(function)
