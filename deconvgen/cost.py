"""What a run costs, measured by the run itself."""

import resource
import sys
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import jax
import numpy as np

from deconvgen.devices import Spread
from deconvgen.types import Batch, State


def parameters(state: State) -> dict[str, int]:
    """How many numbers each network has to learn: `parameters_NAME`."""
    count = lambda tree: sum(int(np.prod(x.shape)) for x in jax.tree.leaves(tree))
    return {f"parameters_{k}": count(net.params) for k, net in state.nets.items()}


def multiply_adds(step: Callable, state: State, batch: Batch) -> float:
    """Multiply-adds an image of a step made by `Spread.run`, as XLA counts them.

    Half of XLA's `flops` for the lowered (not yet optimized) program of one device;
    NaN where XLA does not tell.
    """
    analysis = step.lower(state, batch, 0).cost_analysis() or {}
    sizes = batch["image"].shape
    return analysis.get("flops", float("nan")) / 2 / sizes[1 if len(sizes) == 5 else 0]


def peak_memory() -> float:
    """MiB in use at most so far: of the device where it tells, else of the process."""
    stats = jax.local_devices()[0].memory_stats() or {}
    if "peak_bytes_in_use" in stats:
        return stats["peak_bytes_in_use"] / 2**20
    unit = 1 if sys.platform == "darwin" else 1024  # bytes there, KiB elsewhere
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20


def sampling_rate(
    sample: Callable, spread: Spread, state: State, batch: Any, turns: int = 3
) -> float:
    """Images per second of a compiled sample function, the median of a few turns."""
    placed = spread.put_batch(batch)
    jax.block_until_ready(sample(state, placed, 0))
    seconds = []
    for _ in range(turns):
        start = time.perf_counter()
        jax.block_until_ready(sample(state, placed, 0))
        seconds.append(time.perf_counter() - start)
    return len(batch["image"]) / median(seconds)
