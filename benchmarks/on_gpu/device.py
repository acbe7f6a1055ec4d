"""What the machine is, and how fast a matrix product and a copy are on it."""

import importlib
import importlib.util
import os
import platform
import shutil
import subprocess
import sys
from functools import partial

from on_gpu.clock import jax_call, seconds
from on_gpu.record import Record


def main(record: Record) -> None:
    """Versions first, so that a machine that lacks all is known at once."""
    tell = lambda what, value: record.row("machine", **{"what": what, "is": value})
    import jax

    device = jax.devices()[0]
    tell("platform", device.platform)
    tell("device", f"{jax.device_count()} x {device.device_kind}")
    tell("Python", sys.version.split()[0])
    tell("processor", f"{platform.machine()}, {os.cpu_count()} cores")
    for name in ("jax", "jaxlib", "flax", "optax", "numpy", "torch", "triton"):
        if importlib.util.find_spec(name):
            tell(name, getattr(importlib.import_module(name), "__version__", "?"))
        else:
            tell(name, "missing")
    if shutil.which("nvidia-smi"):
        asked = "--query-gpu=name,driver_version,memory.total,clocks.max.sm,power.limit"
        command = ["nvidia-smi", asked, "--format=csv,noheader"]
        tell("nvidia-smi", subprocess.check_output(command, text=True).strip())
    precision = jax.config.jax_default_matmul_precision
    tell("jax_default_matmul_precision", f"{precision} (None: TF32 where there is)")
    if importlib.util.find_spec("torch"):
        import torch

        cuda = torch.backends.cuda.matmul.allow_tf32
        cudnn = torch.backends.cudnn.allow_tf32
        tell("PyTorch allow_tf32", f"products {cuda}, convolutions {cudnn}")
        tell("PyTorch sees a GPU", torch.cuda.is_available())
    else:
        record.note("PyTorch is missing: all comparisons with it are left out")

    import jax.numpy as jnp

    size = 256 if record.toy else 8192
    for dtype, wish in (
        ("float32", None),
        ("float32", "highest"),
        ("bfloat16", None),
    ):
        with record.trying(f"matrix product, {dtype}"):
            x = jax.random.normal(jax.random.key(0), (size, size), dtype)
            product = jax.jit(partial(jnp.matmul, precision=wish))
            call = jax_call(partial(product, x, x))
            rate = 2 * size**3 / seconds(call) / 1e12
            name = f"{dtype}, precision {wish or 'default'}"
            record.row(f"matrix product of {size}", **{"in": name, "TFLOP/s": rate})
    with record.trying("copy"):
        x = jnp.zeros(2**20 if record.toy else 2**28)
        add = jax.jit(lambda x: x + 1)
        rate = 2 * 4 * x.size / seconds(jax_call(lambda: add(x))) / 1e9
        record.row("memory", **{"what": "read and written, GB/s", "is": rate})
