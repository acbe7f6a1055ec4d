"""What a run costs, measured by the run itself."""

import ctypes
import gc
import platform
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import jax
import numpy as np

from deconvgen.core.types import Batch, State, Task, Tree
from deconvgen.training.parallel import Spread


def parameters(state: State) -> dict[str, int]:
    """How many numbers each network has to learn: `parameters_NAME`."""
    count = lambda tree: sum(int(np.prod(x.shape)) for x in jax.tree.leaves(tree))
    return {f"parameters_{k}": count(net.params) for k, net in state.nets.items()}


def multiply_adds(step: Any, state: Tree, batch: Batch) -> float:
    """Multiply-adds an image of a step made by `Spread.run`, as XLA counts them.

    Half of XLA's `flops` for the lowered (not yet optimized) program of one device;
    NaN where XLA does not tell.
    """
    analysis = step.lower(state, batch, 0).cost_analysis() or {}
    sizes = batch["image"].shape
    return analysis.get("flops", float("nan")) / 2 / sizes[1 if len(sizes) == 5 else 0]


def multiply_adds_train(
    task: Task, spread: Spread, key: Any, state: Tree, batch: Batch
) -> float:
    """Multiply-adds an image of a train step, the mean over `Task.kinds` of step.

    XLA counts the larger branch of a `cond` whichever is taken, so that a step which
    does less at some times has to be counted once for each.
    """
    kinds = task.kinds or ((1.0, task.train_step),)
    return sum(
        share * multiply_adds(spread.run(step, key), state, batch)
        for share, step in kinds
    )


def begin_peak() -> float:
    """MiB from which `peak_memory` is to tell the memory of a run that begins now.

    Linux can forget a process's peak; what earlier runs left to malloc is given back
    first. Elsewhere, and on a device that counts by itself, the peak of the process so
    far comes back, and a later one tells only where it is higher.
    """
    if _on_device() is None and _forget_peak():
        return 0.0
    return _peak()


def peak_memory(before: float = 0.0) -> dict[str, float]:
    """`peak_memory_mib` of the run that began at `begin_peak() -> before`.

    Of the device where it tells, else of the process; empty where it is not known,
    because another run of the process needed as much.
    """
    peak = _peak()
    return {"peak_memory_mib": round(peak, 1)} if peak > before else {}


def _on_device() -> float | None:
    stats = jax.local_devices()[0].memory_stats() or {}
    peak = stats.get("peak_bytes_in_use")
    return None if peak is None else peak / 2**20


def _peak() -> float:
    """MiB in use at most since the process began, or since its peak was forgotten."""
    if (peak := _on_device()) is not None:
        return peak
    try:
        status = Path("/proc/self/status").read_text()
        line = next(x for x in status.splitlines() if x.startswith("VmHWM:"))
        return int(line.split()[1]) / 2**10
    except (OSError, StopIteration):
        unit = 1 if sys.platform == "darwin" else 1024  # bytes there, KiB elsewhere
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20


def _forget_peak() -> bool:
    gc.collect()
    try:
        if platform.libc_ver()[0] == "glibc":
            ctypes.CDLL(None).malloc_trim(0)
        Path("/proc/self/clear_refs").write_text("5")  # see proc(5)
    except OSError:
        return False
    return True


def sampling_rate(
    sample: Callable, spread: Spread, state: Tree, batch: Any, turns: int = 3
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
