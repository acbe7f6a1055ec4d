"""Is a run on this device bitwise the same when it is cut, and when it is repeated?

Short trainings of `dcgan:smoke` in processes of their own (`trainer`), as a run that
is resumed is compiled, and its kernels chosen, anew. With XLA's flags and without.
"""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import jax
import numpy as np

from deconvgen import tasks
from deconvgen.training import checkpoint
from deconvgen.training import parallel as devices
from on_gpu.engine import settings
from on_gpu.record import Record

FLAGS = {
    "default flags": {},
    "deterministic ops": {"XLA_FLAGS": "--xla_gpu_deterministic_ops=true"},
    "no autotuning": {"XLA_FLAGS": "--xla_gpu_autotune_level=0"},
    "highest precision": {"JAX_DEFAULT_MATMUL_PRECISION": "highest"},
    "cpu": {"JAX_PLATFORMS": "cpu", "CUDA_VISIBLE_DEVICES": ""},
}
TITLE = "two trainings of dcgan:smoke, 20 steps, compared"


def command(*arguments: str) -> list[str]:
    """Of a training in a process of its own."""
    return [sys.executable, "-m", "on_gpu.trainer", *arguments]


def train(seconds: float, folder: Path, name: str, flags: str, *more: str) -> None:
    """One training; raises what it said where it fails."""
    file = str(folder / f"{name}.npz")
    own = os.environ | FLAGS[flags]
    done = subprocess.run(
        command(file, *more), env=own, capture_output=True, text=True, timeout=seconds
    )
    if done.returncode:
        raise RuntimeError(f"{name}: {done.stderr[-1500:]}")


def main(record: Record) -> None:
    """Two waves of processes; meanwhile pmap in this one."""
    with (
        record.trying("trainings"),
        TemporaryDirectory() as name,
        ThreadPoolExecutor(8) as pool,
    ):
        folder = Path(name)
        seconds = max(record.left() - 3, 5)
        start = partial(pool.submit, train, seconds, folder)
        first = {"a": start("a", "default flags", "--half")}
        if not record.toy:
            product = pool.submit(whole, seconds, folder)
            first["b"] = start("b", "default flags")
            first["sure"] = start("sure", "deterministic ops", "--half")
            first["untuned"] = start("untuned", "no autotuning", "--half")
            first["scan"] = start("scan", "default flags", "--k=5")
            first["exact"] = start("exact", "highest precision")
            first["cpu"] = start("cpu", "cpu")
        else:
            first["a"].result()
        with record.trying("pmap"):
            pmapped(record)
        rest = {}
        for cut, flags in (
            ("a", "default flags"),
            ("sure", "deterministic ops"),
            ("untuned", "no autotuning"),
        ):
            if cut not in first:
                continue
            with record.trying(f"training {cut}"):
                first[cut].result()
                given = (f"--state={folder / cut}.half.npz", "--first=10")
                rest[f"{cut} resumed"] = start(f"{cut} resumed", flags, *given)
        pairs = [
            ("cut at step 10 and resumed, default flags", "a", "a resumed"),
            ("cut and resumed, xla_gpu_deterministic_ops", "sure", "sure resumed"),
            ("cut and resumed, xla_gpu_autotune_level=0", "untuned", "untuned resumed"),
            ("repeated in another process, default flags", "a", "b"),
            ("default flags and deterministic ops", "a", "sure"),
            ("20 calls of 1 step and 4 of 5", "a", "scan"),
            ("this device and the CPU, TF32 as JAX sets it", "a", "cpu"),
            ("this device and the CPU, highest precision", "exact", "cpu"),
        ]
        waiting = first | rest
        for what, one, other in pairs:
            if one not in waiting or other not in waiting:
                continue
            with record.trying(what):
                waiting[one].result()
                waiting[other].result()
                files = [folder / f"{name}.npz" for name in (one, other)]
                record.row(TITLE, compared=what, **compared(*map(read, files)))
        if not record.toy:
            with record.trying("the command's own loop, killed and resumed"):
                record.row(
                    TITLE,
                    compared="the command's own loop, 40 steps, killed by SIGKILL "
                    "behind its first checkpoint and started again",
                    **product.result(),
                )


def read(path: Path) -> dict[str, np.ndarray]:
    """The arrays of a file."""
    with np.load(path) as kept:
        return dict(kept)


def compared(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> dict:
    """Whether all arrays are the same to the bit, and how far they are apart."""
    one, other = dict(one), dict(other)
    losses = [tree.pop("losses", None) for tree in (one, other)]
    same = [np.array_equal(one[k], other[k], equal_nan=True) for k in one]
    gaps = [
        np.max(np.abs(one[k] - np.asarray(other[k], np.float64)), initial=0.0)
        for k in one
    ]
    cells = {
        "bitwise equal": all(same) and one.keys() == other.keys(),
        "arrays that differ": f"{len(same) - sum(same)} of {len(same)}",
        "largest difference": float(max(gaps)),
    }
    if losses[0] is not None and losses[1] is not None:
        few = min(map(len, losses))  # a resumed one has the last of them
        gap = np.abs(losses[0][-few:] - losses[1][-few:])
        if len(losses[0]) == len(losses[1]):
            cells["loss gap at step 1"] = float(gap[0].max())
        cells["loss gap at the last"] = float(gap[-1].max())
    return cells


def whole(seconds: float, folder: Path) -> dict:
    """Train a run folder in one go, and one that is killed on the way; compare."""
    options = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True}
    end = time.monotonic() + seconds
    through, cut = folder / "through", folder / "cut"
    alone = subprocess.Popen(command(str(through), "--whole"), **options)
    killed = subprocess.Popen(command(str(cut), "--whole"), **options)
    while not checkpoint.steps(cut) and killed.poll() is None:
        if time.monotonic() > end:
            raise TimeoutError("no checkpoint in time")
        time.sleep(0.01)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    at = checkpoint.steps(cut)
    again = subprocess.Popen(command(str(cut), "--whole"), **options)
    for process in (alone, again):
        _, said = process.communicate(timeout=max(end - time.monotonic(), 1))
        if process.returncode:
            raise RuntimeError(said[-1500:])
    arrays = [
        checkpoint.read_arrays(checkpoint.find(path, "latest").path)
        for path in (through, cut)
    ]
    return compared(*arrays) | {"killed at": f"step {at[-1] if at else 0}"}


def pmapped(record: Record) -> None:
    """Three steps by jit and by pmap on one device."""
    loaded = settings("dcgan:smoke")
    rng = np.random.default_rng(0)
    batch = {
        "image": rng.uniform(-1, 1, (loaded.batch_size, 28, 28, 1)).astype("f4"),
        "mask": np.ones(loaded.batch_size, "f4"),
    }
    found = []
    for spread in (devices.one(), devices.many()):
        task = tasks.make(loaded, spread.axis)
        state = jax.jit(tasks.make(loaded, None).init)(jax.random.key(0), batch)
        state = spread.put_state(jax.device_get(state))
        step = spread.run(task.train_step, jax.random.key(1), donate=True)
        for index in range(3):
            state, _ = step(state, spread.put_batch(batch), index)
        leaves = jax.tree.leaves(spread.get_state(state))
        found.append({str(i): leaf for i, leaf in enumerate(leaves)})
    record.row(
        TITLE, compared="jit and pmap on one device, 3 steps", **compared(*found)
    )
