"""Forward and backward of one JAX layer, compiled several at a time."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from on_gpu.clock import Call, jax_call
from on_gpu.record import Record

THREADS = 4  # compile at a time


def lowered(layer: nn.Module, x: jax.Array) -> tuple[Any, tuple]:
    """The program, not compiled yet, and its arguments on the device."""
    params = jax.jit(layer.init)(jax.random.key(0), x)
    seen = jax.eval_shape(layer.apply, params, x)
    cotangent = jax.random.normal(jax.random.key(1), seen.shape, seen.dtype)

    def forward_and_backward(params, x, cotangent):
        y, back = jax.vjp(layer.apply, params, x)
        return y, back(cotangent)

    args = (params, x, cotangent)
    return jax.jit(forward_and_backward).lower(*args), args


def pixels(dtype: str, *shape: int) -> jax.Array:
    """Random numbers on the device."""
    return jax.random.normal(jax.random.key(2), shape, jnp.dtype(dtype))


def compiled(
    record: Record, layers: Mapping[str, nn.Module], x: jax.Array, what: str
) -> dict[str, Call]:
    """The passes of those of the layers that compile, by name."""
    calls: dict[str, Call] = {}
    with ThreadPoolExecutor(THREADS) as pool:
        waiting = {}
        for name, layer in layers.items():
            with record.trying(f"{name}, {what}"):
                program, args = lowered(layer, x)
                waiting[name] = pool.submit(program.compile), args
        for name, (future, args) in waiting.items():
            with record.trying(f"{name}, {what}"):
                ready = future.result()
                calls[name] = jax_call(lambda ready=ready, args=args: ready(*args))
    return calls
