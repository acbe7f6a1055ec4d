"""Channels to pixels and back, in both orders of the channels."""

from jax import Array
from jaxtyping import Shaped

from deconvgen.core.errors import UserError, unknown
from deconvgen.ops.arguments import Images, takes
from deconvgen.ops.fir import Wholes, pair


@takes("kept", x="h w c")
def depth_to_space(
    x: Images, factor: Wholes = 2, order: str = "rrc"
) -> Shaped[Array, "*b H W C"]:
    """Sub-pixels (r, s) out of the channels: H = r h, W = s w, C = c / (r s).

    `order` says how a pixel's channels are laid out: `"rrc"` is (r, s, C), as in
    TensorFlow and dm_pix; `"crr"` is (C, r, s), as in PyTorch's `pixel_shuffle`.
    Raises `UserError` where r s does not divide c. Shi et al. 2016, eq. 4.

    >>> depth_to_space(jnp.arange(4).reshape(1, 1, 1, 4))[0, :, :, 0]
    Array([[0, 1],
           [2, 3]], dtype=int32)
    """
    (r, s), (b, h, w, c) = pair(factor), x.shape
    if c % (r * s):
        raise UserError(
            f"depth_to_space by {r} x {s} needs a multiple of {r * s} channels, not {c}"
        )
    if _checked(order) == "rrc":
        x = x.reshape(b, h, w, r, s, c // (r * s)).transpose(0, 1, 3, 2, 4, 5)
    else:
        x = x.reshape(b, h, w, c // (r * s), r, s).transpose(0, 1, 4, 2, 5, 3)
    return x.reshape(b, h * r, w * s, c // (r * s))


@takes("kept", x="H W C")
def space_to_depth(
    x: Images, factor: Wholes = 2, order: str = "rrc"
) -> Shaped[Array, "*b H2 W2 C2"]:
    """The inverse of `depth_to_space`: h = H / r, w = W / s, c = r s C.

    Raises `UserError` where the factor does not divide the height or width.

    >>> space_to_depth(x).shape
    (1, 2, 2, 8)
    """
    (r, s), (b, h, w, c) = pair(factor), x.shape
    if h % r or w % s:
        raise UserError(f"space_to_depth by {r} x {s} does not divide {h} x {w} pixels")
    x = x.reshape(b, h // r, r, w // s, s, c)
    axes = (0, 1, 3, 2, 4, 5) if _checked(order) == "rrc" else (0, 1, 3, 5, 2, 4)
    return x.transpose(axes).reshape(b, h // r, w // s, r * s * c)


def _checked(order: str) -> str:
    if order not in ("rrc", "crr"):
        raise unknown("channel order", order, ("rrc", "crr"))
    return order
