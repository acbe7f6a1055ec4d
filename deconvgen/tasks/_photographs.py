"""Whole pictures of any size through a run: enlarged tile by tile, and measured."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from deconvgen.core import images
from deconvgen.core.errors import UserError
from deconvgen.data import photos
from deconvgen.metrics.enlargement import compared, whole
from deconvgen.ops import resize
from deconvgen.ops.image import shrink
from deconvgen.tasks._tiles import in_tiles

Picture = Float[np.ndarray, "h w c"]
Larger = Float[np.ndarray, "h2 w2 c"]
TILE = 128
"""Least side of the low-resolution tiles, of which the model's reach is overlap."""


def enlarged(run: Any, lowres: Picture, tile: int = 0) -> Larger:
    """[h, w, c] -> [factor h, factor w, c] by the run's model, in [-1, 1].

    Tiles (0: wide enough for the reach of the model) leave no seam, unless its norm is
    over all of a picture, which is then refused where it takes more than one tile.
    """
    enlarge, norm = run.alone.apply, run.config.model.norm
    tile = tile or max(TILE, 4 * enlarge.reach)
    if norm in ("group", "instance") and max(lowres.shape[:2]) > tile:
        raise UserError(
            f"model.norm={norm} measures the whole picture, which tiles do not show: "
            f"give one of at most {tile} x {tile} pixels, or train with another norm"
        )
    compiled = jax.jit(enlarge.function)
    model = lambda part: compiled(run.state, part)
    factor = run.config.model.factor
    return np.clip(in_tiles(model, lowres, factor, tile, enlarge.reach), -1, 1)


def bicubic(run: Any, lowres: Picture) -> Larger:
    """The bicubic enlargement by the same factor."""
    made = resize.bicubic(jnp.asarray(lowres)[None], run.config.model.factor)
    return np.clip(np.asarray(made[0]), -1, 1)


def pair(run: Any, photograph: Picture) -> tuple[np.ndarray, np.ndarray]:
    """(low resolution, photograph), the latter without incomplete pixels."""
    factor = run.config.model.factor
    truth = whole(jnp.asarray(photograph)[None], factor)
    return np.asarray(shrink(truth, factor)[0]), np.asarray(truth[0])


def photographs(run: Any) -> dict[str, Picture]:
    """The photographs that the patches of the run's split are cut from, by name."""
    data = run.config.data
    found = photos.photographs(
        run.split, data.folder, data.channels or 3, validation=data.validation
    )
    return {name: images.to_float(pixels) for name, pixels in found.items()}


def figures(run: Any) -> dict[str, float]:
    """PSNR and SSIM of whole photographs against bicubic, the means over them.

    `whole_gain_db` is the mean gain, `gain_db_NAME` that of each photograph.
    """
    rows = {}
    for name, photograph in photographs(run).items():
        lowres, truth = pair(run, photograph)
        made, plain = enlarged(run, lowres), bicubic(run, lowres)
        one = lambda part: jnp.asarray(part)[None]
        row = compared(one(made), one(plain), one(truth), run.config.model.factor)
        rows[name.rpartition(".")[0] or name] = {k: float(v[0]) for k, v in row.items()}
    means = {
        f"whole_{key}": float(np.mean([row[key] for row in rows.values()]))
        for key in next(iter(rows.values()))
    }
    return means | {f"gain_db_{name}": row["gain_db"] for name, row in rows.items()}


def picture(run: Any, num: int, seed: int, source: str) -> np.ndarray:
    """The --input enlarged; without one, bicubic | model | truth of a test photo."""
    if source:
        photograph = images.load(source, run.image_shape[-1])
        return images.to_uint8(enlarged(run, photograph))
    known = list(photographs(run).values())
    lowres, truth = pair(run, known[seed % len(known)])
    parts = [bicubic(run, lowres), enlarged(run, lowres), truth]
    return images.to_uint8(np.concatenate(parts, axis=1))
