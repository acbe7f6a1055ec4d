"""Make docs/audit_cases.md: what the audit of pictures says of cases that are known.

    python tools/audit_cases.py

Some minutes; every row is measured anew. A row is right where the periods, JPEG and
seams that are called are those that were put in.
"""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np

from deconvgen.audit.picture_audit import audit_pictures
from deconvgen.audit.picture_words import others, strongest
from deconvgen.core.runtime import prepare
from deconvgen.data import load, photographs
from deconvgen.metrics.jpeg import compressed
from deconvgen.nn.upsample import make_upsampler
from deconvgen.runs.run import load as run_of

PAGE = Path(__file__).parent.parent / "docs" / "audit_cases.md"
SIZE, NUM = 96, 48
RNG = np.random.default_rng(0)


class Case(NamedTuple):
    """Pictures, what was put into them, and what should be called."""

    what: str
    pictures: np.ndarray
    periods: set[int]
    jpeg: bool = False
    seam: int = 0
    real: np.ndarray | None = None
    why: str = ""  # where the audit is known to be wrong, or cannot know


def levels(x: np.ndarray) -> np.ndarray:
    """Pictures in [-1, 1] as a file keeps them."""
    return np.rint(np.clip(x, -1, 1) * 127.5 + 127.5).astype(np.uint8)


def patches(size: int = SIZE, num: int = NUM, only: str = "", seed: int = 0):
    """[n, size, size, 3] in [-1, 1], of photographs that were never JPEG."""
    rng = np.random.default_rng(seed)
    kept = photographs("train") | photographs("test")
    kept = {k: x for k, x in kept.items() if k.endswith(".png") and k.startswith(only)}
    found = []
    for i in range(num):
        x = [*kept.values()][i % len(kept)]
        top, left = (int(rng.integers(n - size + 1)) for n in x.shape[:2])
        found.append(x[top : top + size, left : left + size])
    return np.stack(found) / np.float32(127.5) - 1


def resized(x: np.ndarray, size: int, method: str) -> np.ndarray:
    """Enlarged or made smaller by JAX."""
    return np.asarray(jax.image.resize(x, (len(x), size, size, x.shape[3]), method))


def decoded(upsampler: str, kernel: int | None, start: str = "default") -> np.ndarray:
    """What an untrained decoder of two layers draws: 24 to 96 pixels, one of noise."""
    x = RNG.normal(size=(NUM, SIZE // 4, SIZE // 4, 16)).astype(np.float32)
    for i, features in enumerate((16, 3)):
        layer = make_upsampler(upsampler, features, 2, kernel, start)
        x = layer.apply(layer.init(jax.random.key(i), x[:1]), x)
        x = jax.nn.relu(x) if i == 0 else jax.numpy.tanh(x / jax.numpy.std(x))
    return np.asarray(x)


def cases() -> list[Case]:
    """Those that have something, and those that have nothing."""
    photos, more = patches(), patches(seed=1)
    grid = np.where(np.arange(SIZE) % 4 == 0, 1, 0)[:, None]
    noise = RNG.normal(size=photos.shape)
    uneven = 0.04 * noise * np.where(np.arange(SIZE) % 2, 1.4, 1.0)[:, None]
    tiles = 0.05 * (np.arange(SIZE) // 24 % 2)[:, None]
    half = photos[:, : SIZE // 2, : SIZE // 2]
    clothes = next(load("fashion_mnist_small", "test").eval_batches(400))["image"]
    run = run_of("pretrained:dcgan-fashion")
    brick = patches(only="brick")
    return [
        Case("photographs (PNG)", photos, set()),
        Case("photographs beside other photographs", photos, set(), real=more),
        Case("photographs, one half as large (antialiased)",
             resized(photos, SIZE // 2, "bicubic"), set()),
        Case("white noise", 0.3 * noise, set()),
        Case("Fashion-MNIST, 28 px", clothes, set()),
        Case("photographs of one brick wall", brick, set(),
             why="a motif that repeats is a period: give --real"),
        Case("the same brick wall beside itself", brick, set(),
             real=patches(only="brick", seed=1)),
        Case("photographs saved as JPEG, quality 90",
             compressed(photos, 90), set(), True),
        Case("photographs saved as JPEG, quality 75, then cropped",
             compressed(photos, 75)[:, 3:, 5:], set(), True),
        Case("JPEG-90 beside JPEG-90", compressed(photos, 90), set(), True,
             real=compressed(more, 90)),
        Case("photographs, nearest x 2", half.repeat(2, 1).repeat(2, 2), {2}),
        Case("photographs, bilinear x 2", resized(half, SIZE, "bilinear"), {2}),
        Case("photographs, bicubic x 3",
             resized(photos[:, : SIZE // 3, : SIZE // 3], SIZE, "bicubic"), {3}),
        Case("photographs, bicubic x 3/2",
             resized(photos[:, :64, :64], SIZE, "bicubic"), {3},
             why="3 pixels are 2 of before"),
        Case("photographs and a line of 4 levels every 4 pixels",
             photos + 0.03 * grid, {2, 4}, why="2 is inside 4: its second harmonic"),
        Case("photographs and noise, 1.4 times as strong in every other column",
             photos + uneven, {2}),
        Case("the same, saved as JPEG, quality 90",
             compressed(photos + uneven, 90), {2}, True,
             why="missed: a weak grid of 2 is not told from JPEG's own"),
        Case("photographs in tiles of 24, brighter by 6 levels in turns",
             photos + tiles, set(), seam=24),
        Case("untrained decoder, ConvTranspose 3, stride 2, twice",
             decoded("conv_transpose", 3), {2, 4}),
        Case("untrained decoder, ConvTranspose 4, stride 2, twice",
             decoded("conv_transpose", 4), {2, 4}),
        Case("untrained decoder, PixelShuffle, twice",
             decoded("depth_to_space", 3), {2, 4}),
        Case("untrained decoder, nearest + conv 3, twice",
             decoded("nearest_conv", 3), {2, 4},
             why="of noise, what is repeated stays alike under 3 x 3 weights"),
        Case("untrained decoder, bilinear + conv 3, twice",
             decoded("bilinear_conv", 3), {2, 4},
             why="interpolated noise varies less between pixels than on them"),
        Case("the shipped DCGAN beside Fashion-MNIST", run.sample(400), set(),
             real=clothes, why="trained; whatever is found is its own"),
    ]  # fmt: skip


def row(case: Case) -> tuple[str, bool]:
    """A line of the table, and whether it is as it should be."""
    pictures = levels(case.pictures)
    real = None if case.real is None else levels(case.real)
    found = audit_pictures(pictures, real, changes=("as they are",))
    view = found.views["as they are"]
    called = others(view, found.jpeg, found.figures["jpeg_files"])
    seam = strongest(view)
    over = (
        seam.period if seam and not (found.jpeg.clear and seam.period % 8 == 0) else 0
    )
    told = (
        ", ".join(f"{s} ({line.level:.0f} dB)" for s, line in called.items()) or "none"
    )
    told += "; JPEG" if found.jpeg.clear else ""
    told += f"; seams of {over}" if over else ""
    wanted = ", ".join(map(str, sorted(case.periods))) or "none"
    wanted += "; JPEG" if case.jpeg else ""
    wanted += f"; seams of {case.seam}" if case.seam else ""
    right = {*called} == case.periods and found.jpeg.clear == case.jpeg
    right = right and over == case.seam
    mark = "yes" if right else "**no**"
    text = f"| {case.what} | {wanted} | {told} | {mark} | {case.why} |"
    print(text, flush=True)
    return text, right


def page(make: Callable[[], list[Case]] = cases) -> str:
    """The text of the page."""
    rows = [row(case) for case in make()]
    right = sum(ok for _, ok in rows)
    table = "\n".join(text for text, _ in rows)
    return f"""# What the audit of pictures says of known cases

Made by `python tools/audit_cases.py`: sets of {NUM} pictures of {SIZE} x {SIZE} pixels
where nothing else is said, each looked at by `deconvgen audit --images` with its
defaults. "None" should be called of the first; a period that is called there is a false
alarm, one that is not called of the others is missed. {right} of {len(rows)} are called
exactly as they should; the others are left as they are.

| pictures | should be called | is called | right | remark |
| --- | --- | --- | --- | --- |
{table}

A period is called where a line stands out of one of three spectra, at p < 0.01 over
all periods and both axes (see `deconvgen.metrics.periods`), so one case in a hundred
without any has a false alarm by chance. Where pictures were JPEG, 2, 4 and 8 are
JPEG's unless a line is 6 dB over what JPEG's blocks have themselves.
"""


if __name__ == "__main__":
    prepare()
    PAGE.write_text(page())
