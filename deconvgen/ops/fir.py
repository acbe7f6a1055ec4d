"""FIR filters that change the sampling rate, without multiplying inserted zeros."""

import math
from collections.abc import Callable
from functools import partial
from itertools import product
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jaxtyping import Float, Shaped

from deconvgen.core.errors import UserError
from deconvgen.ops.arguments import Given, Images, plain, takes
from deconvgen.ops.convolution.geometry import Padding, pairs, unknown, whole

MOST_TAPS = 100
"""Of a filter that is not separable; one that has more is a convolution by lax."""

Pair = tuple[int, int]
Pads = tuple[Pair, Pair]
Wholes = Any
"""One whole number >= 1, Python's or NumPy's, or two of them; `pair` refuses others."""


def pair(value: Any, what: str = "a factor") -> Pair:
    """(rows, columns) from one whole number >= 1 or two; else a `UserError`."""
    both = tuple(value) if isinstance(value, (tuple, list)) else (value, value)
    if len(both) != 2 or not all(map(whole, both)) or min(both) < 1:
        raise UserError(f"{what} is a whole number >= 1 or a pair of them, not {value}")
    return int(both[0]), int(both[1])


def per_space(value: Any, what: str = "a factor") -> tuple[int, ...]:
    """(rows, columns) from one whole number >= 1, or one for each of 1 to 3 axes."""
    values = tuple(value) if isinstance(value, (tuple, list)) else (value, value)
    if len(values) not in (1, 2, 3) or not all(map(whole, values)) or min(values) < 1:
        raise UserError(
            f"{what} is a whole number >= 1 or a pair of them (1 or 3 for signals and "
            f"volumes), not {value}"
        )
    return tuple(int(number) for number in values)


@takes(x="h w c")
def upfirdn(
    x: Images,
    taps: Shaped[Given, "..."],
    up: Wholes = 1,
    down: Wholes = 1,
    padding: Padding = ((0, 0), (0, 0)),
    gain: Any = 1.0,
    impl: str = "auto",
) -> Float[Array, "*b oh ow c"]:
    """Upsample by zero insertion, pad, convolve with a filter, keep every d-th sample.

    `taps` is [k] (separable, the same for rows and columns), [kh, kw], or [kh, kw, c]
    (one filter for each channel); it is convolved, that is, turned round before it is
    slid. A sample is followed by up - 1 zeros, the last one too. With
    `padding = ((top, bottom), (left, right))`, which may be negative (a crop), an axis
    of n samples has `(n * up + low + high - k) // down + 1` after it. Upsampling by u
    keeps the mean with taps that sum to 1 and gain u * u.

    Computed phase by phase (Bellanger et al. 1976), so zeros cost nothing; the
    derivatives with respect to x are themselves such filters: of every order, in
    reverse mode; `impl="lax"` leaves them to JAX, in forward mode too. The operation
    and its conventions are StyleGAN2's (Karras et al. 2020, app. B).

    >>> upfirdn(x, jnp.ones(2), up=2, padding=((1, 0), (1, 0))).shape
    (1, 8, 8, 2)
    """
    run = plain(_upfirdn, impl)
    up, down, padding = pair(up), pair(down), pairs(padding, 2, "")
    taps = _filter(taps, x, (1, 2, 3))
    if taps.ndim == 1:
        rows = _along(run, x, taps * gain, 0, up[0], down[0], padding[0])
        return _along(run, rows, taps, 1, up[1], down[1], padding[1])
    if taps.shape[0] * taps.shape[1] > MOST_TAPS:
        return _one_convolution(x, taps * gain, up, down, padding)
    return run(x, taps * gain, up, down, padding)


def _one_convolution(x: Array, taps: Array, up: Pair, down: Pair, padding: Any):
    """The same by lax, for filters that take too long to compile tap by tap."""
    c = x.shape[-1]
    for i in (0, 1):
        _plan(x.shape[1 + i], taps.shape[i], up[i], down[i], padding[i])
    taps = taps.reshape(*taps.shape[:2], 1, -1)[::-1, ::-1]
    return lax.conv_general_dilated(
        x,
        jnp.broadcast_to(taps, (*taps.shape[:3], c)),
        down,
        [(low, high + s - 1) for (low, high), s in zip(padding, up, strict=True)],
        lhs_dilation=up,
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
        feature_group_count=c,
    )


@takes(x="h w c")
def upfirdn_axis(
    x: Images,
    taps: Shaped[Given, "..."],
    axis: int,
    up: Any = 1,
    down: Any = 1,
    padding: Any = (0, 0),
    impl: str = "auto",
) -> Float[Array, "*b oh ow c"]:
    """`upfirdn` along the rows' axis (0) or the columns' (1) alone, taps [k]."""
    if axis not in (0, 1):
        raise UserError(f"a filter goes along axis 0 (rows) or 1 (columns), not {axis}")
    (up, _), (down, _), (padding,) = pair(up), pair(down), pairs((padding,), 1, "")
    run, taps = plain(_upfirdn, impl), _filter(taps, x, (1,))
    return _along(run, x, taps, axis, up, down, padding)


def filter_axis(x: Array, taps: Any, axis: int, **options: Any) -> Array:
    """`upfirdn_axis` along any axis of x [b, *space, c], of which 0 is the first."""
    if x.ndim == 4:
        return upfirdn_axis(x, taps, axis, **options)
    before, after, c = x.shape[: 1 + axis], x.shape[2 + axis : -1], x.shape[-1]
    flat = x.reshape(math.prod(before), x.shape[1 + axis], math.prod(after), c)
    y = upfirdn_axis(flat, taps, 0, **options)
    return y.reshape(*before, y.shape[1], *after, c)


def _along(run: Callable, x: Array, taps: Array, axis: int, up, down, padding: Pair):
    if axis == 0:
        return run(x, taps[:, None], (up, 1), (down, 1), (padding, (0, 0)))
    return run(x, taps[None, :], (1, up), (1, down), ((0, 0), padding))


def _filter(taps: Any, x: Array, ranks: tuple[int, ...]) -> Array:
    """The taps in the type of x, which is float32 or wider."""
    taps = jnp.asarray(taps)
    if taps.ndim not in ranks or 0 in taps.shape:
        shapes = " or ".join(("[k]", "[kh, kw]", "[kh, kw, c]")[r - 1] for r in ranks)
        raise UserError(f"the taps of a filter are {shapes}, not of shape {taps.shape}")
    if taps.ndim == 3 and taps.shape[2] != x.shape[-1]:
        raise UserError(
            f"taps of shape {taps.shape} on {x.shape[-1]} channels: expected "
            f"[kh, kw, {x.shape[-1]}], or [kh, kw] for all of them"
        )
    return taps.astype(x.dtype)


def box_power(size: int, times: int) -> np.ndarray:
    """`times` boxes of `size` samples convolved, sum 1: [times * (size - 1) + 1].

    (2, 3) is the [1, 3, 3, 1] / 8 of StyleGAN2; every image of the signal that
    upsampling by `size` makes lies at a zero of order `times`.
    """
    taps = np.ones(1)
    for _ in range(times):
        taps = np.convolve(taps, np.full(size, 1 / size))
    return taps


def _plan(n: int, k: int, up: int, down: int, padding: Pair):
    """How one axis goes: phases' taps as (tap, first index of x), step, sizes."""
    low, high = padding
    size = (n * up + low + high - k) // down + 1
    if not unknown((size,)) and size < 1:
        raise UserError(f"a filter of {k} taps leaves nothing of {n} samples")
    common = math.gcd(up, down)
    phases = [
        [
            (tap, (r * down + tap - low) // up)
            for tap in range(k)
            if (r * down + tap - low) % up == 0
        ]
        for r in range(up // common)
    ]
    return phases, down // common, size, -(-size // len(phases))


def _padded(x: Array, axis: int, phases, step: int, count: int):
    """x so padded (or cropped) along `axis` that every phase's slices lie inside."""
    first = [index for phase in phases for _, index in phase]
    low, last = min(first, default=0), max(first, default=0) + step * (count - 1)
    config = [(0, 0, 0)] * x.ndim
    config[axis] = (-low, last + 1 - x.shape[axis], 0)
    return lax.pad(x, jnp.zeros((), x.dtype), config), low


def _sections(x: Array, k: tuple[int, ...], up: Pair, down: Pair, padding: Pads):
    """The plan of both axes, and a function (row index, column index) -> slice of x."""
    plans = [_plan(x.shape[1 + i], k[i], up[i], down[i], padding[i]) for i in (0, 1)]
    (rows, row_step, _, m), (columns, column_step, _, n) = plans
    x, top = _padded(x, 1, rows, row_step, m)
    x, left = _padded(x, 2, columns, column_step, n)

    def section(i: int, j: int) -> Array:
        i, j = i - top, j - left
        return x[
            :, i : i + row_step * (m - 1) + 1 : row_step,
            j : j + column_step * (n - 1) + 1 : column_step,
        ]  # fmt: skip

    return plans, section


@partial(jax.custom_vjp, nondiff_argnums=(2, 3, 4))
@partial(jax.jit, static_argnums=(2, 3, 4))
def _upfirdn(x: Array, taps: Array, up: Pair, down: Pair, padding: Pads) -> Array:
    """`upfirdn` for taps [kh, kw] or [kh, kw, c]."""
    flipped = taps[::-1, ::-1]
    plans, section = _sections(x, taps.shape[:2], up, down, padding)
    (rows, _, height, m), (columns, _, width, n) = plans
    b, c = x.shape[0], x.shape[3]
    phases = []
    for row, column in product(rows, columns):
        terms = [
            section(i, j) * flipped[s, t] for (s, i), (t, j) in product(row, column)
        ]
        phases.append(sum(terms[1:], terms[0]) if terms else jnp.zeros((b, m, n, c)))
    if len(phases) == 1:
        return phases[0][:, :height, :width].astype(x.dtype)
    out = jnp.stack(phases, 3).reshape(b, m, n, len(rows), len(columns), c)
    out = out.transpose(0, 1, 3, 2, 4, 5)
    out = out.reshape(b, m * len(rows), n * len(columns), c)
    return out[:, :height, :width].astype(x.dtype)


def _forward(x, taps, up, down, padding):
    return _upfirdn(x, taps, up, down, padding), (x, taps)


def _backward(up, down, padding, kept, gradient):
    x, taps = kept
    k, size = taps.shape[:2], gradient.shape[1:3]
    low = [k[i] - 1 - padding[i][0] for i in (0, 1)]
    high = [
        (x.shape[1 + i] - 1) * up[i] + k[i] - size[i] * down[i] - low[i] for i in (0, 1)
    ]
    turned = tuple(zip(low, high, strict=True))
    to_x = _upfirdn(gradient, taps[::-1, ::-1], down, up, turned)
    return to_x, _taps_gradient(x, taps, up, down, padding, gradient)


@partial(jax.jit, static_argnums=(2, 3, 4))
def _taps_gradient(x, taps, up, down, padding, gradient):
    """The sum over all places of x's slice times the gradient of its phase."""
    plans, section = _sections(x, taps.shape[:2], up, down, padding)
    (rows, _, height, m), (columns, _, width, n) = plans
    ends = ((0, m * len(rows) - height), (0, n * len(columns) - width))
    gradient = jnp.pad(gradient, ((0, 0), *ends, (0, 0)))
    axes = (0, 1, 2, 3) if taps.ndim == 2 else (0, 1, 2)
    found = {}
    for p, q in product(range(len(rows)), range(len(columns))):
        phase = gradient[:, p :: len(rows), q :: len(columns)]
        for (s, i), (t, j) in product(rows[p], columns[q]):
            term = jnp.sum(section(i, j) * phase, axes)
            found[s, t] = found[s, t] + term if (s, t) in found else term
    zero = jnp.zeros(taps.shape[2:], taps.dtype)
    grid = [
        [found.get((s, t), zero) for t in range(taps.shape[1])]
        for s in range(taps.shape[0])
    ]
    return jnp.stack([jnp.stack(row) for row in grid])[::-1, ::-1].astype(taps.dtype)


_upfirdn.defvjp(_forward, _backward)
