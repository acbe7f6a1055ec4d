"""Channels to pixels and back, in both orders of the channels."""

from collections.abc import Sequence
from math import prod

from jax import Array
from jaxtyping import Shaped

from deconvgen.core.errors import UserError, unknown
from deconvgen.ops.arguments import Maps, takes
from deconvgen.ops.fir import Wholes, per_space


@takes("kept", space="factor", x="h w c")
def depth_to_space(
    x: Maps, factor: Wholes = 2, order: str = "rrc"
) -> Shaped[Array, "*batch_and_larger C"]:
    """Sub-pixels (r, s) out of the channels: H = r h, W = s w, C = c / (r s).

    `order` says how a pixel's channels are laid out: `"rrc"` is (r, s, C), as in
    TensorFlow and dm_pix; `"crr"` is (C, r, s), as in PyTorch's `pixel_shuffle`.
    A factor of one or three numbers is for signals [..., w, c] and volumes
    [..., d, h, w, c]. Raises `UserError` where r s does not divide c. Shi et al. 2016,
    eq. 4.

    >>> depth_to_space(jnp.arange(4).reshape(1, 1, 1, 4))[0, :, :, 0]
    Array([[0, 1],
           [2, 3]], dtype=int32)
    """
    factors, (b, *size, c) = per_space(factor), x.shape
    rank, pixels = len(factors), prod(factors)
    if c % pixels:
        raise UserError(
            f"depth_to_space by {_by(factors)} needs a multiple of {pixels} channels, "
            f"not {c}"
        )
    deep, crr = c // pixels, _checked(order) == "crr"
    inner = (deep, *factors) if crr else (*factors, deep)
    first, last = (2 + rank, 1 + rank) if crr else (1 + rank, 1 + 2 * rank)
    axes = [axis for i in range(rank) for axis in (1 + i, first + i)]
    x = x.reshape(b, *size, *inner).transpose(0, *axes, last)
    return x.reshape(b, *(n * r for n, r in zip(size, factors)), deep)


@takes("kept", space="factor", x="H W C")
def space_to_depth(
    x: Maps, factor: Wholes = 2, order: str = "rrc"
) -> Shaped[Array, "*batch_and_smaller C"]:
    """The inverse of `depth_to_space`: h = H / r, w = W / s, c = r s C.

    Raises `UserError` where the factor does not divide the height or width.

    >>> space_to_depth(x).shape
    (1, 2, 2, 8)
    """
    factors, (b, *size, c) = per_space(factor), x.shape
    rank = len(factors)
    if any(n % r for n, r in zip(size, factors)):
        raise UserError(
            f"space_to_depth by {_by(factors)} does not divide {_by(size)} pixels"
        )
    small = [n // r for n, r in zip(size, factors)]
    x = x.reshape(b, *(n for both in zip(small, factors) for n in both), c)
    outer, inner = range(1, 2 * rank, 2), range(2, 2 * rank + 1, 2)
    deep = 2 * rank + 1
    axes = (deep, *inner) if _checked(order) == "crr" else (*inner, deep)
    return x.transpose(0, *outer, *axes).reshape(b, *small, prod(factors) * c)


def _by(sizes: Sequence[int]) -> str:
    return " x ".join(map(str, sizes))


def _checked(order: str) -> str:
    if order not in ("rrc", "crr"):
        raise unknown("channel order", order, ("rrc", "crr"))
    return order
