"""Losses of class maps, one number per example.

Every loss is `loss(logits, classes, weights, ignore_label)`; `weights` [k] weighs the
classes, and `None` weighs them equally. Pixels do not count whose class is
`ignore_label` (-1: none is) or none of the k (see `ops.class_maps.in_range`); an image
of nothing but such pixels costs 0.
"""

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Bool, Float, Int, Shaped

from deconvgen.core.errors import UserError
from deconvgen.core.registry import Registry
from deconvgen.ops.arguments import Given
from deconvgen.ops.class_maps import IGNORE, in_range

segmentation_losses = Registry("segmentation loss")

Logits = Float[Array, "..."]  # [b, h, w, k]
Maps = Shaped[Given, "..."]  # [b, h, w], integers of any type
Weights = Float[Array, " k"] | None


@segmentation_losses.register
def cross_entropy(
    logits: Logits, classes: Maps, weights: Weights = None, ignore_label: int = IGNORE
) -> Float[Array, " b"]:
    """-log p of the true class in nats, the weighted mean over the pixels."""
    true, counts = _truth(logits, classes, ignore_label)
    return _mean(-_log_likelihood(logits, true), true, counts, weights)


@segmentation_losses.register
def focal(
    logits: Logits,
    classes: Maps,
    weights: Weights = None,
    ignore_label: int = IGNORE,
    gamma: float = 2.0,
) -> Float[Array, " b"]:
    """-(1 - p)^gamma log p of the true class (Lin et al. 2017, equation 5)."""
    true, counts = _truth(logits, classes, ignore_label)
    log_p = _log_likelihood(logits, true)
    doubt = jnp.maximum(-jnp.expm1(log_p), 1e-7)  # 0^gamma has no slope for gamma < 1
    return _mean(-(doubt**gamma) * log_p, true, counts, weights)


@segmentation_losses.register
def dice(
    logits: Logits, classes: Maps, weights: Weights = None, ignore_label: int = IGNORE
) -> Float[Array, " b"]:
    """1 - soft Dice, the weighted mean over the image's own classes.

    2 sum(p g) / (sum(p) + sum(g)) of probabilities p and truth g (V-Net: Milletari et
    al. 2016, with plain sums). Maps that the image lacks are left out: their Dice
    would be 0 whatever is predicted.
    """
    true, counts = _truth(logits, classes, ignore_label)
    p = jnp.where(counts[..., None], jax.nn.softmax(_wide(logits)), 0)
    truth = jax.nn.one_hot(true, logits.shape[-1]) * counts[..., None]
    overlap, size = jnp.sum(p * truth, (1, 2)), jnp.sum(truth, (1, 2))
    loss = 1 - 2 * overlap / jnp.maximum(jnp.sum(p, (1, 2)) + size, 1e-6)
    weight = (size > 0) * (1.0 if weights is None else weights)
    # `where`, not a product: the loss of a class that does not count may be NaN.
    total = jnp.sum(jnp.where(weight != 0, loss * weight, 0), -1)
    return total / jnp.maximum(jnp.sum(weight, -1), 1e-6)


def _wide(x: Array) -> Array:
    return x.astype(jnp.promote_types(x.dtype, jnp.float32))


def _truth(
    logits: Logits, classes: Maps, ignore_label: int
) -> tuple[Int[Array, "b h w"], Bool[Array, "b h w"]]:
    """The true class of each pixel, and which pixels count."""
    if classes.shape != logits.shape[:-1] or classes.ndim != 3:
        raise UserError(
            f"class maps of shape {classes.shape} do not fit logits of shape "
            f"{logits.shape}: they should be [b, h, w] and [b, h, w, k]"
        )
    return in_range(classes, logits.shape[-1], ignore_label)


def _log_likelihood(logits: Logits, true: Int[Array, "b h w"]) -> Float[Array, "b h w"]:
    log_p = jax.nn.log_softmax(_wide(logits))
    return jnp.take_along_axis(log_p, true[..., None], -1)[..., 0]


def _mean(
    losses: Float[Array, "b h w"],
    true: Int[Array, "b h w"],
    counts: Bool[Array, "b h w"],
    weights: Weights,
) -> Float[Array, " b"]:
    weight = counts.astype(losses.dtype)
    if weights is not None:
        weight *= weights[true]
    # `where`, not a product: NaN where nothing counts is nobody's.
    total = jnp.sum(jnp.where(weight != 0, losses * weight, 0), (1, 2))
    return total / jnp.maximum(jnp.sum(weight, (1, 2)), 1e-6)
