"""Where the taps of a strided (or transposed) convolution fall.

One geometry serves both layers. Call the side with more pixels *big*, the other
*small*; along each spatial axis tap `t` of the kernel joins the small pixel `i`
to the big pixel

    u = stride * i + dilation * t - low

(Dumoulin & Visin 2016, "A guide to convolution arithmetic for deep learning").
A strided convolution reads the big side and writes the small one, a transposed
convolution the other way round; pixels outside count as zeros.
"""

from collections.abc import Callable, Sequence
from math import prod
from typing import NamedTuple

from jax import Array

from deconvgen.errors import UserError

Padding = str | int | Sequence[int | tuple[int, int]]


class Geometry(NamedTuple):
    """Sizes and steps of each spatial axis; `groups` splits the channels."""

    stride: tuple[int, ...]
    dilation: tuple[int, ...]
    low: tuple[int, ...]  # zeros in front of the big side
    big: tuple[int, ...]
    small: tuple[int, ...]
    kernel: tuple[int, ...]
    groups: int = 1

    @property
    def high(self) -> tuple[int, ...]:
        """Zeros behind the big side (negative: pixels that no tap reads)."""
        return tuple(
            (n - 1) * s + d * (k - 1) + 1 - p - m
            for n, s, d, k, p, m in zip(
                self.small, self.stride, self.dilation, self.kernel, self.low, self.big
            )
        )


def per_axis(value: int | Sequence[int] | None, axes: int, name: str) -> tuple:
    """`value` once for each of the `axes` spatial axes; None stands for 1."""
    if value is None or isinstance(value, int):
        return (1 if value is None else value,) * axes
    if len(value) != axes:
        raise UserError(f"{name}={tuple(value)}: expected one number or {axes}")
    return tuple(int(v) for v in value)


def pairs(padding: Padding, axes: int) -> tuple[tuple[int, int], ...]:
    """Explicit padding as one (low, high) pair for each of the spatial axes."""
    if isinstance(padding, int):
        return ((padding, padding),) * axes
    if isinstance(padding, str) or len(padding) != axes:
        raise UserError(
            f"padding={padding!r}: expected 'SAME', 'VALID', an integer or {axes} "
            "integers or (low, high) pairs"
        )
    return tuple((p, p) if isinstance(p, int) else (p[0], p[1]) for p in padding)


def strided_pads(
    size: Sequence[int],
    kernel: Sequence[int],
    stride: Sequence[int],
    dilation: Sequence[int],
    padding: Padding,
) -> tuple[tuple[int, int], ...]:
    """Zeros (before, after) the input of a strided convolution."""
    padding = padding.upper() if isinstance(padding, str) else padding
    if padding == "VALID":
        return ((0, 0),) * len(size)
    if padding not in ("SAME", "SAME_LOWER"):
        return pairs(padding, len(size))
    pads = []
    for n, k, s, d in zip(size, kernel, stride, dilation):
        total = max((-(-n // s) - 1) * s + d * (k - 1) + 1 - n, 0)
        half = (total + 1) // 2 if padding == "SAME_LOWER" else total // 2
        pads.append((half, total - half))
    return tuple(pads)


def dilated_pads(
    kernel: Sequence[int],
    stride: Sequence[int],
    dilation: Sequence[int],
    padding: Padding,
    consistent: bool,
) -> tuple[tuple[int, int], ...]:
    """Zeros (before, after) the dilated input of a transposed convolution.

    The names, and with `consistent` the numbers too, are those of the strided
    convolution that this one is the transpose of; without it the numbers are
    the result itself, as `jax.lax.conv_transpose` has them.
    """
    reach = [d * (k - 1) for k, d in zip(kernel, dilation)]
    padding = padding.upper() if isinstance(padding, str) else padding
    if padding == "VALID":
        return tuple((r, max(r, s - 1)) for r, s in zip(reach, stride))
    if padding == "SAME":
        before = [r if s > r else (r + s) // 2 for r, s in zip(reach, stride)]
        return tuple((b, r + s - 1 - b) for b, r, s in zip(before, reach, stride))
    numbers = pairs(padding, len(kernel))
    if not consistent:
        return numbers
    return tuple((r - lo, r - hi) for r, (lo, hi) in zip(reach, numbers))


def with_one_batch_axis(x: Array, axes: int) -> tuple[Array, Callable[[Array], Array]]:
    """`x` as [n, *space, c] with that many axes of space, and the way back."""
    batch = x.shape[: x.ndim - axes - 1]
    if x.ndim < axes + 1:
        raise UserError(
            f"an input of shape {x.shape} for a kernel with {axes} spatial axes: "
            "expected [..., *space, channels]"
        )
    flat = x.reshape(prod(batch), *x.shape[len(batch) :])
    return flat, lambda y: y.reshape(*batch, *y.shape[1:])
