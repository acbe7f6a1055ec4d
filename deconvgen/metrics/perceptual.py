"""How far two images are apart as a network sees them."""

from typing import Any

import jax.numpy as jnp
import numpy as np

from deconvgen.core.errors import UserError
from deconvgen.metrics import features
from deconvgen.metrics.rows import Rows
from deconvgen.ops.arguments import levels


def perceptual_distance(images: Any, others: Any, extractor: Any = "random") -> Rows:
    """[n], 0 for equal images: |f(x)/|f(x)| - f(y)/|f(y)||^2, at most 4.

    That is the distance of Zhang et al. 2018 (LPIPS, eq. 1) with one feature vector an
    image and no learned weights, so it is named after its `extractor`: anything that
    `features.named` takes. Images are [n, h, w, c] in [-1, 1], or levels 0 .. 255 in
    integers. Raises `UserError` for anything else and for different shapes.

    >>> float(perceptual_distance(images, images).max())
    0.0
    >>> perceptual_distance(images, images[::-1]).shape == images.shape[:1]
    True
    """
    x, y = (np.asarray(levels(jnp.asarray(given))) for given in (images, others))
    if x.shape != y.shape or x.ndim != 4:
        raise UserError(
            f"a perceptual distance is of pairs of images [n, h, w, c] of one shape, "
            f"not of {list(x.shape)} and {list(y.shape)}"
        )
    run = features.compiled(features.named(extractor))
    one, other = (_unit(run(batch)) for batch in (x, y))
    return np.sum((one - other) ** 2, axis=1)


def _unit(rows: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.maximum(lengths, np.finfo(np.float32).tiny)
