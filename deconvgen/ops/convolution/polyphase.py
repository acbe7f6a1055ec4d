"""The scatter sum without a multiplication by inserted zeros.

With u + p = s q + b the taps t = b, b + s, ... alone reach the big pixels of phase
b, so each phase is a stride-1 convolution of the small side (Bellanger et al. 1976
for filters; Shi et al. 2016 for the sub-pixel convolution), in one of three ways:

    apart    each phase is a convolution of its own, with just its taps
    joint    the s phases of an axis are channels of one convolution, whose taps are
             filled up with zeros to a multiple of s: fewer, larger products
    product  one matrix product of all pixels with all taps, shifted and added
"""

from functools import reduce
from itertools import product
from math import prod

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array

from deconvgen.ops.convolution.depthwise import met
from deconvgen.ops.convolution.direct import convolve, mirrored
from deconvgen.ops.convolution.geometry import Big, Geometry, Kernel, Precision, Small


def scatter(
    g: Geometry, precision: Precision, y: Small, w: Kernel, joint: int = 0
) -> Big:
    """The phases of the last `joint` axes as channels, those of the others apart."""
    rank, cb = len(g.stride), g.groups * w.shape[-2]
    apart = rank - joint
    fill = [-k % s for k, s in zip(g.kernel[apart:], g.stride[apart:])]
    w = jnp.pad(w, [(0, 0)] * apart + [(0, f) for f in fill] + [(0, 0)] * 2)
    parts = []
    for phases in product(*map(range, g.stride[:apart])):
        windows = [
            _window(g, axis, phase)
            for axis, phase in enumerate((*phases, *[None] * joint))
        ]
        parts.append(_one_convolution(g, precision, y, w, windows, apart))
    for axis in reversed(range(apart)):  # the last of the apart axes varies fastest
        s = g.stride[axis]
        parts = [
            _interleave(parts[i : i + s], axis + 1) for i in range(0, len(parts), s)
        ]
    start = [p % s for p, s in zip(g.low[apart:], g.stride[apart:])]
    start = [0] * (1 + apart) + start + [0]
    size = [y.shape[0], *g.big, cb]
    return lax.slice(parts[0], start, [b + m for b, m in zip(start, size)])


def _window(g: Geometry, axis: int, phase: int | None) -> tuple[slice, int, int, int]:
    """Taps, how many of them a pixel meets, first pixel and number of pixels."""
    s, p, m, k = g.stride[axis], g.low[axis], g.big[axis], g.kernel[axis]
    if phase is None:
        return slice(None), -(-k // s), p // s, (p + m - 1) // s - p // s + 1
    taps = slice((phase + p) % s, k, s)
    return taps, len(range(k)[taps]), (phase + p) // s, -(-m // s)


def _one_convolution(g, precision, y, w, windows, apart):
    """[n, *pixels, cb] of one phase of the `apart` axes and all of the others."""
    rank, cb, cs = len(g.stride), *w.shape[-2:]
    groups = g.groups
    taps, counts, firsts, pixels = zip(*windows)
    joined = g.stride[apart:]
    if 0 in counts:  # the kernel is shorter than the stride
        space = [*pixels[:apart], *(n * s for n, s in zip(pixels[apart:], joined))]
        return jnp.zeros((y.shape[0], *space, groups * cb), y.dtype)
    w = w[taps]
    for axis, s in enumerate(joined, start=apart):  # phases into the big channels
        w = w.reshape(*w.shape[:axis], counts[axis], s, *w.shape[axis + 1 :])
        w = jnp.moveaxis(w, axis + 1, rank + axis - apart)
    w = w.reshape(*counts, prod(joined) * cb, cs)
    low = [c - 1 - q for c, q in zip(counts, firsts)]
    high = [m + c - 1 - n - lo for m, c, n, lo in zip(pixels, counts, g.small, low)]
    w, pads, ones = mirrored(w, groups), list(zip(low, high)), (1,) * rank
    z = convolve(y, w, ones, pads, ones, ones, groups, precision)
    z = jnp.moveaxis(z.reshape(*z.shape[:-1], groups, *joined, cb), 1 + rank, -2)
    z = z.reshape(*z.shape[:-2], groups * cb)
    for i, s in enumerate(joined):  # and out of them
        axis = 1 + apart + i
        z = jnp.moveaxis(z, 1 + rank, axis + 1)
        z = z.reshape(*z.shape[:axis], pixels[apart + i] * s, *z.shape[axis + 2 :])
    return z


def _interleave(parts: list[Array], axis: int) -> Array:
    z = jnp.stack(parts, axis + 1)
    return z.reshape(*z.shape[:axis], -1, *z.shape[axis + 2 :])


def scatter_product(g: Geometry, precision: Precision, y: Small, w: Kernel) -> Big:
    """All pixels times all taps in one matrix product, then shifted and added."""
    cb, cs = w.shape[-2:]
    z = lax.dot_general(
        y.reshape(-1, cs),
        w.reshape(-1, cs),
        (((1,), (1,)), ((), ())),
        precision=precision,
        preferred_element_type=jnp.promote_types(y.dtype, jnp.float32),
    )
    z = z.reshape(y.shape[0], *g.small, *g.kernel, cb)
    for axis, _ in enumerate(g.stride):
        z = jnp.moveaxis(z, 1 + len(g.stride), axis + 2)
        z = _shift_and_add(z, axis + 1, g.stride[axis], g.low[axis], g.big[axis])
    return z.astype(y.dtype)


def _shift_and_add(z: Array, axis: int, stride: int, low: int, size: int) -> Array:
    """[..., pixels, taps, ...] -> [..., size, ...] along that axis."""
    pixels, taps = z.shape[axis : axis + 2]
    blocks = stride if pixels > 1 else taps  # a single pixel's taps overlap nothing
    fill = [(0, 0)] * z.ndim
    fill[axis + 1] = (0, -taps % blocks)
    z = jnp.pad(z, fill)
    parts = []
    for first in range(0, taps, blocks):
        part = lax.slice_in_dim(z, first, first + blocks, axis=axis + 1)
        part = part.reshape(*z.shape[:axis], pixels * blocks, *z.shape[axis + 2 :])
        place = [(0, 0, 0)] * part.ndim
        place[axis] = (first - low, size - pixels * blocks - first + low, 0)
        parts.append(lax.pad(part, jnp.zeros((), part.dtype), place))
    return reduce(jnp.add, parts)


def gather_product(g: Geometry, precision: Precision, x: Big, w: Kernel) -> Small:
    """The strided convolution where the small side is a single pixel."""
    y = jnp.dot(_seen(g, x), w.reshape(-1, w.shape[-1]), precision=precision)
    return y.reshape(x.shape[0], *g.small, w.shape[-1])


def taps_product(g: Geometry, precision: Precision, x: Big, y: Small) -> Kernel:
    """The kernel gradient where the small side is a single pixel."""
    cs = y.shape[-1]
    w = jnp.dot(_seen(g, x).T, y.reshape(-1, cs), precision=precision)
    return w.reshape(*g.kernel, x.shape[-1], cs)


def gather_patches(g: Geometry, precision: Precision, x: Big, w: Kernel) -> Small:
    """The strided convolution: what each pixel sees times the kernel."""
    w = w.reshape(-1, *w.shape[-2:])
    return jnp.einsum("...tc,tcs->...s", _patches(g, x), w, precision=precision)


def taps_patches(g: Geometry, precision: Precision, x: Big, y: Small) -> Kernel:
    """The kernel gradient: what each pixel sees times the pixel."""
    w = jnp.einsum("...tc,...s->tcs", _patches(g, x), y, precision=precision)
    return w.reshape(*g.kernel, *w.shape[-2:])


def _patches(g: Geometry, x: Array) -> Array:
    """[n, *small, taps, cb]: the big pixels that each small one meets."""
    return jnp.stack([x_t for _, x_t in met(g, x)], axis=-2)


def taps_each(g: Geometry, precision: Precision, x: Big, y: Small) -> Kernel:
    """The kernel gradient, a matrix product for each tap (and group)."""
    cb, cs = x.shape[-1] // g.groups, y.shape[-1]
    if g.groups == 1:
        y = y.reshape(-1, cs)
        each = [
            jnp.dot(x_t.reshape(-1, cb).T, y, precision=precision)
            for _, x_t in met(g, x)
        ]
        return jnp.stack(each).reshape(*g.kernel, cb, cs)
    y = y.reshape(-1, g.groups, cs // g.groups).swapaxes(0, 1)
    each = [
        jnp.matmul(
            x_t.reshape(-1, g.groups, cb).transpose(1, 2, 0), y, precision=precision
        )
        for _, x_t in met(g, x)
    ]
    w = jnp.moveaxis(jnp.stack(each), 1, 2)  # [taps, cb, groups, cs / groups]
    return w.reshape(*g.kernel, cb, cs)


def _seen(g: Geometry, x: Array) -> Array:
    """[n, taps * cb]: the big pixels that the single small one meets."""
    place = [(0, 0, 0), *((lo, hi, 0) for lo, hi in zip(g.low, g.high)), (0, 0, 0)]
    return lax.pad(x, jnp.zeros((), x.dtype), place).reshape(x.shape[0], -1)
