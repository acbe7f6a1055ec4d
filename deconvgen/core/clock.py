"""How long a call takes on this device, and how fast the device is at the moment."""

import time
from collections.abc import Callable
from functools import cache
from math import ceil
from statistics import median
from typing import Any


def milliseconds(
    call: Callable[[], Any], turns: int = 5, least: float = 0.005
) -> float:
    """Of a call whose result is JAX arrays: the median of some turns, once it is warm.

    A turn is so many calls that it takes `least` seconds.
    """
    import jax  # the command line reads the time without it

    jax.block_until_ready(call())
    began = time.perf_counter()
    jax.block_until_ready(call())
    count = ceil(least / max(time.perf_counter() - began, 1e-9))
    spent = []
    for _ in range(turns):
        began = time.perf_counter()
        jax.block_until_ready([call() for _ in range(count)])
        spent.append((time.perf_counter() - began) / count)
    return 1000 * median(spent)


def gemm_gflops(size: int = 768) -> float:
    """GFLOP/s of float32 matrix products [size, size] in this moment.

    Beside a time it tells how good the moment was: on a machine that others use too,
    times of different moments compare in units of it alone.
    """
    product, x = _product(size)
    return 2 * size**3 / milliseconds(lambda: product(x, x)) / 1e6


@cache
def _product(size: int) -> tuple[Callable, Any]:
    import jax
    import jax.numpy as jnp

    x = jax.random.normal(jax.random.key(0), (size, size), jnp.float32)
    return jax.jit(jnp.matmul), x
