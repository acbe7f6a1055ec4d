"""Resizing by whole factors: nearest, bilinear, bicubic; NHWC, half-pixel centres."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float, Shaped

from deconvgen.core.errors import UserError, unknown
from deconvgen.ops.arguments import Given, Images, takes
from deconvgen.ops.convolution import geometry
from deconvgen.ops.fir import Wholes, pair, upfirdn_axis

REDUCTIONS = ("sum", "mean")
"""Of the channels of a group in bilinear additive upsampling."""


@takes("kept", x="h w c")
def nearest(x: Images, factor: Wholes) -> Shaped[Array, "*b H W c"]:
    """Every pixel repeated factor x factor times: H = factor * h; x's type is kept.

    >>> nearest(jnp.arange(2).reshape(1, 1, 2, 1), (1, 2)).ravel()
    Array([0, 0, 1, 1], dtype=int32)
    """
    (r, s), (b, h, w, c) = pair(factor), x.shape
    spread = jnp.broadcast_to(x[:, :, None, :, None], (b, h, r, w, s, c))
    return spread.reshape(b, h * r, w * s, c)


@takes(x="h w c")
def bilinear(x: Images, factor: Wholes, impl: str = "auto") -> Float[Array, "*b H W c"]:
    """Linear interpolation along both axes, H = factor * h.

    Equal to `jax.image.resize(x, ..., "bilinear")`; beyond the border the nearest
    pixel goes on. Two short filters along the axes, and the same for the gradient;
    `impl="lax"`, here and in `bicubic`, is for forward mode (`jax.jvp`).

    >>> bilinear(jnp.arange(2.0).reshape(1, 1, 2, 1), (1, 2)).ravel()
    Array([0.  , 0.25, 0.75, 1.  ], dtype=float32)
    """
    return _interpolate(x, factor, "bilinear", impl)


@takes(x="h w c")
def bicubic(x: Images, factor: Wholes, impl: str = "auto") -> Float[Array, "*b H W c"]:
    """Cubic convolution with a = -0.5 (Keys 1981), H = factor * h.

    Equal to `jax.image.resize(x, ..., "bicubic")`: at the border the weights of the
    pixels that exist are scaled to sum to 1.

    >>> jax.eval_shape(partial(bicubic, factor=2), x).shape
    (1, 8, 8, 2)
    """
    return _interpolate(x, factor, "bicubic", impl)


@takes(x="h w c")
def bilinear_additive(
    x: Images,
    factor: Wholes,
    features: Any,
    reduction: str = "sum",
    impl: str = "auto",
) -> Float[Array, "*b H W features"]:
    """Bilinear resize, then groups of consecutive channels summed to `features`.

    Wojna et al. 2017, "The Devil is in the Decoder", sec. 3, where four channels make
    one. With `reduction="mean"` they are averaged, so that a constant stays what it
    is: another method. See `grouped` for channels that `features` does not divide. The
    sum is taken first: it is linear and acts on other axes, so the result is the same.

    >>> up = partial(bilinear_additive, factor=2, features=1)
    >>> jax.eval_shape(up, x).shape
    (1, 8, 8, 1)
    """
    return bilinear(grouped(x, features, reduction), factor, impl)


@takes(x="c")
def grouped(
    x: Shaped[Given, "*b c"], features: Any, reduction: str = "sum"
) -> Float[Array, "*b features"]:
    """Consecutive channels summed or averaged (or repeated) to `features` channels.

    Output j is the sum (`reduction="mean"`: the mean) of the channels floor(j c / f) to
    ceil((j + 1) c / f) - 1: equal groups where features divides c, repetition where c
    divides features, and groups that overlap by a channel otherwise.
    """
    if reduction not in REDUCTIONS:
        raise unknown("reduction", reduction, REDUCTIONS)
    c = x.shape[-1]
    if not geometry.whole(features) or features < 1:
        raise UserError(f"features is a whole number >= 1, not {features}")
    if c == features:
        return x
    if c % features == 0:
        groups = x.reshape(*x.shape[:-1], features, c // features)
        return groups.sum(-1) if reduction == "sum" else groups.mean(-1)
    weights = np.zeros((c, features))
    for j in range(features):
        first, end = j * c // features, -(-(j + 1) * c // features)
        weights[first:end, j] = 1 if reduction == "sum" else 1 / (end - first)
    return x @ jnp.asarray(weights, x.dtype)


def interpolation_taps(factor: int, name: str = "bilinear") -> np.ndarray:
    """The filter that, after zero insertion, interpolates by `factor`.

    2 factor - factor % 2 taps for `bilinear` (Long et al. 2015), twice as many for
    `bicubic`, `factor` ones for `nearest`; they sum to `factor`.
    """
    factor, _ = pair(factor)
    if name == "nearest":
        return np.ones(factor)
    if name not in FILTERS:
        raise unknown("interpolation", name, ("nearest", *FILTERS))
    weight, radius = FILTERS[name]
    k = 2 * radius * factor - factor % 2
    return weight((np.arange(k) - (k - 1) / 2) / factor)


def _triangle(t: np.ndarray) -> np.ndarray:
    return np.maximum(0, 1 - np.abs(t))


def _keys(t: np.ndarray) -> np.ndarray:
    t = np.abs(t)
    near = 1.5 * t**3 - 2.5 * t**2 + 1
    far = -0.5 * t**3 + 2.5 * t**2 - 4 * t + 2
    return np.where(t <= 1, near, np.where(t < 2, far, 0))


FILTERS: dict[str, tuple[Callable[[np.ndarray], np.ndarray], int]] = {
    "bilinear": (_triangle, 1),
    "bicubic": (_keys, 2),
}
"""By name: the weight at a distance in pixels, and the distance where it ends."""


def _interpolate(x: Array, factor: Wholes, name: str, impl: str) -> Array:
    factors, (b, h, w, c) = pair(factor), x.shape
    if geometry.unknown((h, w)):  # symbols, for lax
        return jax.image.resize(x, (b, h * factors[0], w * factors[1], c), name)
    for axis, s in enumerate(factors):
        if s == 1:
            continue
        taps, n = interpolation_taps(s, name), x.shape[1 + axis]
        k = len(taps)
        low = (s + k) // 2 - 1  # output i is centred on (i - (s - 1) / 2) / s
        padding = (low, k - 1 - low)
        spaced = np.zeros(n * s)
        spaced[::s] = 1
        total = np.convolve(np.pad(spaced, padding), taps, mode="valid")
        total = total.reshape((-1, 1, 1) if axis == 0 else (-1, 1))
        x = upfirdn_axis(x, taps, axis, up=s, padding=padding, impl=impl)
        x = x * jnp.asarray(1 / total, x.dtype)
    return x
