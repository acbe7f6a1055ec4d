"""Pictures of any size through a model, piece by piece."""

from collections.abc import Callable
from typing import Any

import numpy as np
from jaxtyping import Float


def starts(length: int, tile: int, margin: int) -> list[int]:
    """Where tiles begin that cover `length` without the margins they have inside."""
    if tile >= length:
        return [0]
    step = tile - 2 * margin
    return [min(i, length - tile) for i in range(0, length - tile + step, step)]


def in_tiles(
    model: Callable[[np.ndarray], Any],
    picture: Float[np.ndarray, "h w c"],
    factor: int = 1,
    tile: int = 128,
    margin: int = 16,
) -> Float[np.ndarray, "H W d"]:
    """`model` on a whole picture: [h, w, c] -> [factor h, factor w, d].

    The model maps [1, t, u, c] to [1, factor t, factor u, d]; every tile has the same
    shape, at most `tile` a side, and lies within the picture. What is within `margin`
    of a tile's inner border is taken from its neighbour, so that with a margin as wide
    as the model's reach the result is that of the whole picture at once.
    """
    h, w, _ = picture.shape
    if max(h, w) > tile and tile <= 2 * margin:
        raise ValueError(f"tiles of {tile} have nothing between margins of {margin}")
    th, tw = min(tile, h), min(tile, w)
    out: Any = None
    for y in starts(h, th, margin):
        for x in starts(w, tw, margin):
            made = np.asarray(model(picture[None, y : y + th, x : x + tw]))[0]
            if out is None:
                shape = (h * factor, w * factor, made.shape[-1])
                out = np.empty(shape, made.dtype)
            top, left = (margin if i else 0 for i in (y, x))
            inner = made[top * factor :, left * factor :]
            y0, x0 = (y + top) * factor, (x + left) * factor
            out[y0 : y0 + inner.shape[0], x0 : x0 + inner.shape[1]] = inner
    return out
