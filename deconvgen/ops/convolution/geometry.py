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
from typing import Any, NamedTuple

import numpy as np
from jax import Array, lax
from jaxtyping import Num

from deconvgen.core.errors import UserError

Padding = str | int | Sequence[int | tuple[int, int]]
Precision = lax.PrecisionLike

Big = Num[Array, "n *big cb"]
Small = Num[Array, "n *small cs"]
Kernel = Num[Array, "*kernel i cs"]


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
            (n - 1) * s + d * (k - 1) + 1 - p - m if n else min(d * (k - 1) - p - m, 0)
            for n, s, d, k, p, m in zip(
                self.small, self.stride, self.dilation, self.kernel, self.low, self.big
            )
        )


class Plan(NamedTuple):
    """All of a convolution but its two arrays."""

    geometry: Geometry
    precision: Precision
    impl: str


def whole(value: Any) -> bool:
    """Whether it is a whole number, Python's or NumPy's; True and 2.0 are none."""
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def per_axis(value: Any, axes: int, name: str, least: int = 1) -> tuple[int, ...]:
    """`value` once for each of the `axes` spatial axes; None stands for 1.

    Raises `UserError` for what are not whole numbers of at least `least`.
    """
    values = (1 if value is None else value,)
    if isinstance(value, (Sequence, np.ndarray)) and not isinstance(value, str):
        values = tuple(value)
        if len(values) != axes:
            raise UserError(f"{name}={values}: expected one number or {axes}")
    if not all(whole(v) and v >= least for v in values):
        raise UserError(
            f"{name}={value!r}: expected a whole number >= {least} or {axes} of them"
        )
    return tuple(int(v) for v in values) * (axes // len(values))


def spatial(shape: Sequence[int]) -> int:
    """The number of spatial axes of a kernel of that shape."""
    if len(shape) < 3:
        raise UserError(
            f"a kernel of shape {tuple(shape)}: expected [*kernel_size, channels, "
            "features]"
        )
    return len(shape) - 2


def unknown(size: Sequence[Any]) -> bool:
    """Whether a size is a symbol, as `jax.export` has them: for lax alone."""
    return not all(isinstance(n, int) for n in size)


def divided(groups: Any, channels: int, features: int) -> None:
    """Raises `UserError` where the groups do not divide the channels, in and out."""
    if not whole(groups) or groups < 1 or channels % groups or features % groups:
        raise UserError(
            f"feature_group_count={groups}: expected a divisor of the channels, "
            f"{channels} in and {features} out"
        )


NAMED_PADDINGS = (
    "'SAME', 'VALID' (a layer has 'CIRCULAR' too, Conv also 'REFLECT' and 'CAUSAL'), "
)


def pairs(
    padding: Any, axes: int, others: str = NAMED_PADDINGS
) -> tuple[tuple[int, int], ...]:
    """Explicit padding as one (low, high) pair for each of the spatial axes.

    Raises `UserError` for anything else; it names `others` that would do.
    """
    values = (padding,) * axes if whole(padding) else padding
    if isinstance(values, (list, tuple, np.ndarray)) and len(values) == axes:
        both = [(p, p) if whole(p) else p for p in values]
        listed = all(isinstance(p, (list, tuple, np.ndarray)) for p in both)
        if listed and all(len(p) == 2 and all(map(whole, p)) for p in both):
            return tuple((int(low), int(high)) for low, high in both)
    raise UserError(
        f"padding={padding!r}: expected {others}an integer or {axes} integers or "
        "(low, high) pairs"
    )


def cropped(
    size: Sequence[int], pads: Sequence[tuple[int, int]], padding: Padding
) -> None:
    """Raises `UserError` where a negative padding takes more pixels than there are."""
    if any(min(ends) < -n for n, ends in zip(size, pads)):
        raise UserError(f"padding={padding!r} takes more than the {size} pixels")


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
