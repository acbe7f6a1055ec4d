"""Forward and backward of one layer: deconvgen against Flax and PyTorch.

    python benchmarks/layers.py [--quick] [--turns=7]

Two tables in Markdown: the DCGAN-64 ladder of transposed convolutions, and kernels
of 2 to 9 at strides of 1 to 4, both convolutions, on lines and on images. A pass
computes the output and the gradients of input, kernel and bias in float32; times
are medians of interleaved turns (see `timing.py`). PyTorch, where it is installed,
runs eagerly on channels_last tensors.
"""

import argparse
import os

from deconvgen.core import runtime

if not os.environ.get("PLAIN"):  # PLAIN=1: without what the command sets
    runtime.prepare()

import flax.linen as nn
import jax
import numpy as np
from timing import Thunk, gemm_probe, geometric_mean, interleave, table

import deconvgen.nn.conv as ours

try:
    import torch
except ImportError:
    torch = None

LADDER = [(4, 512, 256), (8, 256, 128), (16, 128, 64), (32, 64, 3)]


def jax_pass(layer: nn.Module, x: np.ndarray) -> Thunk:
    """Output and all gradients under one jit."""
    params = jax.jit(layer.init)(jax.random.key(0), x)
    seen = jax.eval_shape(layer.apply, params, x)
    cotangent = jax.random.normal(jax.random.key(1), seen.shape)

    @jax.jit
    def forward_and_backward(params, x, cotangent):
        y, back = jax.vjp(layer.apply, params, x)
        return y, back(cotangent)

    return lambda: forward_and_backward(params, x, cotangent)


def torch_pass(x: np.ndarray, features: int, k: int, s: int, p: int) -> Thunk:
    """The same of `torch.nn.ConvTranspose2d`."""
    layer = torch.nn.ConvTranspose2d(x.shape[-1], features, k, s, p)
    layer = layer.to(memory_format=torch.channels_last)
    image = torch.from_numpy(np.moveaxis(x, -1, 1).copy())
    image = image.to(memory_format=torch.channels_last).requires_grad_()
    cotangent = torch.randn_like(layer(image))
    inputs = [image, *layer.parameters()]
    return lambda: torch.autograd.grad(layer(image), inputs, cotangent)


def pixels(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def ladder(turns: int, batch: int = 64) -> str:
    """4 x 4 taps, stride 2, and the first layer, which is not in the mean."""
    probe, gflop = gemm_probe()
    rows, over_flax, over_torch = [], [], []
    for n, c, features in [(1, 100, 512), *LADDER]:
        stride, padding = (1, "VALID") if n == 1 else (2, "SAME")
        options = {
            "features": features,
            "kernel_size": (4, 4),
            "strides": (stride, stride),
            "padding": padding,
        }
        x = pixels(batch, n, n, c)
        thunks = {
            "ours": jax_pass(ours.ConvTranspose(**options), x),
            "flax": jax_pass(nn.ConvTranspose(**options), x),
            "gemm": probe,
        }
        if torch:
            thunks["torch"] = torch_pass(x, features, 4, stride, int(n > 1))
        timings = interleave(thunks, turns)
        flax = timings.speedup("ours", over="flax")
        row = [
            f"{n}x{n}x{c} to {features}",
            1e3 * timings.seconds("ours"),
            1e3 * timings.seconds("flax"),
            flax,
        ]
        if torch:
            eager = timings.speedup("ours", over="torch")
            row += [1e3 * timings.seconds("torch"), eager]
            over_torch += [eager] if n > 1 else []
        over_flax += [flax] if n > 1 else []
        flops = 3 * 2 * 16 * batch * n * n * c * features / 1e9
        row += [gflop / timings.seconds("gemm"), flops / timings.seconds("ours")]
        rows.append(row)
    head = ["layer", "ours, ms", "Flax, ms", "times Flax"]
    head += ["PyTorch, ms", "times PyTorch"] if torch else []
    head += ["GEMM, GFLOP/s", "ours, GFLOP/s"]
    lines = [table(head, rows), ""]
    lines.append(f"Geometric mean (k4 s2): {geometric_mean(over_flax):.3g} times Flax")
    if torch:
        lines[-1] += f", {geometric_mean(over_torch):.3g} times PyTorch"
    return "\n".join(lines) + "."


def grid(turns: int, kernels: range, strides: range) -> str:
    """Speed over Flax of every kernel and stride; 32 channels to 32.

    What seems slower than Flax is measured again with five times the turns, and
    that figure stands, whatever it is.
    """
    rows, all_speeds = [], []
    for k in kernels:
        for s in strides:
            speeds = []
            for name in ("ConvTranspose", "Conv"):
                for rank, n in ((1, 64), (2, 12)):
                    up = name == "ConvTranspose"
                    x = pixels(8, *[n if up else n * s] * rank, 32)
                    options = {
                        "features": 32,
                        "kernel_size": (k,) * rank,
                        "strides": (s,) * rank,
                    }
                    thunks = {
                        "ours": jax_pass(getattr(ours, name)(**options), x),
                        "flax": jax_pass(getattr(nn, name)(**options), x),
                    }
                    timings = interleave(thunks, turns)
                    if timings.speedup("ours", over="flax") < 0.95:  # or a hiccup?
                        timings = interleave(thunks, 5 * turns)
                    speeds.append(timings.speedup("ours", over="flax"))
            rows.append([k, s, *speeds])
            all_speeds += speeds
    head = ["kernel", "stride", "transposed, 1-d", "transposed, 2-d"]
    lines = [table([*head, "strided, 1-d", "strided, 2-d"], rows), ""]
    lines.append(
        f"Times Flax: geometric mean {geometric_mean(all_speeds):.3g}, "
        f"least {min(all_speeds):.3g}."
    )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the shapes")
    parser.add_argument("--turns", type=int, default=0)
    parser.add_argument("--only", choices=["ladder", "grid"])
    options = parser.parse_args()
    turns = options.turns or (3 if options.quick else 7)
    if torch:
        torch.set_num_threads(os.cpu_count() or 1)
    print(f"JAX {jax.__version__} on {jax.devices()[0].device_kind}", end="")
    print(f", PyTorch {torch.__version__}\n" if torch else "\n")
    if options.only != "grid":
        print(ladder(turns), "\n", flush=True)
    if options.only != "ladder":
        step = 3 if options.quick else 1
        print(grid(turns, range(2, 10, step), range(1, 5, step)))


if __name__ == "__main__":
    main()
