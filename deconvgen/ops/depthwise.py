"""Gather, scatter and taps of a depthwise kernel, one channel at a time.

There is no matrix product in it, so each tap is one shift, multiplied and added;
XLA fuses them into one loop over contiguous channels.

Shapes: X [n, *big, c], Y [n, *small, c], W [*kernel, 1, c].
"""

from itertools import product

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from deconvgen.ops.geometry import Geometry


def gather(
    g: Geometry,
    precision: lax.PrecisionLike,
    x: Float[Array, "n *big c"],
    w: Float[Array, "*kernel 1 c"],
) -> Float[Array, "n *small c"]:
    """The strided convolution."""
    wide = jnp.promote_types(x.dtype, jnp.float32)
    w = w.astype(wide)
    return sum(x_t.astype(wide) * w[t] for t, x_t in met(g, x)).astype(x.dtype)


def taps(
    g: Geometry,
    precision: lax.PrecisionLike,
    x: Float[Array, "n *big c"],
    y: Float[Array, "n *small c"],
) -> Float[Array, "*kernel 1 c"]:
    """The kernel gradient."""
    wide = jnp.promote_types(x.dtype, jnp.float32)
    y = y.astype(wide)
    products = [x_t.astype(wide) * y for _, x_t in met(g, x)]
    # In two steps, since XLA spreads only the first of them over the threads.
    rows = tuple(range(y.ndim - 2))
    w = jnp.stack([z.sum(rows).sum(0) for z in products])
    return w.reshape(*g.kernel, 1, x.shape[-1]).astype(x.dtype)


def scatter(
    g: Geometry,
    precision: lax.PrecisionLike,
    y: Float[Array, "n *small c"],
    w: Float[Array, "*kernel 1 c"],
) -> Float[Array, "n *big c"]:
    """Its transpose: the phases of the big side, each from the taps that reach it."""
    wide = jnp.promote_types(y.dtype, jnp.float32)
    w = w.astype(wide)
    pixels = [-(-m // s) for m, s in zip(g.big, g.stride)]
    phases = []
    for phase in product(*map(range, g.stride)):
        total = jnp.zeros((y.shape[0], *pixels, y.shape[-1]), wide)
        for t in product(*map(range, g.kernel)):
            ahead = [a + p - d * k for a, p, d, k in zip(phase, g.low, g.dilation, t)]
            if any(a % s for a, s in zip(ahead, g.stride)):
                continue
            first = [a // s for a, s in zip(ahead, g.stride)]
            place = [(-i, i + m - n, 0) for i, m, n in zip(first, pixels, g.small)]
            total += _placed(y, place).astype(wide) * w[t]
        phases.append(total.astype(y.dtype))
    rank = len(g.stride)
    z = jnp.stack(phases, -2).reshape(y.shape[0], *pixels, *g.stride, y.shape[-1])
    for axis, s in enumerate(g.stride):
        z = jnp.moveaxis(z, 1 + rank, axis + 2)
        z = z.reshape(*z.shape[: axis + 1], pixels[axis] * s, *z.shape[axis + 3 :])
    return z[(slice(None), *map(slice, g.big))]


def met(g: Geometry, x: Array):
    """Each tap with the big pixels that the small ones meet through it."""
    x = _placed(x, [(lo, hi, 0) for lo, hi in zip(g.low, g.high)])
    for t in product(*map(range, g.kernel)):
        first = [d * k for d, k in zip(g.dilation, t)]
        end = [f + s * (n - 1) + 1 for f, s, n in zip(first, g.stride, g.small)]
        ends = (x.shape[0], *end, x.shape[-1])
        yield t, lax.slice(x, (0, *first, 0), ends, (1, *g.stride, 1))


def _placed(x: Array, place: list[tuple[int, int, int]]) -> Array:
    return lax.pad(x, jnp.zeros((), x.dtype), [(0, 0, 0), *place, (0, 0, 0)])
