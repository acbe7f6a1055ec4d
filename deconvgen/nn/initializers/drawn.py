"""Kernels of independent numbers, or of nothing but orthogonal ones, by name."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.nn import initializers as plain

from deconvgen.nn.initializers.base import KINDS, Initializer, Use, initializer


@initializer(*KINDS)
def stride_aware(use: Use) -> Initializer:
    """Normal with the true fan-in, C_in k^2 / s^2: Var(out) = Var(in) on the average.

    An output pixel of a deconvolution sees k^2 / s^2 taps, so the fan-in of
    `lecun_normal` is s^2 too large; and it counts C_out for C_in where
    `transpose_kernel` is set. On a convolution this is `lecun_normal`, not truncated.
    """

    def init(key: Array, shape: Sequence[int], dtype: Any = jnp.float32) -> Array:
        *taps, c, _ = use.hwio(shape)
        fan_in = math.prod(taps) * c / use.phases * use.power
        return jax.random.normal(key, tuple(shape), dtype) / np.sqrt(fan_in)

    return init


@initializer(*KINDS, name="default")
def default(use: Use) -> Initializer:
    """What the upsampler itself prefers: `stride_aware`."""
    return stride_aware(use)


@initializer(*KINDS)
def dcgan(use: Use) -> Initializer:
    """N(0, 0.02). Radford et al. 2015, sec. 4."""
    return plain.normal(0.02)


PLAIN = {
    "lecun_normal": "Flax's default: truncated normal of variance 1 / (k^2 C_in), s "
    "not counted.",
    "lecun_uniform": "Uniform of variance 1 / fan-in. LeCun et al. 1998.",
    "glorot_normal": "Truncated normal of variance 2 / (fan-in + fan-out). Glorot and "
    "Bengio 2010.",
    "glorot_uniform": "Uniform of variance 2 / (fan-in + fan-out). Glorot and Bengio "
    "2010.",
    "he_normal": "Truncated normal of variance 2 / fan-in. He et al. 2015.",
    "he_uniform": "Uniform of variance 2 / fan-in. He et al. 2015.",
    "orthogonal": "Orthogonal columns of the [k^2 C_in, C_out] matrix. Saxe et al. "
    "2014.",
}
"""What `jax.nn.initializers` has, told in the order of this package: the fans are k^2
times the channels that go in and come out, in both layouts of a kernel."""


def _plain(name: str, about: str) -> Callable[[Use], Initializer]:
    draw = getattr(plain, name)()

    def entry(use: Use) -> Initializer:
        def init(key: Array, shape: Sequence[int], dtype: Any = jnp.float32) -> Array:
            return use.laid_out(draw(key, use.hwio(shape), dtype))

        return init

    entry.__name__, entry.__doc__ = name, about
    return entry


for _name, _about in PLAIN.items():
    initializer(*KINDS)(_plain(_name, _about))


@initializer(*KINDS, of_data=True)
def lsuv(use: Use) -> Initializer:
    """Orthogonal, then scaled to unit variance of what comes out of the first batch.

    Mishkin and Matas 2016, "All you need is a good init", algorithm 1. A layer is
    linear in its kernel, so that one division, by the deviation, is all iterations.
    What is scaled by the data has no scale of its own: the control that tells a start's
    shape from its size.
    """
    return _plain("orthogonal", "")(use)


@initializer(*KINDS, needs_shortcut=True)
def zero_last(use: Use) -> Initializer:
    """Zeros in the layer's last kernel, for blocks with a path around the layer.

    The block is its shortcut at first. Of a layer of m > 1 kernels in a row the others
    are `stride_aware` times L^(-1 / (2 m - 2)) in a network of L blocks. Zhang, Dauphin
    and Ma 2019 (Fixup), sec. 3; as in R3GAN (Huang et al. 2024).
    """
    if use.last:
        return plain.zeros
    scale = use.blocks ** (-1 / (2 * max(use.layers, 2) - 2))
    drawn = stride_aware(use)
    return lambda key, shape, dtype=jnp.float32: scale * drawn(key, shape, dtype)
