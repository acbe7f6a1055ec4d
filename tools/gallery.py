"""The gallery of the site: a page of every layer and of every start, before training.

`tools/site.py` puts them into docs/layers and docs/starts.
"""

import functools
import inspect
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure
from PIL import Image

from deconvgen.audit import audit
from deconvgen.audit.html import picture
from deconvgen.audit.probe import (
    Answer,
    Audit,
    answer,
    arguments,
    draws,
    probes,
    random_key,
)
from deconvgen.audit.terminal import COLUMNS, ratio, short, verdict
from deconvgen.data.photos import photographs
from deconvgen.nn.initializers import initializers
from deconvgen.nn.upsample import fits, make_upsampler, upsamplers
from deconvgen.ops.pooling import max_pool_with_indices

FEATURES = 8
SIZE = 32  # pixels of the input, each way
BORDER = 12  # of them, which are left out where figures are taken
SHOWN = ("conv_transpose", "depth_to_space")  # where a start is shown if it fits there
TREE = """```{{toctree}}
:maxdepth: 1

{}
```
"""
CARD = """:::{{grid-item-card}} {name}
:link: {name}
:link-type: doc
:img-top: {name}-small.png
{about}

*{figures}*
:::
"""
MEASURED = f"""\
*At factor 2, {FEATURES} to {FEATURES} channels, as the mean of {draws(FEATURES)} draws.
`deconvgen audit` measures it of other sizes:*

```
deconvgen audit --upsampler={{}} --initializer={{}}
```
"""


class Look(NamedTuple):
    """What a layer answers at its start.

    Var(out) / Var(in) of noise, the figures of the audit, the answer of its first
    feature to the photograph [2 SIZE, 2 SIZE], and its first kernel [kh, kw, c, f].
    """

    gain: float
    answer: Answer
    photograph: np.ndarray
    kernel: np.ndarray


def words(thing: object) -> str:
    """A docstring as Markdown, its examples as code."""
    text = inspect.cleandoc(inspect.getdoc(thing) or "")
    parts = re.split(r"\n{2,}", text)
    examples = (part.startswith(">>>") for part in parts)
    return "\n\n".join(
        f"```python\n{part}\n```" if example else part
        for part, example in zip(parts, examples, strict=True)
    )


@functools.cache
def photograph() -> tuple[jax.Array, jax.Array, jax.Array]:
    """Halved, [1, SIZE, SIZE, c] about 0, with its maxima's places and as a guide."""
    grey = photographs("test", channels=1)["camera.png"][..., 0] / 127.5 - 1
    side = 2 * SIZE
    whole = grey.reshape(side, len(grey) // side, side, -1).mean((1, 3))
    guide = np.repeat((whole - whole.mean())[None, ..., None], FEATURES, -1)
    x = guide.reshape(1, SIZE, 2, SIZE, 2, FEATURES).mean((2, 4))
    places = max_pool_with_indices(jnp.asarray(guide))[1]
    return jnp.asarray(x, jnp.float32), places, jnp.asarray(guide, jnp.float32)


@functools.cache
def inputs(layer: str) -> tuple[Any, ...]:
    """What the layer is called with: the audit's probes, the photograph after them."""
    both = zip(probes(SIZE, FEATURES, (2, 2)), photograph(), strict=True)
    made = make_upsampler(layer, FEATURES)
    return arguments(made, *(jnp.concatenate(pair) for pair in both))


@functools.cache
def player(layer: str) -> Any:
    """`(variables, *inputs) -> answer`, compiled once for all starts of the layer."""
    return jax.jit(make_upsampler(layer, FEATURES, use_bias=False).apply)


def look(layer: str, start: str) -> Look:
    """The layer's answers to `inputs`, over the draws of the start."""
    made = make_upsampler(layer, FEATURES, initializer=start, use_bias=False)
    noise = [a[:4] for a in inputs(layer)]  # what a start that looks at data sees
    begin = jax.jit(lambda key: made.init(key, *noise))
    drawn = [begin(random_key(seed)) for seed in range(draws(FEATURES))]
    answers = np.stack([player(layer)(one, *inputs(layer)) for one in drawn])
    inside = answers[:, :4, 2 * BORDER : -2 * BORDER, 2 * BORDER : -2 * BORDER]
    seen = np.asarray(inputs(layer)[0][:4, BORDER:-BORDER, BORDER:-BORDER])
    kernels = [a for a in jax.tree.leaves(drawn[0]["params"]) if a.ndim == 4]
    return Look(
        float((inside**2).mean() / (seen**2).mean()),
        answer(answers[:, :8], (2, 2), BORDER),
        answers[0, 8, ..., 0],
        np.asarray(kernels[0]),
    )


def tile(values: np.ndarray, colours: str) -> np.ndarray:
    """A map [h, w], or colours [h, w, 3] in [0, 1], as 192 x 192 x 3 of uint8."""
    if values.ndim == 2:
        values = colormaps[colours](values)[..., :3]
    times = -(-192 // values.shape[0])
    large = np.kron(values, np.ones((times, times, 1)))[:192, :192]
    return np.rint(large * 255).astype(np.uint8)


def maps(found: Answer | Audit, photo: np.ndarray) -> list[np.ndarray]:
    """Tiles: the answers to one pixel, to a constant, to the photograph."""
    height, width = (n // 4 for n in found.impulse.shape)
    constant = found.constant[height:-height, width:-width]
    scale = np.sqrt((constant**2).mean()) or 1
    upright = np.sign((photo * np.asarray(photograph()[2][0, ..., 0])).sum())
    return [
        tile(found.impulse / (found.impulse.max() or 1), "magma"),
        tile(np.clip(0.5 + 0.22 * constant / scale, 0, 1), ""),
        grey(upright * photo),
    ]


def grey(values: np.ndarray) -> np.ndarray:
    """A tile of values about 0, two deviations from black to white."""
    return tile(np.clip(0.5 + 0.25 * values / (values.std() or 1), 0, 1), "gray")


def taps(kernel: np.ndarray) -> np.ndarray:
    """A tile of the kernels from two inputs to two features, or to four sub-pixels."""
    several = kernel.shape[-1] // FEATURES  # the sub-pixels of a feature
    columns = range(0, several * FEATURES, FEATURES) if several > 1 else range(3)
    columns = [c for c in columns if c < kernel.shape[-1]]
    rows = range(min(len(columns), kernel.shape[-2]))
    gap = lambda a: np.pad(a, ((0, 1), (0, 1)), constant_values=np.nan)
    sheet = np.block([[gap(kernel[..., r, c]) for c in columns] for r in rows])
    sheet = sheet[:-1, :-1] / (np.abs(kernel).max() or 1)
    lined = colormaps["RdBu_r"].with_extremes(bad="white")
    return np.asarray(lined(0.5 + 0.5 * np.ma.masked_invalid(sheet)))[..., :3]


def small(path: Path, tiles: Sequence[np.ndarray]) -> None:
    """The picture of a card: tiles beside each other."""
    gap = np.full((192, 8, 3), 255, np.uint8)
    row = [part for one in tiles for part in (one, gap)][:-1]
    Image.fromarray(np.concatenate(row, 1)).save(path, optimize=True)


def large(path: Path, tiles: dict[str, np.ndarray]) -> None:
    """The picture of a page: tiles with what they are."""
    figure = Figure(figsize=(2.2 * len(tiles), 2.5), layout="constrained")
    axes = figure.subplots(1, len(tiles), squeeze=False)[0]
    for ax, (title, one) in zip(axes, tiles.items(), strict=True):
        ax.imshow(one)
        ax.set(xticks=[], yticks=[])
        ax.set_title(title, fontsize=9)
    figure.savefig(path, dpi=100)


def table(rows: Iterable[tuple[str, str, str]]) -> str:
    """Figures, their values and what they mean."""
    lines = [f"| {name} | {value} | {about} |" for name, value, about in rows]
    return "\n".join(["| figure | value | meaning |", "| --- | --- | --- |", *lines])


def layer_page(folder: Path, name: str) -> str:
    """Writes the page of a layer; returns its card."""
    found, made = audit(name, features=FEATURES), make_upsampler(name, FEATURES)
    picture([found], folder / f"{name}.png", labels=False)
    given = arguments(made, *photograph())
    seen: Any = made.init_with_output(random_key(0), *given)[0]
    tiles = maps(found, np.asarray(seen[0, ..., 0]))
    small(folder / f"{name}-small.png", tiles)
    before = grey(np.asarray(photograph()[0][0, ..., 0]))
    pair = {"a photograph in": before, "the first feature out": tiles[2]}
    large(folder / f"{name}-photograph.png", pair)
    starts = [s for s in initializers if fits(s, name)]
    links = ", ".join(f"[`{start}`](../starts/{start}.md)" for start in starts)
    figures = [
        (c.head, c.text(found), c.meaning)
        for c in COLUMNS
        if c.head.split()[-1] != "ms"
    ]
    (folder / f"{name}.md").write_text(
        f"# {name}\n\n{words(upsamplers[name])}\n\n![{name}]({name}.png)\n\n"
        f"{' '.join(verdict(found))}\n\n![a photograph]({name}-photograph.png)\n\n"
        f"{MEASURED.format(name, 'default')}\n{table(figures)}\n\n"
        f"Starts that fit: {links}.\n"
    )
    cost = found.cost
    told = f"{short(cost.parameters)} parameters, {short(cost.multiply_adds)} "
    told += f"multiply-adds; DC gap {found.dc_gap:.2f}"
    return CARD.format(name=name, about=upsamplers.summary(name), figures=told)


def start_page(folder: Path, name: str) -> str:
    """Writes the page of a start; returns its card."""
    hosts = [layer for layer in upsamplers if fits(name, layer)]
    host = next((layer for layer in SHOWN if layer in hosts), hosts[0])
    seen = look(host, name)
    tiles = [taps(seen.kernel), *maps(seen.answer, seen.photograph)]
    titles = (
        "kernel: red +, blue -",
        "one pixel in",
        "a constant in",
        "a photograph in",
    )
    large(folder / f"{name}.png", dict(zip(titles, tiles, strict=True)))
    small(folder / f"{name}-small.png", [tile(tiles[0], ""), *tiles[1:]])
    found = seen.answer
    figures = [
        ("gain", f"{seen.gain:.3g}", "Var(out) / Var(in) of noise: 1 keeps the scale"),
        (
            "phase variance",
            ratio(found.phase_variance),
            "1: all output pixels vary alike",
        ),
        ("DC gap", f"{found.dc_gap:.3f}", "0: no checkerboard of a constant"),
        ("shift error", f"{found.shift_error:.3f}", "0: it interpolates; 1: unrelated"),
    ]
    links = ", ".join(f"[`{layer}`](../layers/{layer}.md)" for layer in hosts)
    (folder / f"{name}.md").write_text(
        f"# {name}\n\n{words(initializers[name])}\n\n![{name}]({name}.png)\n\n"
        f"{MEASURED.format(host, name)}\n{table(figures)}\n\n"
        f"Layers that it fits: {links}.\n"
    )
    told = f"gain {seen.gain:.3g}; DC gap {found.dc_gap:.2f}"
    return CARD.format(name=name, about=initializers.summary(name), figures=told)


def index(title: str, about: str, cards: Sequence[str], names: Iterable[str]) -> str:
    """A page of cards."""
    grid = "::::{grid} 1 2 2 3\n:gutter: 3\n\n" + "\n".join(cards) + "::::\n"
    tree = TREE.format("\n".join(names)).replace(":maxdepth: 1", ":hidden:")
    return f"# {title}\n\n{about}\n\n{grid}\n{tree}"


def layers(folder: Path) -> None:
    """A page for every layer, and one of all."""
    about = """\
Each at its default start and factor 2, before any training. The pictures: what becomes
of one pixel, of a constant (three features as colours: a pattern is a checkerboard) and
of a photograph (the first feature). [The starts](../starts/index.md) have
cards of their own, and [How to choose](../choose.md) says what follows."""
    cards = [layer_page(folder, name) for name in upsamplers]
    text = index("The layers, one by one", about, cards, upsamplers)
    (folder / "index.md").write_text(text)


def starts(folder: Path) -> None:
    """A page for every initializer, and one of all."""
    about = f"""\
What a kernel is before the first step decides how large the answer is, whether a
constant comes out as a checkerboard, and what a photograph looks like. Each start is
shown in `{SHOWN[0]}` if it fits there, else in `{SHOWN[1]}`, else in the layer that it
is made for. The pictures: some taps of the first kernel (red above 0, blue below), then
what becomes of one pixel, of a constant (three features as colours), of a photograph.
`NAME@0.3` mixes a start with noise, `NAME+unit` scales it to gain 1."""
    cards = [start_page(folder, name) for name in initializers]
    text = index("The starts, one by one", about, cards, initializers)
    (folder / "index.md").write_text(text)
