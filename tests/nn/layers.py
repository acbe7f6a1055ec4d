"""Upsampling layers, started for a test."""

import jax
import jax.numpy as jnp
import numpy as np

from deconvgen.nn.upsample import upsamplers
from deconvgen.ops import resize

KEY = jax.random.key(0, impl="rbg")  # compiles faster than the default
NAMES = list(upsamplers)


def noise(*shape, seed=0):
    return jnp.asarray(np.random.default_rng(seed).normal(size=shape), jnp.float32)


def inputs(layer, x):
    """x, and indices or a guide where the layer needs them."""
    if layer.needs_guide:
        return x, resize.nearest(x, layer.factors)[..., ::-1]
    if not layer.needs_indices:
        return (x,)
    return x, jnp.arange(x.size, dtype=jnp.int32).reshape(x.shape) % 2


def started(layer, x):
    """(output, variables) of a layer under one jit."""
    args = inputs(layer, x)
    return jax.jit(lambda *a: layer.init_with_output(KEY, *a))(*args)
