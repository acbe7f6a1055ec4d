"""The transposed convolutions of DCGAN-64: ours, Flax's and PyTorch's."""

from typing import Any

import flax.linen as nn
import numpy as np
import theirs

from deconvgen.nn import conv as ours
from on_gpu.clock import interleave, torch_call
from on_gpu.passes import compiled, pixels
from on_gpu.record import Record

LADDER = [(4, 512, 256), (8, 256, 128), (16, 128, 64), (32, 64, 3), (1, 100, 512)]


def main(record: Record) -> None:
    """4 x 4 taps, stride 2; the first layer of the generator comes last."""
    cases = [("float32", 64), ("bfloat16", 64), ("bfloat16", 128), ("float32", 128)]
    for dtype, batch in [("float32", 4)] if record.toy else cases:
        for n, c, features in [(4, 8, 4)] if record.toy else LADDER:
            what = f"{n}x{n}x{c} to {features}, {dtype}, batch {batch}"
            with record.trying(what, 0 if record.toy else 4):
                record.enough()
                one(record, dtype, batch, n, c, features, what)


def one(
    record: Record, dtype: str, batch: int, n: int, c: int, features: int, what: str
) -> None:
    """A row of the table."""
    stride, padding = (1, "VALID") if n == 1 else (2, "SAME")
    options: Any = dict(features=features, kernel_size=(4, 4), strides=(stride, stride))
    options |= dict(padding=padding, dtype=dtype)
    x = pixels(dtype, batch, n, n, c)
    layers = {
        "ours": ours.ConvTranspose(**options),
        "Flax": nn.ConvTranspose(**options),
    }
    calls = compiled(record, layers, x, what)
    with record.trying(f"PyTorch, {what}"):
        image = np.random.default_rng(0).normal(size=x.shape).astype(np.float32)
        half = dtype == "bfloat16"
        run = theirs.layer(image, features, 4, stride, int(n > 1), half)
        calls["PyTorch"] = torch_call(run)
    times = interleave(calls, 2 if record.toy else 5, 0.01 if record.toy else 0.03)
    row: dict = {f"{name}, us": 1e6 * times.seconds(name) for name in calls}
    row |= {
        f"times {name}": times.speedup("ours", name) for name in calls if name != "ours"
    }
    flop = 3 * 2 * 16 * batch * n * n * c * features
    row["ours, TFLOP/s"] = flop / times.seconds("ours") / 1e12
    layer = f"{n}x{n}x{c} to {features}"
    title = "one layer: output and the gradients of input, kernel and bias"
    record.row(title, layer=layer, dtype=dtype, batch=batch, **row)
