"""A GAN's whole train step against plain Flax and PyTorch, in turns, in one run.

    python benchmarks/train_step.py [--part=step] [--batch=64] [--turns=5] [--record]

    step      DCGAN-64: generator 100-512-256-128-64-3 with batch norm, and its mirror
    wgan_gp   the same with the Wasserstein loss and its gradient penalty
    r1        the same with the penalty R1 at real images
    bfloat16  the first in bfloat16, and ours in float32 beside it
    demo      the step of `dcgan:demo`, without its classes

The same networks, losses, Adam and average of the weights for all. One step: the
critic on a real and a fake batch, then the generator through the updated critic; with a
penalty the critic has no norm, and its gradient is differentiated once more. Told are
images/s, the ratio to deconvgen in the same turns, and the share of a floor: the step's
multiply-adds at the rate of a large matrix product of the same moment.

PyTorch is taken where it is installed (`pip install 'deconvgen[bench]'`), channels
last; its compiler has no second derivatives, so that it is left out of the penalties.
`--plain` leaves out what the `deconvgen` command sets (`deconvgen.core.runtime`), as in
a program that only imports the library.
"""

import argparse
import sys
from collections.abc import Callable
from unittest import mock

from deconvgen.core import runtime

if "--plain" not in sys.argv:  # the same environment for all that follows
    runtime.prepare()

import flax.linen
import jax
import numpy as np
import record
import theirs
from tables import cell
from timing import Thunk, Timings, gemm_probe, interleave

from deconvgen import config, tasks
from deconvgen.runs import setup as runs
from deconvgen.training import parallel as devices

ALONE = ["model.critic_norm=none"]  # what a penalty at each image asks of a critic
PARTS = {  # title, config, flags
    "step": ("The DCGAN-64 train step", "dcgan:64", []),
    "wgan_gp": (
        "The DCGAN-64 train step with a gradient penalty (WGAN-GP)",
        "dcgan:64",
        ["loss.name=wasserstein", "loss.gradient_penalty=10", *ALONE],
    ),
    "r1": (
        "The DCGAN-64 train step with the penalty R1",
        "dcgan:64",
        ["loss.r1=1", *ALONE],
    ),
    "bfloat16": (
        "The DCGAN-64 train step in bfloat16",
        "dcgan:64",
        ["dtype=bfloat16"],
    ),
    "demo": (
        "The train step of dcgan:demo, without its classes",
        "dcgan:demo",
        ["model.conditional=false", "model.critic_condition=projection"],
    ),
}
TOY = ["model.features=8,4", "model.factors=2,2"]


def settings(part: str = "step", batch: int = 64, toy: bool = False, more=()):
    """The configuration of the step that is timed."""
    _, name, flags = PARTS[part]
    flags = [f"batch_size={batch}", "eval.extractor=random", *flags, *more]
    loaded = config.load(name, flags + TOY * toy)
    side, channels = (28, 1) if part == "demo" else (64, 3)
    side = 16 if toy else side
    return runs.describe(loaded, (side, side, channels))


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


def torch_step(loaded, mode: str) -> Thunk:
    """One step in PyTorch; ImportError where it is missing."""
    size, _, channels = loaded.data.image_shape
    draw = theirs.fixed(loaded.batch_size, size, channels)
    return theirs.step(loaded, mode, draw, loaded.dtype == "bfloat16")


def making(part: str, loaded, single) -> dict[str, Callable[[], Thunk]]:
    """What makes each of the steps that are compared, by name.

    `single` is the configuration in float32.
    """
    found = {
        "deconvgen": lambda: jax_step(loaded, plain=False),
        "Flax": lambda: jax_step(loaded, plain=True),
        "PyTorch eager": lambda: torch_step(loaded, "eager"),
    }
    if loaded.dtype != single.dtype:
        found["deconvgen, float32"] = lambda: jax_step(single, plain=False)
    if part not in ("wgan_gp", "r1"):
        found["torch.compile"] = lambda: torch_step(loaded, "compile")
    return found


def flop_per_image(loaded) -> float:
    """Floating-point operations of a step's convolutions, an image, without reuse."""
    model, (height, _, channels) = loaded.model, loaded.data.image_shape
    up = model.features[::-1]
    down = tuple(model.critic_features) or up

    def layers(widths: tuple[int, ...]) -> list[int]:
        """Of one pass, the largest images first."""
        sizes = [height // 2**i for i in range(1, len(widths) + 1)]
        pairs = zip((channels, *widths), widths, sizes, strict=False)
        return [2 * 16 * a * b * n * n for a, b, n in pairs]

    generator, critic = sum(layers(up)), sum(layers(down))
    # Generator: forward, gradients of input and kernel. Critic: these on real and fake
    # (no gradient of the first input), then forward and input gradient on the fake.
    return 3 * generator + 2 * (3 * critic - layers(down)[0]) + 2 * critic


def rows(part: str, loaded, times: Timings, gflop: float) -> tuple[list, list]:
    """Head and rows of the table; `gflop` is that of the product among the turns."""
    batch = loaded.batch_size
    floor = flop_per_image(loaded) * batch / 1e9
    counted = part in ("step", "demo")  # a penalty's are not
    head = ["step", "ms", "images/s", "deconvgen is faster by"]
    found = []
    for name in [name for name in times.turns if name != "GEMM"]:
        row: list = [name, times.milliseconds(name), times.rate(name, batch)]
        row.append("" if name == "deconvgen" else times.faster("deconvgen", name))
        share = floor / times.seconds(name) / (gflop / times.seconds("GEMM"))
        found.append([*row, share] if counted else row)
    return [*head, "share of GEMM rate"] if counted else head, found


def arguments() -> argparse.Namespace:
    """What is asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--part", default="step", choices=PARTS)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--without", default="", help="names to leave out, with commas")
    parser.add_argument("--plain", action="store_true", help="nothing is set for JAX")
    parser.add_argument("--toy", action="store_true", help="a tiny network")
    record.argument(parser)
    return parser.parse_args()


def main() -> None:
    """Time and print."""
    options = arguments()
    part = options.part
    loaded = settings(part, options.batch, options.toy)
    single = settings(part, options.batch, options.toy, ["dtype=float32"])
    sheet = record.Sheet(
        f"train_step.{part}.b{options.batch}" + ".plain" * options.plain,
        f"{PARTS[part][0]}, batch {options.batch}"
        + ", nothing set for JAX" * options.plain,
        (*record.STEP, *record.scripts("train_step", "theirs")),
    )
    with record.kept(options, sheet):
        thunks: dict[str, Thunk] = {}
        for name, make in making(part, loaded, single).items():
            if name in options.without.split(","):
                continue
            try:
                thunks[name] = make()
            except ImportError:
                sheet.note(f"{name} is left out: PyTorch is not installed.")
        probe, gflop = gemm_probe()
        times = interleave(thunks | {"GEMM": probe}, turns=options.turns, warm=2)
        sheet.table(*rows(part, loaded, times, gflop))
        rate = cell(times.rate("GEMM", gflop))
        sheet.note(f"A large matrix product among the turns: {rate} GFLOP/s.")


if __name__ == "__main__":
    main()
