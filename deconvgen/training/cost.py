"""What a run costs, measured by the run itself."""

import ctypes
import gc
import platform
import resource
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import jax
import numpy as np

from deconvgen.core import clock
from deconvgen.core.program import counts
from deconvgen.core.types import Batch, State, Task, Tree
from deconvgen.training.feed import as_sent, stack
from deconvgen.training.parallel import Spread


def parameters(state: State) -> dict[str, int]:
    """How many numbers each network has to learn: `parameters_NAME`."""
    count = lambda tree: sum(int(np.prod(x.shape)) for x in jax.tree.leaves(tree))
    return {f"parameters_{k}": count(net.params) for k, net in state.nets.items()}


def flops(lowered: Any) -> float:
    """XLA's count of a lowered program; NaN where it does not tell."""
    return counts(lowered).get("flops", float("nan"))


def bytes_moved(lowered: Any) -> float:
    """What the operations of a lowered program read and write, by XLA's count.

    Each by itself, as before XLA fuses them: the most that memory can be asked for. NaN
    where XLA does not tell.
    """
    return counts(lowered).get("bytes accessed", float("nan"))


def work(
    name: str, lowered: Iterable[tuple[float, Any]], placed: Batch
) -> dict[str, float]:
    """`multiply_adds_NAME` and `bytes_moved_NAME`, of an image of a `placed` batch.

    `lowered` are programs, each with its share, which the mean is over. A multiply-add
    is two of XLA's `flops`, of the program before it is optimized.
    """
    sizes = placed["image"].shape
    images = sizes[1 if len(sizes) == 5 else 0]
    each = [(share, flops(one), bytes_moved(one)) for share, one in lowered]
    return {
        f"multiply_adds_{name}": sum(share * n for share, n, _ in each) / images / 2,
        f"bytes_moved_{name}": sum(share * n for share, _, n in each) / images,
    }


def training(
    task: Task, spread: Spread, key: Any, state: Tree, batch: Batch
) -> dict[str, float]:
    """The `work` of a train step, the mean over `Task.kinds` of step.

    XLA counts the larger branch of a `cond` whichever is taken, so that a step which
    does less at some times has to be counted once for each. A step of one kind is the
    program that trains, which is traced already. `state` is what the task's steps take,
    of a population with its members' numbers; `batch` is the host's.
    """
    placed = spread.put_batch(batch)
    if len(task.kinds) > 1:
        steps: Any = [(share, spread.run(step, key)) for share, step in task.kinds]
        lowered = [(share, step.lower(state, placed, 0)) for share, step in steps]
    else:
        step: Any = spread.rounds(task.train_step, as_sent, False)
        rows = spread.put_rounds(stack([batch]), False)
        lowered = [(1.0, step.lower(key, state, (), rows, 0))]
    return work("train", lowered, placed)


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


def sampling(sample: Any, spread: Spread, state: Tree, batch: Any) -> dict[str, float]:
    """Images a second that are sampled, and milliseconds an image.

    `sample` is made by `Spread.run`.
    """
    placed = spread.put_batch(batch)
    spent = clock.milliseconds(lambda: sample(state, placed, 0), 3)
    return _speed("sample", 1000 * len(batch["image"]) / spent)


def trained(rate: float | int) -> dict[str, float]:
    """Images a second that were trained on, in milliseconds too (0: nobody knows), and
    the rate of matrix products in this moment."""
    known = _speed("train", rate) if rate else {}
    return known | {"gemm_gflops": round(clock.gemm_gflops(), 1)}


def _speed(name: str, rate: float | int) -> dict[str, float]:
    return {
        f"{name}_images_per_second": round(float(rate), 1),
        f"milliseconds_{name}": float(f"{1000 / rate:.4g}"),
    }
