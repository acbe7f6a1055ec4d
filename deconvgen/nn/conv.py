"""Convolution and transposed convolution, drop-in for Flax's: swap the import.

The parameter trees and the values are Flax's; the derivatives are those of
`deconvgen.ops.convolution`, which are fast on the CPU.
They are made for reverse mode, of every order: `jax.jvp`, `jax.jacfwd` and
`jax.hessian` need `impl="lax"`.
"""

from collections.abc import Sequence
from typing import Any

import flax.linen as nn
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Num, Shaped

from deconvgen.core.errors import UserError
from deconvgen.ops.convolution.geometry import (
    divided,
    per_axis,
    whole,
    with_one_batch_axis,
)
from deconvgen.ops.convolution.strided import conv
from deconvgen.ops.convolution.transposed import conv_transpose


class ConvTranspose(nn.ConvTranspose):
    """Flax's `ConvTranspose` with exact sizes, groups and fast derivatives.

    What it adds is explained at `deconvgen.ops.convolution.transposed`. With
    `transpose_kernel` the kernel is [*kernel_size, features / groups, c], else
    [*kernel_size, c / groups, features].

    Raises `UserError` for a padding and sizes that do not go together.

    >>> up = ConvTranspose(8, (4, 4), strides=(2, 2))
    >>> jax.eval_shape(up.init_with_output, key, x)[0].shape
    (1, 8, 8, 8)
    """

    output_padding: int | Sequence[int] | None = None
    output_shape: int | Sequence[int] | None = None
    feature_group_count: int = 1
    use_consistent_padding: bool = False
    preferred_element_type: Any = None  # Flax's own from 0.12 on
    impl: str = "auto"

    @nn.compact
    def __call__(
        self, inputs: Shaped[Array | np.ndarray, "*batch_and_space c"]
    ) -> Num[Array, "*batch_and_space_out features"]:
        """[..., *space, c] -> [..., *space_out, features]."""
        kernel_size = _axes(self.kernel_size)
        rank, groups = len(kernel_size), self.feature_group_count
        _counted(self.features)
        strides = per_axis(self.strides, rank, "strides")
        narrow, wide = inputs.shape[-1], self.features
        divided(groups, narrow, wide)
        if self.transpose_kernel:
            narrow, wide = wide, narrow
        kernel = _kernel(self, (*kernel_size, narrow // groups, wide))
        bias = None
        if self.use_bias:
            bias = self.param(
                "bias", self.bias_init, (self.features,), self.param_dtype
            )
        promote: Any = self.promote_dtype
        inputs, kernel, bias = promote(inputs, kernel, bias, dtype=self.dtype)
        circular = self.padding == "CIRCULAR"
        if circular and (self.output_shape, self.output_padding) != (None, None):
            raise UserError("padding='CIRCULAR': the output has stride * n pixels")
        y = conv_transpose(
            inputs,
            kernel,
            strides,
            "VALID" if circular else self.padding,
            kernel_dilation=1 if self.kernel_dilation is None else self.kernel_dilation,
            transpose_kernel=self.transpose_kernel,
            use_consistent_padding=self.use_consistent_padding,
            output_padding=self.output_padding,
            output_shape=self.output_shape,
            feature_group_count=groups,
            precision=self.precision,
            preferred_element_type=self.preferred_element_type,
            impl=self.impl,
        )
        if circular:
            sizes = inputs.shape[inputs.ndim - rank - 1 : -1]
            periods = [n * s for n, s in zip(sizes, strides)]
            y = _wrap(y, periods, more_behind=self.transpose_kernel)
        return y if bias is None else y + bias


class Conv(nn.Conv):
    """Flax's `Conv` with fast derivatives of every order.

    With a `conv_general_dilated` of one's own it is Flax's layer itself.

    >>> jax.eval_shape(Conv(8, (3, 3), strides=2).init_with_output, key, x)[0].shape
    (1, 2, 2, 8)
    """

    impl: str = "auto"

    @nn.compact
    def __call__(
        self, inputs: Shaped[Array | np.ndarray, "*batch_and_space c"]
    ) -> Num[Array, "*batch_and_space_out features"]:
        """[..., *space, c] -> [..., *space_out, features]."""
        if (self.conv_general_dilated, self.conv_general_dilated_cls) != (None, None):
            return super().__call__(inputs)
        kernel_size = _axes(self.kernel_size)
        rank, groups = len(kernel_size), self.feature_group_count
        _counted(self.features)
        dilation = per_axis(self.kernel_dilation, rank, "kernel_dilation")
        divided(groups, inputs.shape[-1], self.features)
        kernel = _kernel(
            self, (*kernel_size, inputs.shape[-1] // groups, self.features)
        )
        bias = None
        if self.use_bias:
            bias = self.param(
                "bias", self.bias_init, (self.features,), self.param_dtype
            )
        inputs, padding = _padded(
            self.padding, jnp.asarray(inputs), kernel_size, dilation
        )
        promote: Any = self.promote_dtype
        inputs, kernel, bias = promote(inputs, kernel, bias, dtype=self.dtype)
        y = conv(
            inputs,
            kernel,
            1 if self.strides is None else self.strides,
            padding,
            input_dilation=1 if self.input_dilation is None else self.input_dilation,
            kernel_dilation=dilation,
            feature_group_count=groups,
            precision=self.precision,
            impl=self.impl,
        )
        return y if bias is None else y + bias


def _axes(kernel_size: int | Sequence[int]) -> tuple[int, ...]:
    """Flax's meaning: one integer is a kernel with one spatial axis."""
    listed = isinstance(kernel_size, (Sequence, np.ndarray))
    sizes = (listed and tuple(kernel_size)) or (kernel_size,)
    return per_axis(sizes, len(sizes), "kernel_size")


def _counted(features: Any) -> None:
    if not whole(features) or features < 1:
        raise UserError(f"features is a whole number >= 1, not {features!r}")


def _kernel(module: nn.Module, shape: tuple[int, ...]) -> Array:
    mask = module.mask
    if mask is not None and mask.shape != shape:
        raise UserError(f"mask of shape {mask.shape}: expected the kernel's, {shape}")
    kernel = module.param("kernel", module.kernel_init, shape, module.param_dtype)
    return kernel if mask is None else kernel * mask


def _padded(padding, x: Array, kernel_size: Sequence[int], dilation: Sequence[int]):
    """The input padded in the ways that lax does not know, and the padding left."""
    modes = {"CIRCULAR": "wrap", "REFLECT": "reflect", "CAUSAL": "constant"}
    if not isinstance(padding, str) or padding not in modes:
        return x, padding
    reach = [d * (k - 1) for d, k in zip(dilation, kernel_size)]
    if padding == "CAUSAL":
        if len(reach) != 1:
            raise UserError("padding='CAUSAL': expected one spatial axis")
        pads = [(reach[0], 0)]
    else:
        pads = [(r // 2, (r + 1) // 2) for r in reach]
    before = [(0, 0)] * (x.ndim - len(reach) - 1)
    return jnp.pad(x, [*before, *pads, (0, 0)], mode=modes[padding]), "VALID"


def _wrap(y: Array, periods: Sequence[int], more_behind: bool) -> Array:
    """The full transposed convolution folded onto a torus of that many pixels.

    Each axis is padded to whole periods, the overhang shared by both ends (an odd
    pixel goes in front, or behind for the transpose of Flax's circular
    convolution), and the periods are added up.
    """
    y, restore = with_one_batch_axis(y, len(periods))
    for axis, period in enumerate(periods, start=1):
        extra = -(y.shape[axis] - period) % (2 * period)
        short, long = extra // 2, (extra + 1) // 2
        pads = [(0, 0)] * y.ndim
        pads[axis] = (short, long) if more_behind else (long, short)
        y = jnp.pad(y, pads)
        turns = y.shape[axis] // period
        y = y.reshape(*y.shape[:axis], turns, period, *y.shape[axis + 1 :]).sum(axis)
    return restore(y)
