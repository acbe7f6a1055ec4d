"""The same work in PyTorch, where it is installed; on its GPU where it has one."""

from collections.abc import Callable
from contextlib import nullcontext
from importlib import import_module
from typing import Any

import numpy as np

torch: Any = None
try:
    torch = import_module("torch")
except ImportError as error:
    why = str(error)


def device() -> str:
    """Where it computes; ImportError where PyTorch is missing."""
    if torch is None:
        raise ImportError(why)
    return "cuda" if torch.cuda.is_available() else "cpu"


def drawing(images: np.ndarray, batch: int) -> Callable:
    """() -> [b, c, h, w] channels last: random rows of uint8 images kept there."""
    from on_gpu.engine import table

    where = device()
    pixels = torch.from_numpy(images).to(where)
    values = torch.from_numpy(table()).to(where)

    def draw():
        rows = torch.randint(len(pixels), (batch,), device=where)
        return values[pixels[rows].int()].permute(0, 3, 1, 2)

    return draw


def fixed(batch: int, size: int, channels: int) -> Callable:
    """() -> the same random images [b, c, h, w], channels last."""
    where = device()
    images = torch.rand(batch, size, size, channels, device=where) * 2 - 1
    return lambda: images.permute(0, 3, 1, 2)


def networks(loaded, last: bool = True):
    """Generator and critic of a DCGAN config, channels `last` or not."""
    nn, where = torch.nn, device()
    features, latent = tuple(loaded.model.features), loaded.model.latent
    normed = loaded.model.critic_norm == "batch"
    size, _, channels = loaded.data.image_shape
    seed = size // 2 ** len(loaded.model.factors)
    up: list = [nn.ConvTranspose2d(latent, features[0], seed)]
    for a, b in zip(features, (*features[1:], channels), strict=True):
        up += [nn.BatchNorm2d(a), nn.ReLU(True), nn.ConvTranspose2d(a, b, 4, 2, 1)]
    down: list = []
    widths = tuple(loaded.model.critic_features) or features[::-1]
    pairs = zip((channels, *widths[:-1]), widths, strict=True)
    for i, (a, b) in enumerate(pairs):
        down += [nn.Conv2d(a, b, 4, 2, 1)] + (
            [nn.BatchNorm2d(b)] if i and normed else []
        )
        down += [nn.LeakyReLU(0.2, True)]
    down += [nn.Conv2d(widths[-1], 1, seed), nn.Flatten(0)]
    ready = lambda layers: nn.Sequential(*layers).to(
        where,
        memory_format=torch.channels_last if last else torch.contiguous_format,
    )
    return ready([*up, nn.Tanh()]), ready(down)


def losses(name: str) -> tuple[Callable, Callable]:
    """What the critic minimizes of real and generated logits, and the generator."""
    soft = torch.nn.functional.softplus
    return {
        "non_saturating": (
            lambda real, fake: soft(-real).mean() + soft(fake).mean(),
            lambda fake: soft(-fake).mean(),
        ),
        "wasserstein": (
            lambda real, fake: (fake - real).mean(),
            lambda fake: -fake.mean(),
        ),
    }[name]


def squared_slopes(logits, images):
    """|grad D|^2 [b] at images [b, c, h, w], to be differentiated once more."""
    (slope,) = torch.autograd.grad(logits.sum(), images, create_graph=True)
    return slope.square().sum((1, 2, 3))


def critic_loss(loaded, d, real, fake):
    """With R1 and the gradient penalty, as far as the config asks for them."""
    r1, penalty = loaded.loss.r1, loaded.loss.gradient_penalty
    real = real.detach().requires_grad_(bool(r1))
    logits = d(real)
    value = losses(loaded.loss.name)[0](logits, d(fake))
    if r1:
        value = value + r1 * squared_slopes(logits, real).mean() / 2
    if penalty:
        share = torch.rand(len(real), 1, 1, 1, device=real.device)
        between = torch.lerp(real, fake, share).requires_grad_()
        norm = (squared_slopes(d(between), between) + 1e-12).sqrt()
        value = value + penalty * (norm - 1).square().mean()
    return value


def step(loaded, mode: str, draw: Callable, bfloat16: bool = False) -> Callable:
    """One train step: critic on real and fake, then generator, Adam, average.

    `mode` is eager, compile, graph, or compile+graph. Channels last, but where Inductor
    compiles for a GPU, which lays things out itself and fails on some that are; the
    critic is frozen in the generator's turn; losses stay on the device.
    """
    where, compiled = device(), "compile" in mode
    first = compiled and where == "cuda"
    g, d = networks(loaded, last=not first)
    graph = "graph" in mode and where == "cuda"
    options = {"fused": True, "capturable": graph} if where == "cuda" else {}
    adam = lambda net: torch.optim.Adam(net.parameters(), 2e-4, (0.5, 0.999), **options)
    g_opt, d_opt, on_generator = adam(g), adam(d), losses(loaded.loss.name)[1]
    live = list(g.parameters())
    kept = [p.detach().clone() for p in live] if loaded.ema else []
    batch, latent, critic = loaded.batch_size, loaded.model.latent, d
    if compiled:
        g, d = torch.compile(g), torch.compile(d)

    def half():
        if not bfloat16:
            return nullcontext()
        return torch.autocast(where, torch.bfloat16, cache_enabled=not graph)

    def run():
        real = draw().contiguous() if first else draw()
        with half():
            fake = g(torch.randn(batch, latent, 1, 1, device=where))
            d_loss = critic_loss(loaded, d, real, fake.detach())
        d_opt.zero_grad()
        d_loss.backward()
        d_opt.step()
        critic.requires_grad_(False)
        g_opt.zero_grad()
        with half():
            g_loss = on_generator(d(fake))
        g_loss.backward()
        g_opt.step()
        critic.requires_grad_(True)
        if kept:
            with torch.no_grad():
                torch._foreach_lerp_(kept, live, 1 - loaded.ema)
        return d_loss

    return captured(run) if graph else run


def captured(run: Callable) -> Callable:
    """The step as one CUDA graph, launched as a whole."""
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(4):
            run()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        run()
    return graph.replay


def layer(x: np.ndarray, features: int, k: int, s: int, p: int, bfloat16: bool):
    """Forward and all gradients of one `ConvTranspose2d`, channels last."""
    where, kind = device(), torch.bfloat16 if bfloat16 else torch.float32
    made = torch.nn.ConvTranspose2d(x.shape[-1], features, k, s, p)
    made = made.to(where, kind, memory_format=torch.channels_last)
    image = torch.from_numpy(x).to(where, kind).permute(0, 3, 1, 2).requires_grad_()
    cotangent = torch.randn_like(made(image))
    inputs = [image, *made.parameters()]
    return lambda: torch.autograd.grad(made(image), inputs, cotangent)


def generator(loaded, channels_last: bool):
    """The generator of a DCGAN run as PyTorch's modules, with its weights."""
    nn = torch.nn
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
