"""How unevenly each upsampling layer of a network answers a constant."""

from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax.numpy as jnp
from jax import Array

from deconvgen.metrics.artifacts import polyphase_dc_gap
from deconvgen.nn.upsample import Upsampler
from deconvgen.nn.upsample.modifiers import Modifier

Layer = Upsampler | Modifier


def dc_gaps(function: Callable[..., Any]) -> Callable[..., dict[str, Array]]:
    """`function`, but returning the DC gap of each upsampling layer in it, by name.

    Of a layer with all that is wrapped around it. Those that are given
    something of an encoder besides (max-pool indices, a guide) are left out: what they
    make of a constant is up to that.
    Works under `jax.jit`.
    """

    def looking(*args: Any) -> dict[str, Array]:
        found: dict[tuple[str, ...], Array] = {}
        busy: list[bool] = []

        def look(call, inputs, settings, context):
            layer = context.module
            upsamples = isinstance(layer, Layer) and context.method_name == "__call__"
            if not upsamples or busy or len(inputs) > 1:
                return call(*inputs, **settings)
            path = layer.path
            if not any(path[: len(other)] == other for other in found):  # not inside
                busy.append(True)
                bare, variables = layer.unbind()
                found[path] = dc_gap(bare, variables, inputs[0].shape[-1])
                busy.clear()
            return call(*inputs, **settings)

        with nn.intercept_methods(look):
            function(*args)
        return {path[-1]: gap for path, gap in found.items()}

    return looking


def dc_gap(layer: Layer, variables: Any, channels: int) -> Array:
    """`polyphase_dc_gap` of any upsampling layer, by its answer to constants.

    One for each channel that comes in, less the answer to zeros (the bias). What one
    pixel of the inside becomes are the DC gains of the phases: as if the layer were a
    deconvolution with a kernel of the factor's size.
    """
    inner = layer
    while isinstance(inner, Modifier):
        inner = inner.upsampler
    (r, s), kernel = inner.factors, inner.kernel
    border = 3 + max(-(-k // (2 * f)) for k, f in zip(kernel, (r, s), strict=True))
    n = 2 * border + 1
    ones = jnp.broadcast_to(
        jnp.eye(channels)[:, None, None], (channels, n, n, channels)
    )
    run: Any = layer.apply
    answer = run(variables, ones) - run(variables, 0 * ones[:1])
    pixel = answer[:, border * r :, border * s :][:, :r, :s]
    return polyphase_dc_gap(jnp.moveaxis(pixel, 0, 2), (r, s))
