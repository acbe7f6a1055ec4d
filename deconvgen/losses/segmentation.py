"""Losses of class maps, one number per example; pixels of the class 255 do not count.

Every loss is `loss(logits, classes, weights)`; `weights` [k] weighs the classes, and
`None` weighs them equally. An image of nothing but ignored pixels costs 0.
"""

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float, Int

from deconvgen.core.registry import Registry

segmentation_losses = Registry("segmentation loss")

IGNORE = 255
"""The class of pixels that do not count."""

Logits = Float[Array, "b h w k"]
Classes = Int[Array, "b h w"]
Weights = Float[Array, " k"] | None


@segmentation_losses.register
def cross_entropy(
    logits: Logits, classes: Classes, weights: Weights = None
) -> Float[Array, " b"]:
    """-log p of the true class in nats, the weighted mean over the pixels."""
    return _mean(-_log_likelihood(logits, classes), logits, classes, weights)


@segmentation_losses.register
def focal(
    logits: Logits, classes: Classes, weights: Weights = None, gamma: float = 2.0
) -> Float[Array, " b"]:
    """-(1 - p)^gamma log p of the true class (Lin et al. 2017, equation 5)."""
    log_p = _log_likelihood(logits, classes)
    doubt = jnp.maximum(-jnp.expm1(log_p), 1e-7)  # 0^gamma has no slope for gamma < 1
    return _mean(-(doubt**gamma) * log_p, logits, classes, weights)


@segmentation_losses.register
def dice(
    logits: Logits, classes: Classes, weights: Weights = None
) -> Float[Array, " b"]:
    """1 - soft Dice, the weighted mean over the image's own classes.

    2 sum(p g) / (sum(p) + sum(g)) of probabilities p and truth g (V-Net: Milletari et
    al. 2016, with plain sums). Classes that the image lacks are left out: their Dice
    would be 0 whatever is predicted.
    """
    counts = (classes != IGNORE)[..., None]
    p = jnp.where(counts, jax.nn.softmax(_wide(logits)), 0)
    truth = jnp.where(counts, jax.nn.one_hot(classes, logits.shape[-1]), 0)
    overlap, size = jnp.sum(p * truth, (1, 2)), jnp.sum(truth, (1, 2))
    loss = 1 - 2 * overlap / jnp.maximum(jnp.sum(p, (1, 2)) + size, 1e-6)
    weight = (size > 0) * (1.0 if weights is None else weights)
    return jnp.sum(loss * weight, -1) / jnp.maximum(jnp.sum(weight, -1), 1e-6)


def _wide(x: Array) -> Array:
    return x.astype(jnp.promote_types(x.dtype, jnp.float32))


def _log_likelihood(logits: Logits, classes: Classes) -> Float[Array, "b h w"]:
    known = jnp.where(classes == IGNORE, 0, classes)[..., None]
    return jnp.take_along_axis(jax.nn.log_softmax(_wide(logits)), known, -1)[..., 0]


def _mean(
    losses: Float[Array, "b h w"], logits: Logits, classes: Classes, weights: Weights
) -> Float[Array, " b"]:
    counts = (classes != IGNORE).astype(losses.dtype)
    if weights is not None:
        counts *= weights[jnp.minimum(classes, logits.shape[-1] - 1)]
    return jnp.sum(losses * counts, (1, 2)) / jnp.maximum(jnp.sum(counts, (1, 2)), 1e-6)
