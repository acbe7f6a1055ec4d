"""Resizing by whole factors: nearest, bilinear, bicubic; NHWC, half-pixel centres.

A factor is a whole number or a pair for images; one of one or three numbers, `(2,)` or
`(2, 2, 2)`, is for signals [..., w, c] and volumes [..., d, h, w, c].
"""

from collections.abc import Callable
from math import prod
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float, Shaped

from deconvgen.core.errors import UserError, unknown
from deconvgen.ops.arguments import Given, Maps, takes
from deconvgen.ops.convolution import geometry
from deconvgen.ops.fir import Wholes, filter_axis, pair, per_space
from deconvgen.ops.subpixel import depth_to_space

REDUCTIONS = ("sum", "mean")
"""Of the channels of a group in bilinear additive upsampling."""


@takes("kept", space="factor", x="h w c")
def nearest(x: Maps, factor: Wholes) -> Shaped[Array, "*batch_and_larger c"]:
    """Every pixel repeated factor x factor times: H = factor * h; x's type is kept.

    >>> nearest(jnp.arange(2).reshape(1, 1, 2, 1), (1, 2)).ravel()
    Array([0, 0, 1, 1], dtype=int32)
    """
    factors, (b, *size, c) = per_space(factor), x.shape
    both = list(zip(size, factors))
    x = x.reshape(b, *(m for n in size for m in (n, 1)), c)
    x = jnp.broadcast_to(x, (b, *(m for n, r in both for m in (n, r)), c))
    return x.reshape(b, *(n * r for n, r in both), c)


@takes(space="factor", x="h w c")
def bilinear(
    x: Maps, factor: Wholes, impl: str = "auto"
) -> Float[Array, "*batch_and_larger c"]:
    """Linear interpolation along the axes, H = factor * h.

    Equal to `jax.image.resize(x, ..., "bilinear")`; beyond the border the nearest
    pixel goes on. Two short filters along the axes, and the same for the gradient;
    `impl="lax"`, here and in `bicubic`, is for forward mode (`jax.jvp`).

    >>> bilinear(jnp.arange(2.0).reshape(1, 1, 2, 1), (1, 2)).ravel()
    Array([0.  , 0.25, 0.75, 1.  ], dtype=float32)
    """
    return _interpolate(x, factor, "bilinear", impl)


@takes(space="factor", x="h w c")
def bicubic(
    x: Maps, factor: Wholes, impl: str = "auto"
) -> Float[Array, "*batch_and_larger c"]:
    """Cubic convolution with a = -0.5 (Keys 1981), H = factor * h.

    Equal to `jax.image.resize(x, ..., "bicubic")`: at the border the weights of the
    pixels that exist are scaled to sum to 1.

    >>> jax.eval_shape(partial(bicubic, factor=2), x).shape
    (1, 8, 8, 2)
    """
    return _interpolate(x, factor, "bicubic", impl)


@takes(space="factor", x="h w c")
def bilinear_additive(
    x: Maps,
    factor: Wholes,
    features: Any,
    reduction: str = "sum",
    impl: str = "auto",
) -> Float[Array, "*batch_and_larger features"]:
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


@takes(space="factor", x="h w c")
def channel_repeat(
    x: Maps, factor: Wholes, features: Any
) -> Float[Array, "*batch_and_larger features"]:
    """Each channel repeated r s features / c times, then channels to pixels.

    The sub-pixel p of output channel j is input channel floor((j + p / (r s)) c /
    features), p = 0 to r s - 1: nearest-neighbour where features = c, and no value is
    lost or made up where c divides r s features. Channels are averaged as in `grouped`
    where there are too many, or they do not divide. Chen et al. 2024 (DC-AE), sec. 3.2.
    """
    factors = per_space(factor)
    return depth_to_space(
        grouped(x, prod(factors) * features, "mean"), factors, order="crr"
    )


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
    factors, (b, *size, c) = per_space(factor), x.shape
    if geometry.unknown(size):  # symbols, for lax
        larger = [n * s for n, s in zip(size, factors, strict=True)]
        return jax.image.resize(x, (b, *larger, c), name)
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
        total = total.reshape(-1, *[1] * (len(factors) - axis))
        x = filter_axis(x, taps, axis, up=s, padding=padding, impl=impl)
        x = x * jnp.asarray(1 / total, x.dtype)
    return x
