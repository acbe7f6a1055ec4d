"""Resizing to any size: bilinear, bicubic, area; NHWC, with PyTorch's and JAX's ways.

Whole factors have shorter programs in `deconvgen.ops.resize`.
"""

from fractions import Fraction
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from deconvgen.core.errors import UserError, unknown
from deconvgen.ops.arguments import Images, takes

METHODS = ("bilinear", "bicubic", "area")
BORDERS = ("renormalized", "replicated")


@takes(x="h w c")
def resample(
    x: Images,
    size: Any,
    method: str = "bilinear",
    *,
    align_corners: bool = False,
    antialias: bool = False,
    a: float = -0.5,
    border: str = "renormalized",
) -> Float[np.ndarray | jnp.ndarray, "*b h2 w2 c"]:
    """Images [..., h, w, c] resized to any size, or by any fraction.

    Args:
      size: (rows, columns), or a fraction, as 1.5 or Fraction(2, 3), of both; sides are
        rounded down.
      method: "bilinear", "bicubic", or "area": the mean of what a pixel covers, as
        PyTorch's adaptive average pooling has it.
      align_corners: the first and last pixels stay where they are, rather than the
        borders.
      antialias: a reduction takes kernels as wide as its pixels.
      a: of the cubic kernel: -0.5 (Keys 1981), JAX's, TensorFlow's and Pillow's; -0.75
        is that of PyTorch and OpenCV.
      border: weights of pixels that are not there go to all others ("renormalized", as
        in JAX and with PyTorch's antialias) or to the nearest ("replicated", as in
        PyTorch without).

    `jax.image.resize(..., antialias=False)` is the default. PyTorch's
    `interpolate(mode="bicubic")` is `a=-0.75, border="replicated"`. Raises `UserError`
    for an unknown method or border, or sizes that make no sense.

    >>> resample(jnp.arange(2.0).reshape(1, 1, 2, 1), (1, 3)).ravel()
    Array([0. , 0.5, 1. ], dtype=float32)
    """
    if method not in METHODS:
        raise unknown("method", method, METHODS)
    if border not in BORDERS:
        raise unknown("border", border, BORDERS)
    for axis, (n, m) in enumerate(zip(x.shape[1:3], _sizes(size, x.shape[1:3]))):
        if method == "area":
            weights = _area(n, m)
        else:
            weights = _kernels(n, m, method, align_corners, antialias, a, border)
        y = jnp.tensordot(jnp.asarray(weights, x.dtype), x, (1, 1 + axis))
        x = jnp.moveaxis(y, 0, 1 + axis)
    return x


def _sizes(size: Any, shape: tuple[int, ...]) -> list[int]:
    if isinstance(size, tuple | list):
        found = list(size)
    else:
        try:
            found = [int(n * Fraction(size).limit_denominator(10**6)) for n in shape]
        except (TypeError, ValueError, OverflowError):
            found = []
    if len(found) != 2 or not all(isinstance(n, int) and n >= 1 for n in found):
        raise UserError(
            f"size is (rows, columns) or a fraction of both, not {size!r}, of images "
            f"of {shape[0]} x {shape[1]}"
        )
    return found


def _kernels(
    n: int, m: int, method: str, align: bool, antialias: bool, a: float, border: str
) -> np.ndarray:
    """The weights [m, n] of the n pixels in each of m."""
    if align:
        centre = np.arange(m) * ((n - 1) / (m - 1) if m > 1 else 0.0)
    else:
        centre = (np.arange(m) + 0.5) * (n / m) - 0.5
    wide = max(1.0, n / m) if antialias else 1.0
    reach = int(np.ceil((2 if method == "bicubic" else 1) * wide)) + 1
    first = np.floor(centre).astype(int)[:, None]
    places = first + np.arange(-reach, reach + 1)  # [m, taps]
    away = np.abs(places - centre[:, None]) / wide
    taps = _cubic(away, a) if method == "bicubic" else np.maximum(0, 1 - away)
    weights = np.zeros((m, n))
    inside = (places >= 0) & (places < n)
    if border == "renormalized":
        taps = np.where(inside, taps, 0)
    np.add.at(weights, (np.arange(m)[:, None], np.clip(places, 0, n - 1)), taps)
    return weights / weights.sum(1, keepdims=True)


def _cubic(t: np.ndarray, a: float) -> np.ndarray:
    near = (a + 2) * t**3 - (a + 3) * t**2 + 1
    far = a * (t**3 - 5 * t**2 + 8 * t - 4)
    return np.where(t <= 1, near, np.where(t < 2, far, 0))


def _area(n: int, m: int) -> np.ndarray:
    i = np.arange(m)[:, None]
    first, last = i * n // m, -(-(i + 1) * n // m)
    inside = (np.arange(n) >= first) & (np.arange(n) < last)
    return inside / (last - first)
