"""The measures of two sets of images that anybody has: no run, no config."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from deconvgen.core import images
from deconvgen.core.errors import UserError
from deconvgen.core.numbers import whole
from deconvgen.metrics import sums
from deconvgen.metrics.features import named
from deconvgen.metrics.sets import Artifacts, Fidelity

ENDINGS = tuple(sorted({".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff"}))


def measure(
    *,
    fake: Any,
    real: Any,
    extractor: str = "random",
    dataset: str = "",
    weights: str = "",
    batch_size: int = 100,
) -> dict[str, float]:
    """Figures of generated images against real ones: distances, spectra, checkerboards.

    `fake` and `real` are as many images of one size each: arrays [n, h, w, c], float in
    [-1, 1] or uint8, or folders of pictures, which are taken in the order of their
    names. `extractor` names the features that the sets are compared in: "inception" for
    FID and KID that compare with the literature, "random" for any images at no cost,
    "classifier" for that of the data set `dataset`; `weights` is a file of its own.

    >>> round(deconvgen.measure(fake=images, real=images)["frechet_random"], 3)
    0.0

    Gives what `Fidelity.result` and `Artifacts.result` describe; a figure that a few
    images do not have is NaN. Raises `UserError` for images that cannot be compared.
    """
    size = whole("batch_size", batch_size, 1)
    features = named(extractor, dataset, weights)
    sets = {"fake": _images("fake", fake), "real": _images("real", real)}
    made, true = sets["fake"], sets["real"]
    if made.shape != true.shape:
        raise UserError(
            f"fake is {list(made.shape)} and real {list(true.shape)} [n, h, w, c]: "
            "give as many images of both, of one size"
        )
    size = min(size, len(true))

    @jax.jit
    def both(real: Any, fake: Any, mask: Any) -> dict[str, Any]:
        return {
            "fidelity": Fidelity.of(features, real, fake, mask),
            "artifacts": Artifacts.of(real, fake, mask),
        }

    total: Any = None
    for batch in zip(_batches(true, size), _batches(made, size), strict=True):
        (one, mask), (other, _) = batch
        total = sums.add(total, both(one, other, mask))
    return sums.results(total)


def _batches(pixels: np.ndarray, size: int) -> Iterator[tuple[Any, Any]]:
    """Images as float32 in [-1, 1], in batches of one size, and their masks."""
    for first in range(0, len(pixels), size):
        part = pixels[first : first + size]
        part = images.to_float(part) if part.dtype == np.uint8 else part
        mask = np.arange(size) < len(part)
        filled = np.pad(part, [(0, size - len(part)), *[(0, 0)] * 3])
        yield jnp.asarray(filled, jnp.float32), jnp.asarray(mask, jnp.float32)


def _images(name: str, given: Any) -> np.ndarray:
    """Images [n, h, w, c] as uint8, or as floats in [-1, 1]."""
    if isinstance(given, str | Path):
        return _pictures(name, Path(given).expanduser())
    try:
        found = np.asarray(given)
    except (TypeError, ValueError):
        raise UserError(f"{name} should be images of one size [n, h, w, c]") from None
    if found.ndim != 4 or 0 in found.shape:
        raise UserError(f"{name} should be [n, h, w, c], not {list(found.shape)}")
    if found.dtype == np.uint8:
        return found
    if found.dtype.kind != "f" and found.dtype.name != "bfloat16":
        raise UserError(f"{name} should be uint8 or float, not {found.dtype}")
    found = found.astype(np.float32)
    low, high = float(np.nanmin(found)), float(np.nanmax(found))
    if low < -1.001 or high > 1.001:  # what a network adds to tanh's bounds by rounding
        raise UserError(
            f"{name} should be uint8 or float in [-1, 1]; its values go from {low:.4g} "
            f"to {high:.4g}"
        )
    return found


def _pictures(name: str, folder: Path) -> np.ndarray:
    """The pictures of a folder as uint8, those of folders inside it as well."""
    if not folder.is_dir():
        raise UserError(f"{name}: there is no folder {folder}")
    paths = sorted(p for p in folder.rglob("*") if p.suffix.lower() in ENDINGS)
    if not paths:
        raise UserError(f"{name}: {folder} has no pictures ({', '.join(ENDINGS)})")
    channels = images.load(paths[0], 0).shape[-1]
    found = [images.to_uint8(images.load(path, channels)) for path in paths]
    for path, pixels in zip(paths, found, strict=True):
        if pixels.shape != found[0].shape:
            raise UserError(
                f"{name}: {path} is {list(pixels.shape)} [h, w, c], and {paths[0]} "
                f"{list(found[0].shape)}; the pictures of a set are of one size"
            )
    return np.stack(found)
