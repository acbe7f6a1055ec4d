"""Kernels whose polyphase components are orthogonal: isometries that upsample."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jax.nn import initializers as plain

from deconvgen.nn.initializers.base import Initializer, Use, initializer

CENTRED = (
    "deconvolution",
    "decomposed_deconvolution",
    "sub_pixel",
    "convolution",
)
"""Of which each output phase has a tap that is nearest to it, and no filter behind."""


def centred(use: Use, shape: Sequence[int], phases: Array) -> Array:
    """A kernel of one tap a phase: a pixel becomes its phases, and no other does.

    `phases` [r s, c, f] are the matrices from a pixel to its r x s sub-pixels (to
    itself, for a convolution); the tap of a phase is the one at its pixel (the last tap
    of a `SAME` transposed convolution is the first of what a pixel becomes). Returns
    the kernel of that shape; phases for which a small kernel has no tap are left out.
    """
    *taps, c, features = use.hwio(shape)
    if use.kind in ("sub_pixel", "convolution"):
        sizes = [1] * len(taps)
        block = jnp.moveaxis(phases, 0, 1).reshape(*sizes, c, features)
        lows = [(k - 1) // 2 for k in taps]
    else:
        sizes = [min(s, k) for s, k in zip(use.factor, taps, strict=True)]
        block = phases.reshape(*use.factor, c, features)
        block = jnp.flip(block[tuple(map(slice, sizes))], range(len(taps)))
        lows = [max(0, k - s + 1) // 2 for k, s in zip(taps, use.factor, strict=True)]
    ends = [(low, k - low - n) for low, k, n in zip(lows, taps, sizes, strict=True)]
    return use.laid_out(jnp.pad(block, [*ends, (0, 0), (0, 0)]))


def count(use: Use) -> int:
    """How many phases `centred` is given."""
    return 1 if use.kind == "convolution" else math.prod(use.factor)


def of_phases(make: Callable[..., Array]) -> Callable[[Use], Initializer]:
    """An entry whose kernels are `centred` with `make(key, use, c, f) [r s, c, f]`."""

    def entry(use: Use) -> Initializer:
        def init(key: Array, shape: Sequence[int], dtype: Any = jnp.float32) -> Array:
            *_, c, features = use.hwio(shape)
            if use.kind == "sub_pixel":
                features //= math.prod(use.factor)
            return centred(use, shape, make(key, use, c, features).astype(dtype))

        return init

    entry.__name__, entry.__doc__ = make.__name__, make.__doc__
    return entry


@initializer(*CENTRED)
@of_phases
def delta_orthogonal(key: Array, use: Use, c: int, features: int) -> Array:
    """One orthogonal matrix, at one tap a phase: a pixel's phases are all the same.

    Xiao et al. 2018, algorithm 1 and sec. 2.4, per phase: dynamical isometry. The fan
    of a deconvolution is one tap, whatever k and s; the layer starts as a 1 x 1
    convolution and nearest-neighbour resize. The columns are orthonormal, or the rows
    where more channels come out than go in.
    """
    one = plain.orthogonal()(key, (c, features))
    return jnp.broadcast_to(one, (count(use), c, features))


@initializer(*CENTRED)
@of_phases
def delta_orthogonal_phases(key: Array, use: Use, c: int, features: int) -> Array:
    """An orthogonal matrix for each phase, at one tap a phase.

    As `delta_orthogonal`, with sub-pixels that have nothing in common.
    """
    draw = lambda key: plain.orthogonal()(key, (c, features))
    return jax.vmap(draw)(jax.random.split(key, count(use)))


@initializer(*CENTRED, "filtered_deconvolution", "parallel_deconvolution", "subband")
def orthogonal_polyphase(use: Use) -> Initializer:
    """Orthonormal rows of the [C_in, k^2 C_out] matrix: T T^t = 1 where k = s.

    A pixel's patches are then orthogonal from channel to channel, so that the layer is
    inverted by the strided convolution that mirrors it (a paraunitary synthesis bank,
    Vaidyanathan 1993, sec. 6.2); `orthogonal` has the [k^2 C_in, C_out] matrix, of a
    convolution. Columns are orthonormal where the matrix is higher than wide.
    """

    def init(key: Array, shape: Sequence[int], dtype: Any = jnp.float32) -> Array:
        *taps, c, features = use.hwio(shape)
        rows = plain.orthogonal()(key, (c, math.prod(taps) * features), dtype)
        kernel = jnp.moveaxis(rows.reshape(c, *taps, features), 0, -2)
        return use.laid_out(kernel)

    return init
