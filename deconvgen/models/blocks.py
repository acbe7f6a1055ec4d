"""The settings that every block of a model shares, and the layers that they make.

Each is a record that a model has as one field, so that a new setting is written here
and nowhere else. Their methods make layers: call them in a compact method or a setup.
"""

from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
from jax import Array

from deconvgen.core.errors import UserError
from deconvgen.core.numbers import on
from deconvgen.core.types import Scalar
from deconvgen.nn.blocks import ClassGains, Dropout, activation
from deconvgen.nn.norm import Norm
from deconvgen.nn.upsample import make_upsampler


@dataclass(frozen=True)
class Finish:
    """What follows a convolution: normalization, activation and dropout.

    - norm, gain_stddev, axis_name: as in `deconvgen.nn.Norm`.
    - activation: one of `deconvgen.nn.activations`.
    - dropout: the share of values that are dropped, in [0, 1).
    - classes: with as many, a gain and a bias for each behind the norm (`ClassGains`).
    - dtype: of the computation, of the convolutions as well.

    Called with features [b, h, w, c], it gives as many.

    >>> Finish(norm="group", dropout=0.1).activation
    'relu'
    """

    norm: str = "batch"
    activation: str = "relu"
    dropout: Scalar = 0.0
    gain_stddev: float = 0.0
    axis_name: str | None = None
    classes: int = 0
    dtype: Any = jnp.float32

    def normalize(self, name: str | None = None) -> Norm:
        """The normalization, as a layer."""
        return Norm(
            self.norm,
            axis_name=self.axis_name,
            gain_stddev=self.gain_stddev,
            dtype=self.dtype,
            name=name,
        )

    def of_class(self, x: Array, label: Array | None, name: str) -> Array:
        """x with the gains of its classes; as it is where there are none to tell."""
        if not self.classes or label is None:
            return x
        return ClassGains(self.classes, name=name)(x, label)

    def __call__(
        self,
        x: Array,
        name: str,
        train: bool,
        keys: Array | None,
        label: Array | None = None,
    ) -> Array:
        """All three of x; `name` with {} for the layer: `"{}_0"` makes a `norm_0`."""
        x = self.normalize(name.format("norm"))(x, train)
        x = self.of_class(x, label, name.format("class"))
        x = activation(self.activation)(x)
        if on(self.dropout):
            x = Dropout(self.dropout, name=name.format("dropout"))(x, keys, train)
        return x


@dataclass(frozen=True)
class Blocks(Finish):
    """Blocks that upsample, and finish what they have upsampled.

    - upsampler, initializer, kernel_size: one for all blocks, or one for each
      (text with commas, or a tuple); `last_upsampler` swaps the last block's alone.
    - kernel_size: 0 takes each upsampler's own.
    - residual, reduction, box_filter, shortcut, smoothing, extra_conv: as in
      `make_upsampler`.

    Raises `UserError` for lists of another length than there are blocks.

    >>> Blocks(upsampler="nearest_conv", last_upsampler="conv_transpose").names(2)
    ('nearest_conv', 'conv_transpose')
    """

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

    def names(self, blocks: int) -> tuple[str, ...]:
        """The upsampler of each of so many blocks."""
        names = per_block("model.upsampler", self.upsampler, blocks)
        return (*names[:-1], self.last_upsampler) if self.last_upsampler else names

    def up(
        self, features: int, factor: int, place: int, blocks: int, name: str = ""
    ) -> Any:
        """The upsampling layer of the block `place` of `blocks`, called `up_PLACE`."""
        return make_upsampler(
            self.names(blocks)[place],
            features,
            factor,
            per_block("model.kernel_size", self.kernel_size, blocks)[place] or None,
            per_block("model.initializer", self.initializer, blocks)[place],
            residual=self.residual,
            reduction=self.reduction,
            box_filter=self.box_filter,
            shortcut=self.shortcut,
            smoothing=self.smoothing,
            extra_conv=self.extra_conv,
            dtype=self.dtype,
            blocks=blocks,
            module_name=name or f"up_{place}",
        )


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
