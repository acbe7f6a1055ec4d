"""The whole DCGAN train step against plain Flax and PyTorch, in turns, in one run.

    python benchmarks/train_step.py [--size=64] [--batch=64] [--turns=5]

The same networks (generator 100-512-256-128-64-3 with batch norm, its mirror as the
critic), the same losses, Adam for both. One step: the critic on a real and a fake
batch, then the generator through the updated critic. Printed are images/s, the ratio
to deconvgen in the same turns, and how far each is from a floor: the step's multiply-
adds at the rate of a large matrix product of the same moment.
"""

import argparse
import os
from unittest import mock

from deconvgen.core import runtime

runtime.prepare()  # what the command sets: the same environment for all that follows

import flax.linen  # noqa: E402
import jax  # noqa: E402
import numpy as np  # noqa: E402
from timing import gemm_probe, interleave, table  # noqa: E402

from deconvgen import config, tasks  # noqa: E402
from deconvgen.runs import setup as runs  # noqa: E402
from deconvgen.training import parallel as devices  # noqa: E402

LATENT = 100


def settings(size: int, batch: int):
    """The configuration of the step that is timed."""
    loaded = config.load("dcgan:64", [f"batch_size={batch}", "eval.extractor=random"])
    if size == 32:
        loaded.model.features, loaded.model.factors = (256, 128, 64), (2, 2, 2)
    return runs.describe(loaded, (size, size, 3))


def made(loaded):
    """The task, its first state and a batch of noise."""
    task, rng = tasks.make(loaded, None), np.random.default_rng(0)
    shape = (loaded.batch_size, *loaded.data.image_shape)
    batch = {
        "image": rng.uniform(-1, 1, shape).astype(np.float32),
        "mask": np.ones(loaded.batch_size, np.float32),
    }
    return task, jax.jit(task.init)(jax.random.key(0), batch), batch


def jax_step(loaded, plain: bool):
    """One step of deconvgen, or of the same task with Flax's own convolutions."""

    def transposed(*args, impl="auto", **fields):  # which Flax's does not have
        return flax.linen.ConvTranspose(*args, **fields)

    swapped = {
        "deconvgen.nn.upsample.transposed.ConvTranspose": transposed,
        "deconvgen.models.encoder.Conv": flax.linen.Conv,
    }
    patches = [mock.patch(name, new) for name, new in swapped.items()] if plain else []
    for patch in patches:
        patch.start()
    spread = devices.one()
    task, state, batch = made(loaded)
    holder = [state]
    step = spread.run(task.train_step, jax.random.key(1), donate=True)
    placed = spread.put_batch(batch)

    def run():
        holder[0], scalars = step(holder[0], placed, 0)
        return scalars

    run()  # compiles while the patches are in place
    for patch in patches:
        patch.stop()
    return run


def torch_step(loaded, compiled: bool):
    """One step in PyTorch, channels last, critic frozen in the generator's turn."""
    import torch
    from torch import nn

    torch.set_num_threads(len(os.sched_getaffinity(0)))
    features, channels = loaded.model.features, loaded.data.image_shape[-1]
    seed = loaded.data.image_shape[0] // 2 ** len(loaded.model.factors)
    up: list = [nn.ConvTranspose2d(LATENT, features[0], seed, bias=False)]
    for a, b in zip(features, (*features[1:], channels), strict=True):
        up += [nn.BatchNorm2d(a), nn.ReLU(True), nn.ConvTranspose2d(a, b, 4, 2, 1)]
    g = nn.Sequential(*up, nn.Tanh()).to(memory_format=torch.channels_last)
    down: list = []
    for i, (a, b) in enumerate(
        zip((channels, *features[:0:-1]), features[::-1], strict=True)
    ):
        down += [nn.Conv2d(a, b, 4, 2, 1)] + ([nn.BatchNorm2d(b)] if i else [])
        down += [nn.LeakyReLU(0.2, True)]
    down += [nn.Conv2d(features[0], 1, seed), nn.Flatten(0)]
    d = nn.Sequential(*down).to(memory_format=torch.channels_last)
    adam = lambda net: torch.optim.Adam(net.parameters(), 2e-4, (0.5, 0.999))
    g_opt, d_opt, loss = adam(g), adam(d), nn.functional.softplus
    shape = (loaded.batch_size, channels, *loaded.data.image_shape[:2])
    real = torch.rand(shape).mul(2).sub(1)
    real = real.contiguous(memory_format=torch.channels_last)
    if compiled:
        g, d = torch.compile(g), torch.compile(d)

    def run():
        z = torch.randn(loaded.batch_size, LATENT, 1, 1)
        fake = g(z)
        d_opt.zero_grad()
        (loss(-d(real)).mean() + loss(d(fake.detach())).mean()).backward()
        d_opt.step()
        d.requires_grad_(False)
        g_opt.zero_grad()
        value = loss(-d(fake)).mean()
        value.backward()
        g_opt.step()
        d.requires_grad_(True)
        return value.item()

    return run


def flop_per_image(loaded) -> float:
    """Floating-point operations of a step's convolutions, an image, without reuse."""
    sizes = [loaded.data.image_shape[0] // 2**i for i in range(1, 5)]
    widths = loaded.model.features[::-1]
    chain = zip((loaded.data.image_shape[-1], *widths), widths, sizes, strict=False)
    layers = [2 * 16 * a * b * n * n for a, b, n in chain]
    # Generator: forward, gradients of input and kernel. Critic: these on real and fake
    # (no gradient of the first input), then forward and input gradient on the fake.
    once = sum(layers)
    return 3 * once + 2 * (3 * once - layers[0]) + 2 * once


def main() -> None:
    """Time and print."""
    parser = argparse.ArgumentParser(description="The whole train step.")
    parser.add_argument("--size", type=int, default=64, choices=(32, 64))
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--without", default="", help="names to leave out, with commas")
    options = parser.parse_args()
    loaded = settings(options.size, options.batch)
    makers = {
        "deconvgen": lambda: jax_step(loaded, plain=False),
        "plain Flax": lambda: jax_step(loaded, plain=True),
        "PyTorch eager": lambda: torch_step(loaded, compiled=False),
        "torch.compile": lambda: torch_step(loaded, compiled=True),
    }
    thunks = {}
    for name, make in makers.items():
        if name in options.without.split(","):
            continue
        try:
            thunks[name] = make()
        except ImportError:
            print(f"{name} is left out: PyTorch is not installed")
    probe, gflop = gemm_probe()
    times = interleave(thunks | {"GEMM": probe}, turns=options.turns, warm=2)
    rate = gflop / times.seconds("GEMM")
    floor = flop_per_image(loaded) * options.batch / 1e9 / rate
    rows = [
        [
            name,
            1e3 * times.seconds(name),
            options.batch / times.seconds(name),
            times.speedup("deconvgen", over=name),
            floor / times.seconds(name),
        ]
        for name in thunks
    ]
    device = jax.devices()[0].device_kind
    print(f"DCGAN-{options.size}, batch {options.batch}, {device}; {rate:.0f} GFLOP/s")
    head = ["step", "ms", "images/s", "deconvgen is faster by", "share of GEMM rate"]
    print(table(head, rows))


if __name__ == "__main__":
    main()
