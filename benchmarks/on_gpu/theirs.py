"""The same work in PyTorch, on its GPU where it has one."""

from collections.abc import Callable
from contextlib import nullcontext

import numpy as np

try:
    import torch
except ImportError as error:
    torch, why = None, str(error)


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
    size, _, channels = loaded.data.image_shape
    seed = size // 2 ** len(loaded.model.factors)
    up: list = [nn.ConvTranspose2d(latent, features[0], seed)]
    for a, b in zip(features, (*features[1:], channels), strict=True):
        up += [nn.BatchNorm2d(a), nn.ReLU(True), nn.ConvTranspose2d(a, b, 4, 2, 1)]
    down: list = []
    pairs = zip((channels, *features[:0:-1]), features[::-1], strict=True)
    for i, (a, b) in enumerate(pairs):
        down += [nn.Conv2d(a, b, 4, 2, 1)] + ([nn.BatchNorm2d(b)] if i else [])
        down += [nn.LeakyReLU(0.2, True)]
    down += [nn.Conv2d(features[0], 1, seed), nn.Flatten(0)]
    ready = lambda layers: nn.Sequential(*layers).to(
        where,
        memory_format=torch.channels_last if last else torch.contiguous_format,
    )
    return ready([*up, nn.Tanh()]), ready(down)


def step(loaded, mode: str, draw: Callable, bfloat16: bool = False) -> Callable:
    """One train step: critic on real and fake, then generator, Adam, average.

    `mode` is eager, compile, graph, or compile+graph. Channels last, but where Inductor
    compiles, which lays things out itself and fails on some that are; the critic is
    frozen in the generator's turn; losses stay on the device.
    """
    where, compiled = device(), "compile" in mode
    g, d = networks(loaded, last=not compiled)
    graph = "graph" in mode and where == "cuda"
    options = {"fused": True, "capturable": graph} if where == "cuda" else {}
    adam = lambda net: torch.optim.Adam(net.parameters(), 2e-4, (0.5, 0.999), **options)
    g_opt, d_opt, loss = adam(g), adam(d), torch.nn.functional.softplus
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
        real = draw().contiguous() if compiled else draw()
        with half():
            fake = g(torch.randn(batch, latent, 1, 1, device=where))
            d_loss = loss(-d(real)).mean() + loss(d(fake.detach())).mean()
        d_opt.zero_grad()
        d_loss.backward()
        d_opt.step()
        critic.requires_grad_(False)
        g_opt.zero_grad()
        with half():
            g_loss = loss(-d(fake)).mean()
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
