"""Directions in a latent space that change what varies most in the images."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy import linalg

from deconvgen.core import images
from deconvgen.runs.handle import Handle

DRAWN = 512
"""Latents whose images are compared."""
STEPS = (-3.0, -1.5, 0.0, 1.5, 3.0)
"""Along a direction, in standard deviations of the latent."""


class Directions(NamedTuple):
    """Unit vectors, and which share of the images' variance each one's component is."""

    vectors: Float[np.ndarray, "k d"]
    shares: Float[np.ndarray, " k"]


def principal(run: Handle, count: int = 6, seed: int = 0) -> Directions:
    """The latent directions of the first principal components of a run's images.

    The latents' least-squares fit to the components of their images, as in Harkonen et
    al. 2020, "GANSpace", section 2.2, which takes those of a layer's features. What the
    mean image of a class has of its own, where the model is told one, is left aside.
    The first pixels of a component grow along its direction.
    """
    z = run.latents(DRAWN, seed)
    made = np.array(run.decode(z)).reshape(DRAWN, -1)
    told = run.config.model.get("conditional", False)
    labels = run.turns(DRAWN) * bool(told)
    for label in np.unique(labels):
        made[labels == label] -= made[labels == label].mean(0)
    u, s, _ = linalg.svd(made, full_matrices=False)
    count = min(count, z.shape[1], len(s))
    fitted = u[:, :count].T @ z  # u has orthonormal columns
    norms = np.linalg.norm(fitted, axis=1, keepdims=True)
    shares = s[:count] ** 2 / max(float((s**2).sum()), 1e-12)
    return Directions((fitted / np.maximum(norms, 1e-12)).astype(np.float32), shares)


def strip(run: Handle, z: np.ndarray, found: Directions, label: int = 0) -> np.ndarray:
    """What each direction does to the image of a latent [1, d]: a row each, over STEPS;
    as uint8 [h, w, c]."""
    moves = np.asarray(STEPS, np.float32)[None, :, None] * found.vectors[:, None]
    every = (z[None] + moves).reshape(-1, z.shape[1])
    labels = [label] * len(every) if run.config.model.get("conditional") else None
    return images.grid(run.decode(every, labels), len(STEPS))
