"""Checkerboards that a loss or a critic sends back into what it looks at."""

from collections.abc import Callable

import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from deconvgen.core import types
from deconvgen.metrics.artifacts import input_gradient
from deconvgen.metrics.sets import Gradients
from deconvgen.ops.arguments import Images, levels


def gradient_checkerboard(
    loss: Callable[[types.Images], Float[Array, " b"]],
    images: Images,
    strides: tuple[int, ...] = (2, 4),
) -> dict[str, float]:
    """How unevenly a loss's gradient falls on the pixels of a grid, by stride.

    `loss` gives one number per image [b] of images [b, h, w, c] in [-1, 1], as a critic
    or `lambda x: 1 - ms_ssim(x, target)` does (pytorch-msssim#42: what it pools by
    strides leaves a grid in what it trains). gradient_phase_variance_ratio_sS is the
    largest variance of the gradient's pixels at the places of a grid of S over the
    smallest, 1 for an even one; gradient_replica_db_sS 0 for none. Strides above a
    quarter of the images are left out.

    >>> found = gradient_checkerboard(lambda x: (x[:, ::2] ** 2).sum((1, 2, 3)), images)
    >>> found["gradient_phase_variance_ratio_s2"] > 100
    True
    """
    gradients = input_gradient(loss, levels(jnp.asarray(images)))
    return Gradients.of(gradients, jnp.ones(len(gradients)), strides).result()
