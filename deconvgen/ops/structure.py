"""Structural similarity, the map that metric and loss share."""

import functools

import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float

from deconvgen.core.errors import UserError
from deconvgen.ops.arguments import Images, takes

WINDOW = 11
"""Width of the Gaussian window in pixels; its sigma is 1.5 (Wang et al. 2004)."""


def gaussian(width: int = WINDOW, sigma: float = 1.5) -> Float[np.ndarray, " width"]:
    """A Gaussian window that sums to 1."""
    x = np.arange(width) - (width - 1) / 2
    window = np.exp(-0.5 * (x / sigma) ** 2)
    return window / window.sum()


@takes(x="h w c")
def blur(x: Images) -> Float[Array, "*b h2 w2 c"]:
    """Gaussian window on both axes, without padding: 10 pixels less.

    As a sum of slices, because a depthwise convolution may round to half precision.
    """
    _, h, w, _ = x.shape
    taps = [float(tap) for tap in gaussian()]
    rows = [tap * x[:, i : i + h - WINDOW + 1] for i, tap in enumerate(taps)]
    x = functools.reduce(jnp.add, rows)
    columns = [tap * x[:, :, i : i + w - WINDOW + 1] for i, tap in enumerate(taps)]
    return functools.reduce(jnp.add, columns)


@takes("wide", x="h w c", y="h w c")
def similarity(
    x: Images, y: Images
) -> tuple[Float[Array, "*b c"], Float[Array, "*b c"]]:
    """(SSIM, its contrast-structure factor), the means over the image, per channel.

    Images are in [0, 1]; K1 = 0.01, K2 = 0.03, population covariance (Wang et al.
    2004, equations 6 to 13). Only windows that lie wholly inside the image count.

    Raises `UserError` for images smaller than the window.

    >>> jax.jit(structural_similarity)(images, images)[0][0].round(3)
    Array([1.], dtype=float32)
    """
    if min(x.shape[1:3]) < WINDOW:
        raise UserError(
            f"structural similarity needs images of {WINDOW} x {WINDOW} pixels or "
            f"more, these have {x.shape[1]} x {x.shape[2]}"
        )
    c1, c2 = 0.01**2, 0.03**2
    mean_x, mean_y = blur(x), blur(y)
    # Around one half, squares are smaller and the differences lose fewer digits.
    a, b = x - 0.5, y - 0.5
    mean_a, mean_b = mean_x - 0.5, mean_y - 0.5
    variances = blur(a * a + b * b) - mean_a**2 - mean_b**2
    covariance = blur(a * b) - mean_a * mean_b
    structure = (2 * covariance + c2) / (variances + c2)
    luminance = (2 * mean_x * mean_y + c1) / (mean_x**2 + mean_y**2 + c1)
    mean = lambda x: jnp.mean(x, axis=(1, 2))
    return mean(luminance * structure), mean(structure)
