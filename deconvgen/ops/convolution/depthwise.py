"""Gather, scatter and taps of a depthwise kernel, one channel at a time.

There is no matrix product in it, so each tap is one shift, multiplied and added;
XLA fuses them into one loop over contiguous channels.

Shapes: X [n, *big, c], Y [n, *small, c], W [*kernel, 1, c].
"""

from itertools import product

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array

from deconvgen.ops.convolution.geometry import Big, Geometry, Kernel, Precision, Small


def gather(g: Geometry, precision: Precision, x: Big, w: Kernel) -> Small:
    """The strided convolution."""
    wide = jnp.promote_types(x.dtype, jnp.float32)
    w = w.astype(wide)
    terms = [x_t.astype(wide) * w[t] for t, x_t in met(g, x)]
    return sum(terms[1:], terms[0]).astype(x.dtype)


def taps(g: Geometry, precision: Precision, x: Big, y: Small) -> Kernel:
    """The kernel gradient."""
    wide = jnp.promote_types(x.dtype, jnp.float32)
    y = y.astype(wide)
    products = [x_t.astype(wide) * y for _, x_t in met(g, x)]
    # In two steps, since XLA spreads only the first of them over the threads.
    rows = tuple(range(y.ndim - 2))
    w = jnp.stack([z.sum(rows).sum(0) for z in products])
    return w.reshape(*g.kernel, 1, x.shape[-1]).astype(x.dtype)


def scatter(g: Geometry, precision: Precision, y: Small, w: Kernel) -> Big:
    """Its transpose: all phases of the big side at once, for each block of taps.

    With u + p = s q + b the taps b, s + b, 2 s + b, ... reach phase b, so the m-th
    s taps of every axis are one product for all phases: as few terms to compile as
    a pixel has, however large the stride.
    """
    wide = jnp.promote_types(y.dtype, jnp.float32)
    rank, c = len(g.stride), y.shape[-1]
    if all(s == 1 for s in g.stride):
        low = [d * (k - 1) - p for d, k, p in zip(g.dilation, g.kernel, g.low)]
        turned = g._replace(low=tuple(low), big=g.small, small=g.big)
        return gather(turned, precision, y, jnp.flip(w, range(rank)))
    # A dilated kernel is one with zeros, unless there are no phases to tell apart.
    step = [d if s == 1 else 1 for s, d in zip(g.stride, g.dilation)]
    inside = [(0, 0, d // e - 1) for d, e in zip(g.dilation, step)]
    w = lax.pad(w[..., 0, :].astype(wide), jnp.zeros((), wide), [*inside, (0, 0, 0)])
    counts = [-(-k // s) for k, s in zip(w.shape, g.stride)]
    fill = [(0, m * s - k) for m, s, k in zip(counts, g.stride, w.shape)]
    w = jnp.pad(w, [*fill, (0, 0)])
    w = w.reshape(*(n for pair in zip(counts, g.stride) for n in pair), c)
    first = [p // s for p, s in zip(g.low, g.stride)]
    pixels = [
        (p + m - 1) // s - q + 1 for p, m, s, q in zip(g.low, g.big, g.stride, first)
    ]
    reach = [d * (n - 1) for d, n in zip(step, counts)]
    place = [(r - q, m - n + q, 0) for r, q, m, n in zip(reach, first, pixels, g.small)]
    y = _placed(y, place)
    terms = []
    for block in product(*map(range, counts)):
        start = [r - d * t for r, d, t in zip(reach, step, block)]
        seen = y[(slice(None), *(slice(b, b + m) for b, m in zip(start, pixels)))]
        seen = jnp.expand_dims(seen, range(2, 2 * rank + 1, 2))  # [n, q1, 1, q2, 1, c]
        taps = w[tuple(i for t in block for i in (t, slice(None)))]
        taps = jnp.expand_dims(taps, range(0, 2 * rank, 2))  # [1, s1, 1, s2, c]
        terms.append(seen.astype(wide) * taps)
    z = sum(terms[1:], terms[0]).astype(y.dtype)
    z = z.reshape(y.shape[0], *(m * s for m, s in zip(pixels, g.stride)), c)
    start = [p % s for p, s in zip(g.low, g.stride)]
    end = [b + m for b, m in zip(start, g.big)]
    return lax.slice(z, (0, *start, 0), (y.shape[0], *end, c))


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
