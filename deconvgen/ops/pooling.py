"""Max-pooling that remembers where the maximum was, and the way back."""

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.core import Tracer
from jaxtyping import Int, Shaped

from deconvgen.core.errors import UserError, unknown
from deconvgen.ops.arguments import Images, takes
from deconvgen.ops.convolution.geometry import per_axis
from deconvgen.ops.fir import Wholes, pair


@takes("kept", x="H W c")
def max_pool_with_indices(
    x: Images, window: Wholes = 2, padding: str = "VALID"
) -> tuple[Shaped[Array, "*b h2 w2 c"], Int[Array, "*b h2 w2 c"]]:
    """The maximum of each window (stride = window) and its place in the window.

    The place counts row by row: `row * window_width + column`; of equal values the
    first counts. `VALID` drops rows and columns that fill no window, h = H // window;
    `SAME` pools what there is of them, h = ceil(H / window). The gradient goes to the
    maximum alone. Zeiler et al. 2011; SegNet, Badrinarayanan et al. 2017, sec. 3.

    Raises `UserError` where no window fits, and for another padding.

    >>> values, places = max_pool_with_indices(jnp.arange(4.0).reshape(1, 2, 2, 1))
    >>> values.item(), places.item()
    (3.0, 3)
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
        x = jnp.pad(x, ends, constant_values=_least(x.dtype))
    else:
        raise UserError(f"padding is 'VALID' or 'SAME', not {padding!r}")
    x = x.reshape(b, h, r, w, s, c)
    best, index = x[:, :, 0, :, 0], jnp.zeros((b, h, w, c), jnp.int32)
    for place in range(1, r * s):
        rival = x[:, :, place // s, :, place % s]
        better = ~(rival <= best) & ~jnp.isnan(best)  # NaN wins, and the first one
        best, index = jnp.where(better, rival, best), jnp.where(better, place, index)
    return best, index


def _least(dtype):
    """What no value of the type is less than."""
    if jnp.issubdtype(dtype, jnp.inexact):
        return -jnp.inf
    return jnp.iinfo(dtype).min if jnp.issubdtype(dtype, jnp.integer) else False


@takes("kept", x="h w c", indices="h w c")
def max_unpool(
    x: Images,
    indices: Images,
    window: Wholes = 2,
    shape: Wholes = None,
) -> Shaped[Array, "*b H W c"]:
    """Every value put back where its maximum was, zeros elsewhere.

    `indices` as `max_pool_with_indices` gives them, places in the window; those of
    other libraries count the pixels of the image: `window_indices` converts them.
    `shape` = (H, W) crops or pads with zeros to the size that was pooled, by default
    (h, w) * window. An index that is no place in the window is a `UserError`; where
    that is seen too late, under `jit`, the whole window is NaN.

    >>> max_unpool(jnp.full((1, 1, 1, 1), 3.0), jnp.full((1, 1, 1, 1), 1))[0, :, :, 0]
    Array([[0., 3.],
           [0., 0.]], dtype=float32)
    """
    (r, s), (b, h, w, c) = pair(window, "a window"), x.shape
    _checked_indices(indices, r, s)
    place = indices[..., None]
    lost = (place < 0) | (place >= r * s)
    zero = jnp.zeros((), x.dtype)
    none = jnp.full((), jnp.nan) if jnp.issubdtype(x.dtype, jnp.inexact) else zero
    placed = jnp.where(jnp.arange(r * s) == place, x[..., None], zero)
    placed = jnp.where(lost, none.astype(x.dtype), placed).reshape(b, h, w, c, r, s)
    out = placed.transpose(0, 1, 4, 2, 5, 3).reshape(b, h * r, w * s, c)
    if shape is None:
        return out
    shape = per_axis(shape, 2, "shape")
    for size, n, k in zip(shape, (h, w), (r, s)):
        if not (n - 1) * k < size < (n + 1) * k:
            raise UserError(
                f"shape={shape}: pooling by {r} x {s} makes {h} x {w} pixels only of "
                f"{h * r} x {w * s}, and less than a window more or less"
            )
    out = out[:, : shape[0], : shape[1]]
    missing = (shape[0] - out.shape[1], shape[1] - out.shape[2])
    return jnp.pad(out, ((0, 0), (0, missing[0]), (0, missing[1]), (0, 0)))


def _checked_indices(indices: Array, r: int, s: int) -> None:
    """Raises `UserError` for what are no places in an r x s window, where it shows."""
    convert = "`window_indices` converts those of PyTorch and TensorFlow"
    if not jnp.issubdtype(indices.dtype, jnp.integer):
        raise UserError(
            f"indices are whole numbers, places in the {r} x {s} window, not "
            f"{indices.dtype}; {convert}"
        )
    if isinstance(indices, Tracer) or not indices.size:
        return
    known = np.asarray(indices)  # an operation of JAX would be traced inside a jit
    low, high = int(known.min()), int(known.max())
    if low < 0 or high >= r * s:
        raise UserError(
            f"indices are places in the {r} x {s} window, 0 to {r * s - 1}, not "
            f"{low} to {high}; {convert}"
        )


@takes("kept", flat="h w c")
def window_indices(
    flat: Images, size: Wholes, window: Wholes = 2, library: str = "torch"
) -> Int[Array, "*b h w c"]:
    """The flat indices of another library's max-pooling, as places in the window.

    `size` = (H, W) of the images that were pooled, with stride = window and without
    padding. "torch": `max_pool2d(return_indices=True)` (channels last, as here) counts
    a channel's pixels, y W + x. "tensorflow": `max_pool_with_argmax` counts the
    numbers of an image, (y W + x) C + c, or of the whole batch.
    """
    (r, s), (_, h, w, c) = pair(window, "a window"), flat.shape
    height, width = per_axis(size, 2, "size")
    if library not in ("torch", "tensorflow"):
        raise unknown("library", library, ("torch", "tensorflow"))
    if not jnp.issubdtype(flat.dtype, jnp.integer):
        raise UserError(f"flat indices are whole numbers, not {flat.dtype}")
    if (height // r, width // s) != (h, w):
        raise UserError(
            f"size={(height, width)}: pooling by {r} x {s} makes "
            f"{height // r} x {width // s} pixels of it, not {h} x {w}"
        )
    pixel = flat // c % (height * width) if library == "tensorflow" else flat
    y, x = pixel // width, pixel % width
    rows, columns = jnp.arange(h)[:, None, None], jnp.arange(w)[:, None]
    # What lies in another window shall not be mistaken for a place in this one.
    inside = (y // r == rows) & (x // s == columns)
    return jnp.where(inside, y % r * s + x % s, -1).astype(jnp.int32)
