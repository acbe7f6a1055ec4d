"""Max-pooling that remembers where the maximum was, and the way back."""

import jax.numpy as jnp
from jax import Array
from jaxtyping import Float, Int

from deconvgen.errors import UserError
from deconvgen.ops.fir import Pair, pair


def max_pool_with_indices(
    x: Float[Array, "b H W c"], window: int | Pair = 2, padding: str = "VALID"
) -> tuple[Float[Array, "b h w c"], Int[Array, "b h w c"]]:
    """The maximum of each window (stride = window) and its place in the window.

    The place counts row by row: `row * window_width + column`; of equal values the
    first counts. `VALID` drops rows and columns that fill no window, h = H // window;
    `SAME` pools what there is of them, h = ceil(H / window). The gradient goes to the
    maximum alone. Zeiler et al. 2011; SegNet, Badrinarayanan et al. 2017, sec. 3.
    """
    (r, s), (b, height, width, c) = pair(window, "a window"), x.shape
    if padding == "VALID":
        h, w = height // r, width // s
        if not h or not w:
            raise UserError(f"no {r} x {s} window fits into {height} x {width} pixels")
        x = x[:, : h * r, : w * s]
    elif padding == "SAME":
        h, w = -(-height // r), -(-width // s)
        ends = ((0, 0), (0, h * r - height), (0, w * s - width), (0, 0))
        x = jnp.pad(x, ends, constant_values=-jnp.inf)
    else:
        raise UserError(f"padding is 'VALID' or 'SAME', not {padding!r}")
    x = x.reshape(b, h, r, w, s, c)
    best, index = x[:, :, 0, :, 0], jnp.zeros((b, h, w, c), jnp.int32)
    for place in range(1, r * s):
        rival = x[:, :, place // s, :, place % s]
        better = ~(rival <= best) & ~jnp.isnan(best)  # NaN wins, and the first one
        best, index = jnp.where(better, rival, best), jnp.where(better, place, index)
    return best, index


def max_unpool(
    x: Float[Array, "b h w c"],
    indices: Int[Array, "b h w c"],
    window: int | Pair = 2,
    shape: Pair | None = None,
) -> Float[Array, "b H W c"]:
    """Every value put back where its maximum was, zeros elsewhere.

    `indices` as `max_pool_with_indices` gives them; `shape` = (H, W) crops or pads
    with zeros to the size that was pooled, by default (h, w) * window.
    """
    (r, s), (b, h, w, c) = pair(window, "a window"), x.shape
    chosen = jnp.arange(r * s) == indices[..., None]
    placed = jnp.where(chosen, x[..., None], 0).reshape(b, h, w, c, r, s)
    out = placed.transpose(0, 1, 4, 2, 5, 3).reshape(b, h * r, w * s, c)
    if shape is None:
        return out
    out = out[:, : shape[0], : shape[1]]
    missing = (shape[0] - out.shape[1], shape[1] - out.shape[2])
    return jnp.pad(out, ((0, 0), (0, missing[0]), (0, missing[1]), (0, 0)))
