"""Forward and backward of one layer: deconvgen against Flax and PyTorch.

    python benchmarks/layers.py [--only=ladder] [--quick] [--turns=7] [--record]

    ladder   the transposed convolutions of DCGAN-64
    grid     kernels of 2 to 9 at strides of 1 to 4, both convolutions, on lines and
             on images

A pass computes the output and the gradients of input, kernel and bias in float32.
PyTorch, where it is installed (`pip install 'deconvgen[bench]'`), runs eagerly on
channels_last tensors. `--plain` leaves out what the `deconvgen` command sets
(`deconvgen.core.runtime`), as in a program that only imports the layers.
"""

import argparse
import sys
from statistics import geometric_mean
from typing import Any

from deconvgen.core import runtime

if "--plain" not in sys.argv:
    runtime.prepare()

import flax.linen as nn
import jax
import numpy as np
import record
import theirs
from tables import Spread, cell
from timing import Thunk, Timings, gemm_probe, interleave

import deconvgen.nn.conv as ours

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


def pixels(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def rung(turns: int, batch: int, n: int, c: int, features: int) -> Timings:
    """One layer of the ladder: 4 x 4 taps, stride 2, or from one pixel."""
    stride, padding = (1, "VALID") if n == 1 else (2, "SAME")
    options: Any = {
        "features": features,
        "kernel_size": (4, 4),
        "strides": (stride, stride),
        "padding": padding,
    }
    x = pixels(batch, n, n, c)
    thunks = {
        "ours": jax_pass(ours.ConvTranspose(**options), x),
        "Flax": jax_pass(nn.ConvTranspose(**options), x),
        "GEMM": gemm_probe()[0],
    }
    if theirs.torch:
        args = (features, 4, stride, int(n > 1))
        thunks["PyTorch"] = theirs.layer(x, *args, bfloat16=False)
    return interleave(thunks, turns)


def ladder(sheet: record.Sheet, turns: int, toy: bool) -> None:
    """The first layer, from one pixel, is not in the mean."""
    others = ["Flax", *(["PyTorch"] if theirs.torch else [])]
    if not theirs.torch:
        sheet.note("PyTorch is left out: it is not installed.")
    batch, probe = (2, (1, 8, 8)) if toy else (64, (1, 100, 512))
    rows, ratios = [], {name: [] for name in others}
    for n, c, features in [probe, *([(4, 8, 4)] if toy else LADDER)]:
        times = rung(turns, batch, n, c, features)
        row: list = [f"{n}x{n}x{c} to {features}", times.milliseconds("ours")]
        for name in others:
            row += [times.milliseconds(name), times.faster("ours", name)]
            ratios[name] += [times.ratios("ours", name)] if n > 1 else []
        flop = 3 * 2 * 16 * batch * n * n * c * features / 1e9
        rates = times.rate("GEMM", gemm_probe()[1]), times.rate("ours", flop)
        rows.append([*row, *(rate.median for rate in rates)])
    head = [word for name in others for word in (f"{name}, ms", f"times {name}")]
    head = ["layer", "ours, ms", *head, "GEMM, GFLOP/s", "ours, GFLOP/s"]
    sheet.table(head, rows)
    means = []
    for name, each in ratios.items():
        spread = Spread.of(map(geometric_mean, zip(*each, strict=True)))
        means.append(f"{cell(spread)} times {name}")
    sheet.note(f"Geometric mean (k4 s2), turn by turn: {', '.join(means)}.")


def square(turns: int, name: str, k: int, s: int, rank: int) -> Spread:
    """Speed over Flax of one kernel and stride; 32 channels to 32.

    What seems slower than Flax is measured again with five times the turns, and
    that figure stands, whatever it is.
    """
    n = {1: 64, 2: 12}[rank]
    x = pixels(8, *[n if name == "ConvTranspose" else n * s] * rank, 32)
    options: Any = {"features": 32, "kernel_size": (k,) * rank, "strides": (s,) * rank}
    thunks = {
        "ours": jax_pass(getattr(ours, name)(**options), x),
        "Flax": jax_pass(getattr(nn, name)(**options), x),
    }
    times = interleave(thunks, turns)
    if times.speedup("ours", over="Flax") < 0.95:  # or a hiccup?
        times = interleave(thunks, 5 * turns)
    return times.faster("ours", over="Flax")


def grid(sheet: record.Sheet, turns: int, kernels: range, strides: range) -> None:
    """Every kernel and stride, both convolutions, on lines and on images."""
    cases = [(name, rank) for name in ("ConvTranspose", "Conv") for rank in (1, 2)]
    rows: list[list] = [
        [k, s, *(square(turns, name, k, s, rank) for name, rank in cases)]
        for k in kernels
        for s in strides
    ]
    head = ["kernel", "stride", "transposed, 1-d", "transposed, 2-d"]
    sheet.table([*head, "strided, 1-d", "strided, 2-d"], rows)
    speeds = [speed.median for row in rows for speed in row[2:]]
    sheet.note(
        f"Times Flax: geometric mean {geometric_mean(speeds):.3g}, "
        f"least {min(speeds):.3g}."
    )


def sheet(part: str, plain: bool) -> record.Sheet:
    """Empty as yet."""
    title, about = {
        "ladder": (
            "The layers of DCGAN-64, forward and backward",
            "Batch 64, 4 x 4 taps, stride 2; the first row, stride 1 from one pixel, "
            "is not in the mean.",
        ),
        "grid": (
            "Times Flax's speed, by kernel and stride",
            "`SAME`, batch 8, 32 channels to 32, 64 pixels on a line or 12 x 12 on an "
            "image at the small side. At stride 1 both run the same program. What "
            "seemed slower than 0.95 was measured again with five times the turns.",
        ),
    }[part]
    return record.Sheet(
        f"layers.{part}" + ".plain" * plain,
        title + ", nothing set for JAX" * plain,
        (*record.LAYERS, *record.scripts("layers", "theirs")),
        about,
    )


def main() -> None:
    """Time and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="a tenth of the shapes")
    parser.add_argument("--turns", type=int, default=0)
    parser.add_argument("--only", choices=["ladder", "grid"])
    parser.add_argument("--plain", action="store_true", help="nothing is set for JAX")
    parser.add_argument(
        "--toy", action="store_true", help="two tiny layers, one kernel"
    )
    record.argument(parser)
    options = parser.parse_args()
    turns = options.turns or (3 if options.quick else 7)
    step = 3 if options.quick else 1
    sides = (
        (range(2, 3),) * 2 if options.toy else (range(2, 10, step), range(1, 5, step))
    )
    if options.only != "grid":
        with record.kept(options, sheet("ladder", options.plain)) as found:
            ladder(found, turns, options.toy)
    if options.only != "ladder":
        with record.kept(options, sheet("grid", options.plain)) as found:
            grid(found, turns, *sides)


if __name__ == "__main__":
    main()
