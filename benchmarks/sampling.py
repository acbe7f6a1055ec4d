"""10,000 images from the shipped checkpoint, against the same generator in PyTorch.

    python benchmarks/sampling.py [--num=10000] [--batch=256] [--turns=5] [--compile]
                                  [--record]

Both draw their latents, decode in batches and hand over float32 images on the host.
Both have the same weights, which is checked first. Interleaved, in one process;
told are images/s and the ratio within the turns. PyTorch is taken where it is installed
(`pip install 'deconvgen[bench]'`).
"""

import argparse

from deconvgen.core import runtime

runtime.prepare()  # what the command sets: the same environment for all that follows

import numpy as np  # noqa: E402
import record  # noqa: E402
import theirs  # noqa: E402
from tables import cell  # noqa: E402
from timing import Thunk, gemm_probe, interleave  # noqa: E402

from deconvgen.runs import run  # noqa: E402

NAME = "pretrained:dcgan-fashion"


def by_pytorch(loaded, options: argparse.Namespace) -> dict[str, Thunk]:
    """Its ways to sample, by name; ImportError where it is missing."""
    theirs.device()
    torch, z = theirs.torch, loaded.latents(16, 0)

    def sampling(model) -> Thunk:
        def sample():
            with torch.inference_mode():
                for _ in range(0, options.num, options.batch):
                    model(torch.randn(options.batch, z.shape[1])).numpy()

        return sample

    expected = loaded.decode(z).transpose(0, 3, 1, 2)
    thunks = {}
    for layout in ("channels first", "channels last"):
        model = theirs.generator(loaded, layout == "channels last")
        with torch.inference_mode():
            made = model(torch.from_numpy(z)).numpy()
        np.testing.assert_allclose(made, expected, atol=1e-4)
        thunks[f"PyTorch, {layout}"] = sampling(model)
        if options.compile:
            thunks[f"torch.compile, {layout}"] = sampling(torch.compile(model))
    return thunks


def main() -> None:
    """Check, time and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--num", type=int, default=10_000)
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--compile", action="store_true", help="torch.compile as well")
    record.argument(parser)
    options = parser.parse_args()
    sheet = record.Sheet(
        f"sampling.b{options.batch}",
        f"Sampling: {options.num:,} images of the shipped checkpoint, "
        f"batches of {options.batch}",
        (*record.RUN, *record.scripts("sampling", "theirs")),
        "Latents are drawn, and float32 images handed to the host.",
    )
    with record.kept(options, sheet):
        loaded = run.load(NAME)

        def ours():
            for _ in loaded.batches(options.num, batch_size=options.batch):
                pass

        thunks: dict[str, Thunk] = {"deconvgen": ours}
        try:
            thunks |= by_pytorch(loaded, options)
        except ImportError:
            sheet.note("PyTorch is left out: it is not installed.")
        probe, gflop = gemm_probe()
        times = interleave(thunks | {"GEMM": probe}, turns=options.turns)
        faster = lambda name: times.faster("deconvgen", name)
        rows = [
            [
                name,
                times.rate(name, options.num),
                "" if name == "deconvgen" else faster(name),
            ]
            for name in thunks
        ]
        sheet.table(["sampling", "images/s", "deconvgen is faster by"], rows)
        rate = cell(times.rate("GEMM", gflop))
        sheet.note(f"A large matrix product among the turns: {rate} GFLOP/s.")


if __name__ == "__main__":
    main()
