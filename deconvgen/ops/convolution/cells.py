"""The three sums with 9/16 of the multiplications, where the kernel spans two strides.

Cut into cells of stride x stride pixels, the big side meets a kernel of two strides
as a 2 x 2 convolution of stride 1, whose neighbouring outputs share products
(Winograd 1980; Lavin & Gray 2016, F(2, 2)). Along an axis, of the cells x0, x1, x2
and the halves w0, w1 of the kernel:

    m1 = (x0 - x1) w0      m2 = x1 (w0 + w1)      m3 = (x1 - x2) w1
    y0 = x0 w0 + x1 w1 = m1 + m2                  y1 = x1 w0 + x2 w1 = m2 - m3

Three products for four; nine for sixteen in two dimensions. With the transforms
U of X, V of Y and K of the kernel, each a few additions,

    gather   Y = out(U K)      scatter   X = cells(V K^T)      taps   W = halves(U^T V)

where each transform of a result is the transpose of one of an argument. The largest
error in float32 is up to four times that of the direct sums.
"""

from collections.abc import Callable

import jax.numpy as jnp
from jax import Array, lax

from deconvgen.ops.convolution.geometry import Big, Geometry, Kernel, Precision, Small

Parts = list[list[Array]]


def fits(g: Geometry) -> bool:
    """Two-dimensional, one group, no dilation, kernels of two strides, even sizes."""
    return (
        len(g.stride) == 2
        and g.groups == 1
        and max(g.dilation) == 1
        and all(k == 2 * s for k, s in zip(g.kernel, g.stride))
        and all(n and n % 2 == 0 for n in g.small)
    )


def gather(g: Geometry, precision: Precision, x: Big, w: Kernel) -> Small:
    """The strided convolution."""
    u, k = _of_big(g, x), _of_kernel(g, w)
    m = _products(lambda a, b: jnp.dot(a, b, precision=precision), u, k)
    rows = [_neighbours(r, 2) for r in m]
    return _neighbours(rows, 1).astype(x.dtype)


def scatter(g: Geometry, precision: Precision, y: Small, w: Kernel) -> Big:
    """The transposed convolution."""
    v, k = _of_small(y), _of_kernel(g, w)
    z = _products(lambda a, b: jnp.dot(a, b.T, precision=precision), v, k)
    rows = [_overlapped(r, 2) for r in z]
    return _pixels(g, _overlapped(rows, 1), w.shape[-2]).astype(y.dtype)


def taps(g: Geometry, precision: Precision, x: Big, y: Small) -> Kernel:
    """The kernel gradient."""
    u, v = _of_big(g, x), _of_small(y)
    flat = lambda a: a.reshape(-1, a.shape[-1])
    dot = lambda a, b: jnp.dot(flat(a).T, flat(b), precision=precision)
    halves = lambda m: (m[0] + m[1], m[1] + m[2])
    both = halves([jnp.stack(halves(row)) for row in _products(dot, u, v)])
    w = jnp.stack(both).reshape(2, 2, *g.stride, x.shape[-1], y.shape[-1])
    w = w.transpose(0, 2, 1, 3, 4, 5).reshape(*g.kernel, *w.shape[-2:])
    return w.astype(x.dtype)


def _wide(x: Array) -> Array:
    return x.astype(jnp.promote_types(x.dtype, jnp.float32))


def _products(dot: Callable, a: Parts, b: Parts) -> Parts:
    return [[dot(x, y) for x, y in zip(*rows)] for rows in zip(a, b)]


def _two_axes(transform: Callable, x: Array, axes: tuple[int, int]) -> Parts:
    """The transform along both axes: three by three arrays."""
    return [transform(part, axes[1]) for part in transform(x, axes[0])]


def _of_big(g: Geometry, x: Big) -> Parts:
    """U: differences of the cells of neighbouring outputs, [n, t, t, s s cb] each."""
    place = [(0, 0, 0), *((lo, hi, 0) for lo, hi in zip(g.low, g.high)), (0, 0, 0)]
    x = _wide(x)
    x = lax.pad(x, jnp.zeros((), x.dtype), place)
    n, (a, b), (s, r), c = x.shape[0], g.small, g.stride, x.shape[-1]
    x = x.reshape(n, a + 1, s, b + 1, r, c).transpose(0, 1, 3, 2, 4, 5)
    return _two_axes(_differences, x.reshape(n, a + 1, b + 1, s * r * c), (1, 2))


def _differences(x: Array, axis: int) -> list[Array]:
    last = x.shape[axis]
    at = lambda first, end: lax.slice_in_dim(x, first, end, 2, axis)
    even, odd, next_even = at(0, last - 2), at(1, last - 1), at(2, last)
    return [even - odd, odd, odd - next_even]


def _of_kernel(g: Geometry, w: Kernel) -> Parts:
    """K: the halves and their sum, [s s cb, cs] each."""
    (s, r), c = g.stride, w.shape[-2:]
    w = _wide(w).reshape(2, s, 2, r, *c).transpose(0, 2, 1, 3, 4, 5)
    w = w.reshape(2, 2, s * r * c[0], c[1])
    return _two_axes(lambda x, _: [x[0], x[0] + x[1], x[1]], w, (0, 0))


def _of_small(y: Small) -> Parts:
    """V: neighbouring outputs and their sum, [n, t, t, cs] each."""
    return _two_axes(_sums, _wide(y), (1, 2))


def _sums(y: Array, axis: int) -> list[Array]:
    even, odd = (lax.slice_in_dim(y, first, y.shape[axis], 2, axis) for first in (0, 1))
    return [even, even + odd, -odd]


def _neighbours(m: list[Array], axis: int) -> Array:
    """y0 and y1 of the three products, in turn along the axis."""
    y = jnp.stack([m[0] + m[1], m[1] - m[2]], axis + 1)
    return y.reshape(*y.shape[:axis], -1, *y.shape[axis + 2 :])


def _overlapped(z: list[Array], axis: int) -> Array:
    """The cells that the three products reach: one more than there are outputs."""
    first, middle, last = z[0], z[1] + z[2] - z[0], -z[2]
    pad = [(0, 0)] * first.ndim
    ends = lambda lo, hi: [*pad[:axis], (lo, hi), *pad[axis + 1 :]]
    even = jnp.pad(first, ends(0, 1)) + jnp.pad(last, ends(1, 0))
    both = jnp.stack([even, jnp.pad(middle, ends(0, 1))], axis + 1)
    both = both.reshape(*both.shape[:axis], -1, *both.shape[axis + 2 :])
    return lax.slice_in_dim(both, 0, both.shape[axis] - 1, axis=axis)


def _pixels(g: Geometry, x: Array, c: int) -> Big:
    """Cells back into pixels, without the padding."""
    n, (a, b), (s, r) = x.shape[0], x.shape[1:3], g.stride
    x = x.reshape(n, a, b, s, r, c).transpose(0, 1, 3, 2, 4, 5)
    x = x.reshape(n, a * s, b * r, c)
    place = [(0, 0, 0), *((-lo, -hi, 0) for lo, hi in zip(g.low, g.high)), (0, 0, 0)]
    return lax.pad(x, jnp.zeros((), x.dtype), place)
