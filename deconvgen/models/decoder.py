"""The one upsampling decoder that every task shares."""

import math
from typing import Any

import flax.linen as nn
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float, Key

from deconvgen.core.errors import UserError
from deconvgen.core.numbers import on
from deconvgen.core.types import Scalar
from deconvgen.nn.blocks import Dropout, activation
from deconvgen.nn.norm import Norm
from deconvgen.nn.upsample import make_upsampler, upsamplers


def per_block(name: str, value: Any, blocks: int) -> tuple:
    """`value` for each block: one for all, or as many as there are blocks.

    Text may list them with commas: `"conv_transpose,nearest_conv"`.
    """
    if isinstance(value, str):
        value = tuple(part.strip() for part in value.split(","))
    values = tuple(value) if isinstance(value, tuple | list) else (value,)
    if len(values) == 1:
        return values * blocks
    if len(values) != blocks:
        raise UserError(
            f"{name} lists {len(values)} values for a decoder of {blocks} blocks; "
            f"give one, or {blocks}"
        )
    return values


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
    - upsampler, initializer, kernel_size: one for all blocks, or one for each
      (text with commas, or a tuple); `last_upsampler` swaps the last block's alone.
    - kernel_size: 0 takes each upsampler's own.
    - residual, reduction, box_filter, shortcut, smoothing, extra_conv: as in
      `make_upsampler`.

    Input [b, h, w, c]; `skips` (one a block or None; concatenated to the block's
    input), `indices` (of max-pooling, for `max_unpool`) and `guides` (features of the
    size that each block makes, for `fade`) come from an encoder, in the decoder's
    order: smallest first. Output [b, h * prod(factors),
    w * prod(factors), features[-1]].

    Raises `UserError` for other numbers of features than of factors, and for an
    upsampler that lacks the indices it needs.

    >>> net = Decoder(features=(8, 1), factors=(2, 2), upsampler="nearest_conv")
    >>> init = partial(net.init_with_output, train=False)
    >>> jax.eval_shape(init, key, x)[0].shape
    (1, 16, 16, 1)
    """

    features: tuple[int, ...]
    factors: tuple[int, ...]
    upsampler: str | tuple[str, ...] = "conv_transpose"
    last_upsampler: str = ""
    initializer: str | tuple[str, ...] = "default"
    kernel_size: int | tuple[int, ...] = 0
    residual: bool = False
    reduction: str = "sum"
    box_filter: bool = False
    shortcut: str = "bilinear_additive"
    smoothing: int = 0
    extra_conv: bool = False
    norm: str = "batch"
    gain_stddev: float = 0.0
    activation: str = "relu"
    dropout: Scalar = 0.0
    axis_name: str | None = None
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(
        self,
        x: Float[Array, "b h w c"],
        train: bool,
        keys: Key[Array, " b"] | None = None,
        skips: tuple[Array | None, ...] = (),
        indices: tuple[Array | None, ...] = (),
        guides: tuple[Array, ...] = (),
    ) -> Float[Array, "b H W d"]:
        blocks = len(self.factors)
        if len(self.features) != blocks:
            raise UserError(
                f"a decoder of {blocks} factors {self.factors} needs {blocks} "
                f"features, not {self.features}"
            )
        names = per_block("model.upsampler", self.upsampler, blocks)
        if self.last_upsampler:
            names = (*names[:-1], self.last_upsampler)
        initializers = per_block("model.initializer", self.initializer, blocks)
        kernels = per_block("model.kernel_size", self.kernel_size, blocks)
        for i, (features, factor) in enumerate(
            zip(self.features, self.factors, strict=True)
        ):
            skip = skips[i] if skips else None
            if skip is not None:
                x = jnp.concatenate([x, skip.astype(x.dtype)], axis=-1)
            layer = make_upsampler(
                names[i],
                features,
                factor,
                kernel_size=kernels[i] or None,
                initializer=initializers[i],
                residual=self.residual,
                reduction=self.reduction,
                box_filter=self.box_filter,
                shortcut=self.shortcut,
                smoothing=self.smoothing,
                extra_conv=self.extra_conv,
                dtype=self.dtype,
                blocks=blocks,
                module_name=f"up_{i}",
            )
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
            if i == blocks - 1:
                break
            x = Norm(
                self.norm,
                axis_name=self.axis_name,
                gain_stddev=self.gain_stddev,
                dtype=self.dtype,
                name=f"norm_{i}",
            )(x, train)
            x = activation(self.activation)(x)
            if on(self.dropout):
                x = Dropout(self.dropout, name=f"dropout_{i}")(x, keys, train)
        return x
