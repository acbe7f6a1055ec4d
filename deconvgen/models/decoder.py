"""The one upsampling decoder that every task shares."""

import math

import flax.linen as nn
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from deconvgen.core.errors import UserError
from deconvgen.core.types import Images, Keys
from deconvgen.models.blocks import Blocks
from deconvgen.models.residual import Residuals
from deconvgen.nn.upsample import upsamplers

Larger = Float[Array, "b H W d"]


def seed_size(
    image_shape: tuple[int, ...], factors: tuple[int, ...]
) -> tuple[int, int]:
    """The height and width that the factors upsample to the image's.

    Raises `UserError` where there are none: every encoder asks, so that what it shrinks
    can be enlarged to the image's size again.
    """
    total = math.prod(factors)
    height, width, _ = image_shape
    if total < 1 or height % total or width % total or not height * width:
        raise UserError(
            f"factors {tuple(factors)} multiply to {total}, which does not divide the "
            f"image size {height}x{width}: both should be a multiple of {total}; "
            "choose factors whose product divides them (a segmentation's are 2 a "
            "block of model.features), or another data.image_size"
        )
    return height // total, width // total


def guide(upsampler: str, features: Array | None) -> Array:
    """An encoder's features for a guided upsampler, or a `UserError` without them."""
    if features is None:
        raise UserError(
            f"upsampler {upsampler!r} needs a guide, the features of an encoder at the "
            "size that it makes, and this model has none; it fits segmentations"
        )
    return features


class Decoder(nn.Module):
    """Blocks of upsampling, normalization, activation and dropout; the last one bare.

    - features: channels that leave each block.
    - factors: the upsampling factor of each block.
    - blocks: their settings.
    - residuals: blocks in front of each upsampling, in place of what finishes one.

    Input [b, h, w, c]; `skips` (one a block or None; concatenated to the block's
    input), `indices` (of max-pooling, for `max_unpool`) and `guides` (features of the
    size that each block makes, for `fade`) come from an encoder, in the decoder's
    order: smallest first. Output [b, h * prod(factors),
    w * prod(factors), features[-1]].

    Raises `UserError` for other numbers of features than of factors, and for an
    upsampler that lacks the indices it needs.

    >>> blocks = Blocks(upsampler="nearest_conv")
    >>> net = Decoder(features=(8, 1), factors=(2, 2), blocks=blocks)
    >>> init = partial(net.init_with_output, train=False)
    >>> jax.eval_shape(init, key, x)[0].shape
    (1, 16, 16, 1)
    """

    features: tuple[int, ...]
    factors: tuple[int, ...]
    blocks: Blocks = Blocks()
    residuals: Residuals = Residuals()

    @nn.compact
    def __call__(
        self,
        x: Images,
        train: bool,
        keys: Keys | None = None,
        skips: tuple[Array | None, ...] = (),
        indices: tuple[Array | None, ...] = (),
        guides: tuple[Array, ...] = (),
        label: Array | None = None,
    ) -> Larger:
        blocks = len(self.factors)
        if len(self.features) != blocks:
            raise UserError(
                f"a decoder of {blocks} factors {self.factors} needs {blocks} "
                f"features, not {self.features}"
            )
        names = self.blocks.names(blocks)
        for i, (features, factor) in enumerate(
            zip(self.features, self.factors, strict=True)
        ):
            skip = skips[i] if skips else None
            if skip is not None:
                x = jnp.concatenate([x, skip.astype(x.dtype)], axis=-1)
            x = self.residuals(x, i)
            layer = self.blocks.up(features, factor, i, blocks)
            if upsamplers[names[i]].needs_indices:
                if not indices or indices[i] is None:
                    raise UserError(
                        f"upsampler {names[i]!r} needs the max-pool indices of an "
                        "encoder, and this model has none; it fits the autoencoder "
                        "and the segnet segmentation with model.pool=True"
                    )
                x = layer(x, indices[i])
            elif upsamplers[names[i]].needs_guide:
                x = layer(x, guide(names[i], guides[i] if guides else None))
            else:
                x = layer(x)
            if i < blocks - 1 and self.residuals:
                x = self.blocks.of_class(x, label, f"class_{i}")
            elif i < blocks - 1:
                x = self.blocks(x, f"{{}}_{i}", train, keys, label)
        return x
