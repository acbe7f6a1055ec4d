"""Make docs/audit_cases.md: what the audit of pictures says of cases that are known.

    python tools/audit_cases.py

Some minutes; every row is measured anew. A row is right where the periods, JPEG and
seams that are called are those that were put in.
"""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from known_pictures import (
    NUM,
    RNG,
    SIZE,
    as_files,
    blended,
    by_pillow,
    clouds,
    decoded,
    levels,
    mosaic,
    patches,
    resized,
)

from deconvgen.audit.picture_audit import audit_pictures
from deconvgen.audit.picture_codecs import others, strongest
from deconvgen.core.runtime import prepare
from deconvgen.data import load, photographs
from deconvgen.metrics.jpeg import compressed
from deconvgen.runs.run import load as run_of

PAGE = Path(__file__).parent.parent / "docs" / "audit_cases.md"


class Case(NamedTuple):
    """Pictures, what was put into them, and what should be called."""

    what: str
    pictures: np.ndarray | Path
    period: int = 0  # the longest: those that divide it may be called as well
    codec: str = ""
    seam: int = 0
    real: np.ndarray | None = None
    why: str = ""  # where the audit is known to be wrong, or cannot know


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
        Case("photographs (PNG)", photos),
        Case("photographs beside other photographs", photos, real=more),
        Case("photographs, one half as large (antialiased)",
             resized(photos, SIZE // 2, "bicubic")),
        Case("white noise", 0.3 * noise),
        Case("Fashion-MNIST, 28 px", clothes),
        Case("photographs of one brick wall", brick,
             why="a motif that repeats is at another place in each picture"),
        Case("the same brick wall beside itself", brick,
             real=patches(only="brick", seed=1)),
        Case("photographs saved as JPEG, quality 90",
             compressed(photos, 90), codec="JPEG"),
        Case("photographs saved as JPEG, quality 75, then cropped",
             compressed(photos, 75)[:, 3:, 5:], codec="JPEG"),
        Case("JPEG-90 beside JPEG-90", compressed(photos, 90), codec="JPEG",
             real=compressed(more, 90)),
        Case("photographs, nearest x 2", half.repeat(2, 1).repeat(2, 2), 2),
        Case("photographs, bilinear x 2", resized(half, SIZE, "bilinear"), 2),
        Case("photographs, bicubic x 3",
             resized(photos[:, : SIZE // 3, : SIZE // 3], SIZE, "bicubic"), 3),
        Case("photographs, bicubic x 3/2",
             resized(photos[:, :64, :64], SIZE, "bicubic"), 3,
             why="3 pixels are 2 of before"),
        Case("photographs and a line of 4 levels every 4 pixels",
             photos + 0.03 * grid, 4),
        Case("photographs and noise, 1.4 times as strong in every other column",
             photos + uneven, 2),
        Case("the same, saved as JPEG, quality 90",
             compressed(photos + uneven, 90), 2, "JPEG",
             why="of variance, all that JPEG does is even in its blocks"),
        Case("photographs in tiles of 24, brighter by 6 levels in turns",
             photos + tiles, seam=24),
        Case("untrained decoder, ConvTranspose 3, stride 2, twice",
             decoded("conv_transpose", 3), 4),
        Case("untrained decoder, ConvTranspose 4, stride 2, twice",
             decoded("conv_transpose", 4), 4),
        Case("untrained decoder, PixelShuffle, twice",
             decoded("depth_to_space", 3), 4),
        Case("untrained decoder, nearest + conv 3, twice",
             decoded("nearest_conv", 3), 4,
             why="of noise, what is repeated stays alike under 3 x 3 weights"),
        Case("untrained decoder, bilinear + conv 3, twice",
             decoded("bilinear_conv", 3), 4,
             why="interpolated noise varies less between pixels than on them"),
        Case("the shipped DCGAN", run.sample(400)),
        Case("the shipped DCGAN beside Fashion-MNIST", run.sample(400),
             real=clothes, why="trained; whatever is found is its own"),
        *attacks(photos, clothes),
    ]  # fmt: skip


def attacks(photos: np.ndarray, clothes: np.ndarray) -> list[Case]:
    """Pictures made to be taken for what they are not, or to hide what they have."""
    at = np.arange(SIZE)
    places = RNG.integers(0, SIZE, (2, NUM))
    moved = lambda x: np.stack([np.roll(one, s, (0, 1)) for one, s in zip(x, places.T)])
    natural = clouds(photos.shape)
    stripes = 0.2 * np.sin(2 * np.pi * at / 7)[:, None] * (at > 30)[:, None, None]
    weave = np.sin(2 * np.pi * at / 6)[:, None] * np.sin(2 * np.pi * at / 6)
    ruled = np.where((at % 20 == 9)[:, None] | (at % 20 == 9), -0.2, 0.9)[..., None]
    framed = np.full_like(photos, 0.8)
    framed[:, 6:-6, 6:-6] = photos[:, 6:-6, 6:-6]
    sheet = patches(24, 16 * NUM).reshape(NUM, 4, 4, 24, 24, 3).swapaxes(2, 3)
    sprites = np.resize(clothes, (16 * NUM, *clothes.shape[1:]))
    sprites = sprites.reshape(NUM, 4, 4, 28, 28, 1).swapaxes(2, 3)
    bayer = np.array([[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]])
    threshold = np.tile(bayer / 8 - 0.9375, (SIZE // 4, SIZE // 4))[..., None]
    tiles = 0.05 * (at // 24 % 2)[:, None]
    decoder = decoded("conv_transpose", 3)
    cut = [x[a % 16 :, b % 16 :][:80, :80] for x, a, b in zip(decoder, *places)]
    whole = photographs("train")["brick.png"][None] / np.float32(127.5) - 1
    return [
        Case("clouds (1/f noise), each with stripes of 7 pixels somewhere",
             moved(natural + stripes)),
        Case("cloth that repeats every 6 pixels, cut anywhere",
             moved(0.5 * natural + 0.3 * weave[..., None])),
        Case("squared paper, a line every 20 pixels, cut anywhere",
             moved(ruled + 0.05 * natural)),
        Case("screenshots with lines every 20 pixels, all at one place",
             ruled + 0.05 * natural, 20),
        Case("photographs in white frames of 6 pixels", framed),
        Case("sheets of 4 x 4 photographs of 24 pixels",
             sheet.reshape(photos.shape), seam=24),
        Case("sheets of 4 x 4 sprites of 28 pixels (Fashion-MNIST)",
             sprites.reshape(NUM, 112, 112, 1), 28,
             why="27 is not told from 28 in four of them"),
        Case("photographs, bilinear x 3/2, by Pillow", by_pillow(photos, "1.5"), 3),
        Case("photographs saved as WebP, quality 80",
             as_files(photos, "webp", quality=80), codec="WebP"),
        Case("untrained ConvTranspose 3, saved as WebP, quality 80",
             as_files(decoder, "webp", quality=80), 4, "WebP"),
        Case("photographs saved as WebP without loss",
             as_files(photos, "webp", lossless=True)),
        Case("photographs of 16 colours (GIF)", by_pillow(photos, "gif")),
        Case("photographs in black and white, errors diffused (Floyd and Steinberg)",
             by_pillow(photos, "diffused")),
        Case("photographs in black and white, Bayer's 4 x 4 dither",
             np.where(photos.mean(3, keepdims=True) > threshold, 0.99, -0.99), 4),
        Case("photographs as a camera's mosaic, bilinear", mosaic(photos), 2),
        Case("clouds in tiles of 32, 24 apart, blended over the 8 they share",
             blended(clouds((NUM, 2 * SIZE, SIZE, 1))), 24,
             why="192 pixels high; no step, but less variance where two are blended"),
        Case("photographs in tiles of 24, saved as JPEG, quality 90",
             compressed(photos + tiles, 90), codec="JPEG", seam=24,
             why="three seams are too few to be told from JPEG's own"),
        Case("untrained ConvTranspose 3, saved as JPEG, quality 90",
             compressed(decoder, 90), 4, "JPEG"),
        Case("untrained nearest + conv 3, saved as JPEG, quality 75",
             compressed(decoded("nearest_conv", 3), 75), 4, "JPEG"),
        Case("untrained ConvTranspose 3, cut anywhere", np.stack(cut), 4,
             why="a grid is told from a motif by its place: audit whole pictures"),
        Case("one photograph of a brick wall, 512 px", whole,
             why="of one picture a motif is not told from a grid"),
    ]  # fmt: skip


class Called(NamedTuple):
    """What is said of a case: a line of the table, and how it compares."""

    line: str
    some: bool  # there is something to be called
    alarm: bool  # something is called that is not there
    missed: bool


def row(case: Case) -> Called:
    """What the audit says, beside what it should."""
    given = case.pictures
    pictures = given if isinstance(given, Path) else levels(given)
    real = None if case.real is None else levels(case.real)
    found = audit_pictures(pictures, real, changes=("as they are",))
    view = found.views["as they are"]
    called = others(view, found.saved_as)
    seam = strongest(view)
    over = seam.period if seam else 0
    codec = "".join(codec.name for codec in found.saved_as)
    told = [", ".join(f"{s} ({line.level:.0f} dB)" for s, line in called.items())]
    wanted = [
        f"{case.period or ''}",
        case.codec,
        f"seams of {case.seam}" * bool(case.seam),
    ]
    told += [codec, f"seams of {over}" * bool(over)]
    alarm = any(not case.period or case.period % s for s in called)
    alarm |= (codec not in ("", case.codec)) or over not in (0, case.seam)
    missed = bool(case.period) and case.period not in called
    missed |= bool(case.codec) and codec != case.codec
    missed |= bool(case.seam) and over != case.seam
    mark = "**false alarm**" * alarm or "**missed**" * missed or "yes"
    words = ("; ".join(filter(None, x)) or "none" for x in (wanted, told))
    line = f"| {case.what} | {' | '.join(words)} | {mark} | {case.why} |"
    print(line, flush=True)
    return Called(line, any(wanted), alarm, missed)


def page(make: Callable[[], list[Case]] = cases) -> str:
    """The text of the page."""
    rows = [row(case) for case in make()]
    right = sum(not (x.alarm or x.missed) for x in rows)
    table = "\n".join(x.line for x in rows)
    counts = "\n".join(
        f"| {what} | {len(part)} | {sum(not (x.alarm or x.missed) for x in part)} "
        f"| {sum(x.alarm for x in part)} | {sum(x.missed for x in part)} |"
        for what, part in (
            ("with something to be called", [x for x in rows if x.some]),
            ("with nothing", [x for x in rows if not x.some]),
        )
    )
    return f"""# What the audit of pictures says of known cases

Made by `python tools/audit_cases.py`: sets of {NUM} pictures of {SIZE} x {SIZE} pixels
where nothing else is said, each looked at by `deconvgen audit --images` with its
defaults. A period or seam that is called and is not there is a false alarm, one that is
there and not called is missed. {right} of {len(rows)} are called as they should; the
others are left as they are.

| | sets | right | false alarm | missed |
| --- | --- | --- | --- | --- |
{counts}

| pictures | should be called | is called | right | remark |
| --- | --- | --- | --- | --- |
{table}

A period is called where a line stands out of one of three spectra, at p < 0.01 over
all periods and both axes (see `deconvgen.metrics.periods`), so one case in a hundred
without any has a false alarm by chance; and where it has one phase in all pictures and
in every part of them (`deconvgen.metrics.phases`), which no motif has. Where pictures
were JPEG or WebP, periods of their blocks are theirs unless a line is 6 dB over what
they have themselves, or is not the same from both ends of a block. A period that
divides the one that should be called may be called as well.
"""


if __name__ == "__main__":
    prepare()
    PAGE.write_text(page())
