"""10,000 images from the shipped checkpoint, against the same generator in PyTorch.

    python benchmarks/sampling.py [--num=10000] [--batch=256] [--turns=5] [--compile]

Both draw their latents, decode in batches and hand over float32 images on the host.
Both have the same weights, which is checked first. Interleaved, in one process;
printed are images/s and the ratio within the turns.
"""

import argparse
import os

from deconvgen.core import runtime

runtime.prepare()  # what the command sets: the same environment for all that follows

import jax  # noqa: E402
import numpy as np  # noqa: E402
from timing import gemm_probe, interleave, table  # noqa: E402

from deconvgen.runs import run  # noqa: E402

NAME = "pretrained:dcgan-fashion"


def torch_generator(loaded, channels_last: bool):
    """The generator of a DCGAN run as PyTorch's modules, with its weights."""
    import torch
    from torch import nn

    torch.set_num_threads(len(os.sched_getaffinity(0)))
    params, stats = loaded.variables["params"], loaded.variables["batch_stats"]
    tensor = lambda x: torch.from_numpy(np.array(x, np.float32))
    height, width, _ = loaded.image_shape
    factors = loaded.config.model.factors
    seed = (height // int(np.prod(factors)), width // int(np.prod(factors)))

    def norm(values, means):
        layer = nn.BatchNorm2d(len(means["mean"]), eps=1e-5)
        layer.load_state_dict(
            {
                "weight": tensor(values["scale"]),
                "bias": tensor(values["bias"]),
                "running_mean": tensor(means["mean"]),
                "running_var": tensor(means["var"]),
            },
            strict=False,
        )
        return layer

    def inner(tree):  # a norm may lie in a module of its own
        return tree if "scale" in tree or "mean" in tree else inner(*tree.values())

    dense = params["project"]
    features = dense["kernel"].shape[1] // (seed[0] * seed[1])
    project = nn.Linear(*dense["kernel"].shape)
    # Our rows are [h, w, c], theirs [c, h, w].
    order = np.arange(dense["kernel"].shape[1]).reshape(*seed, features)
    order = order.transpose(2, 0, 1).reshape(-1)
    project.weight.data = tensor(np.asarray(dense["kernel"])[:, order].T)
    project.bias.data = tensor(np.asarray(dense["bias"])[order])
    layers = [project, nn.Unflatten(1, (features, *seed))]
    layers += [norm(inner(params["project_norm"]), inner(stats["project_norm"]))]
    for i, factor in enumerate(factors):
        deconv = params["decoder"][f"up_{i}"]["deconv"]
        kernel = np.asarray(deconv["kernel"])[::-1, ::-1].transpose(2, 3, 0, 1)
        k = kernel.shape[-1]
        up = nn.ConvTranspose2d(*kernel.shape[:2], k, factor, (k - factor) // 2)
        up.weight.data, up.bias.data = tensor(kernel), tensor(deconv["bias"])
        layers += [nn.ReLU(), up]
        if i < len(factors) - 1:
            name = f"norm_{i}"
            of = lambda tree: inner(tree["decoder"][name])  # noqa: B023
            layers += [norm(of(params), of(stats))]
    model = nn.Sequential(*layers, nn.Tanh()).eval()
    return model.to(memory_format=torch.channels_last) if channels_last else model


def main() -> None:
    """Check, time and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--num", type=int, default=10_000)
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--compile", action="store_true", help="torch.compile as well")
    options = parser.parse_args()
    loaded = run.load(NAME)

    def ours():
        for _ in loaded.batches(options.num, batch_size=options.batch):
            pass

    thunks = {"deconvgen": ours}
    try:
        import torch
    except ImportError:
        print("PyTorch is not installed: deconvgen alone")
    else:
        z = loaded.latents(16, 0)

        def theirs(model):
            def sample():
                with torch.inference_mode():
                    for _ in range(0, options.num, options.batch):
                        model(torch.randn(options.batch, z.shape[1])).numpy()

            return sample

        expected = loaded.decode(z).transpose(0, 3, 1, 2)
        for layout in ("channels first", "channels last"):
            model = torch_generator(loaded, layout == "channels last")
            with torch.inference_mode():
                made = model(torch.from_numpy(z)).numpy()
            np.testing.assert_allclose(made, expected, atol=1e-4)
            thunks[f"PyTorch, {layout}"] = theirs(model)
            if options.compile:
                compiled = theirs(torch.compile(model))
                thunks[f"torch.compile, {layout}"] = compiled
    probe, gflop = gemm_probe()
    times = interleave(thunks | {"GEMM": probe}, turns=options.turns)
    rows = [
        [
            name,
            options.num / times.seconds(name),
            times.speedup("deconvgen", over=name),
        ]
        for name in thunks
    ]
    rate = gflop / times.seconds("GEMM")
    kind = jax.devices()[0].device_kind
    print(f"{options.num} images of {NAME}, {kind}; {rate:.0f} GFLOP/s")
    print(table(["sampling", "images/s", "deconvgen is faster by"], rows))


if __name__ == "__main__":
    main()
