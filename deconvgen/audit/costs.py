"""What an upsampling layer costs: parameters, multiply-adds, bytes, milliseconds."""

import math
from itertools import pairwise
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import Array

from deconvgen.core.clock import milliseconds
from deconvgen.core.program import counts
from deconvgen.core.types import Tree


class Cost(NamedTuple):
    """For one image of n x n pixels in and float32 throughout.

    - parameters: numbers, not bytes.
    - multiply_adds: of the learned kernels, without products with inserted zeros
      (the image's border is counted as if it were its inside).
    - zero_insertion: the multiply-adds if zeros were inserted and then multiplied.
    - activation_bytes: the most that two arrays in a row take, from one learned layer
      (or fixed resize) to the next; parameters are not counted.
    - xla_flops: XLA's count for the whole layer, fixed filters included; a
      multiply-add is two.
    - xla_bytes: input, output and scratch of the compiled layer, its peak memory.
    - bytes_moved: what the compiled layer reads and writes, parameters included. NaN
      where XLA keeps no account of one of the three.
    - milliseconds, milliseconds_train: measured on this device for one image of a
      batch of BATCH, forward, and forward with all gradients; see `measured`. NaN where
      it has not been measured.

    >>> cost(nn.NearestConv(8), size=4, channels=2).multiply_adds  # 8 x 8 outputs
    9216
    """

    parameters: int
    multiply_adds: int
    zero_insertion: int
    activation_bytes: int
    xla_flops: float
    xla_bytes: float
    bytes_moved: float = math.nan
    milliseconds: float = math.nan
    milliseconds_train: float = math.nan


BATCH = 16
"""Images that a time is measured of."""


def measured(layer: nn.Module, size: int, channels: int) -> dict[str, float]:
    """`milliseconds` and `milliseconds_train` of a layer on images [size, size, c]."""
    x = jax.random.normal(jax.random.key(0), (BATCH, size, size, channels))
    args = (x, jnp.zeros(x.shape, jnp.int32)) if layer.needs_indices else (x,)
    variables = jax.jit(layer.init)(jax.random.key(1), *args)
    run: Any = layer.apply

    def loss(variables: Any, x: Array) -> Array:
        return jnp.square(run(variables, x, *args[1:])).mean()

    forward, train = jax.jit(run), jax.jit(jax.grad(loss, (0, 1)))
    calls = {
        "milliseconds": lambda: forward(variables, *args),
        "milliseconds_train": lambda: train(variables, x),
    }
    return {name: milliseconds(call) / BATCH for name, call in calls.items()}


def cost(layer: nn.Module, size: int, channels: int) -> Cost:
    """The cost of a layer on one image [1, size, size, channels].

    >>> cost(nn.NearestConv(8), size=4, channels=2).parameters
    152
    """
    x = jax.ShapeDtypeStruct((1, size, size, channels), jnp.float32)
    args = [x]
    if layer.needs_indices:
        args += [x.update(dtype=jnp.int32)]
    if layer.needs_guide:
        r, s = layer.factors
        args += [x.update(shape=(1, r * size, s * size, layer.features))]
    key = jax.random.key(0)
    steps: list[tuple[Array, Array, int]] = []  # (input, output, kernel's size)

    def note(call: Any, inputs: tuple, options: dict, context: Any) -> Any:
        out = call(*inputs, **options)
        module = context.module
        if context.method_name == "__call__" and module.has_variable(
            "params", "kernel"
        ):
            kernel = module.get_variable("params", "kernel")
            steps.append((inputs[0], out, kernel.size))
        return out

    def run(*args: Array) -> Tree:
        with nn.intercept_methods(note):
            out, variables = layer.init_with_output(key, *args)
        chain = [args[0], *(array for a, b, _ in steps for array in (a, b)), out]
        peaks.append(
            max(_bytes(a) + _bytes(b) for a, b in pairwise(chain) if a is not b)
        )
        return variables

    peaks: list[int] = []
    variables = jax.eval_shape(run, *args)
    useful = sum(k * min(_pixels(a), _pixels(b)) for a, b, k in steps)
    inserted = sum(k * _pixels(b) for _, b, k in steps)
    lowered = jax.jit(layer.apply).lower(variables, *args)
    flops, memory, moved = _xla(lowered)
    return Cost(
        sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(variables)),
        useful,
        inserted,
        peaks[0],
        flops,
        memory - sum(_bytes(leaf) for leaf in jax.tree.leaves(variables)),
        moved,
    )


def _xla(lowered: Any) -> tuple[float, float, float]:
    """XLA's flops, bytes of arguments, results and scratch, and bytes moved."""
    compiled = lowered.compile()
    memory, total = compiled.memory_analysis(), math.nan
    if memory is not None:
        total = float(
            memory.argument_size_in_bytes
            + memory.output_size_in_bytes
            + memory.temp_size_in_bytes
        )
    flops = counts(lowered).get("flops", math.nan)
    moved = (compiled.cost_analysis() or {}).get("bytes accessed", math.nan)
    return flops, total, moved


def _bytes(array: Any) -> int:
    return math.prod(array.shape) * array.dtype.itemsize


def _pixels(array: Any) -> int:
    return math.prod(array.shape[:-1])
