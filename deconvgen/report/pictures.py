"""Samples in a report: enlarged, what alternates in them marked, and their spectra."""

import html
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from deconvgen.report import closeup, figures, samples
from deconvgen.report.figures import GREY, framed
from deconvgen.report.part import Part
from deconvgen.report.results import Result

SPECTRA = (
    "Power spectrum of the samples, averaged over directions; dashed: real images. "
    "Spikes at 0.5 and 0.71 cycles a pixel are checkerboards of period 2, those at "
    "0.25 and 0.35 of period 4."
)


def shown(
    part: Part, colours: Mapping[str, str], order: Sequence[str]
) -> Iterator[str]:
    """Samples of each setting of `order`, and their spectra; as HTML."""
    sheets = {r.place: s for r in part.results if (s := samples.sheet(r))}
    chosen = [r for r in part.results if r.place in sheets and part.label(r) in order]
    chosen = samples.same_latents(chosen)
    chosen = sorted(chosen, key=lambda r: order.index(part.label(r)))
    if not chosen:
        return
    of_images = sheets[chosen[0].place].of_images
    real = samples.real_images(chosen[0]) if of_images else None
    yield f"<h3>Samples</h3><p>Seed {chosen[0].seed}, best setting first.</p>"
    if of_images:
        named = [(part.label(r), sheets[r.place].made(), r) for r in chosen]
        yield from _marked(named, real)
    strips = "".join(
        _strip(f"samples of {part.label(r)}", part.label(r), samples.strip(s))
        for r in chosen
        for s in [sheets[r.place]]
    )
    strips = (
        "<p>From the same latents or real images in every row.</p>"
        f"<div class=strips>{strips}</div>"
    )
    if not of_images:
        yield strips
        return
    yield f"<details><summary>More samples</summary>{strips}</details>"
    names = {part.label(r) for r in chosen}
    curves: dict[str, dict[int, list]] = {name: {} for name in order if name in names}
    for r in part.results:
        if r.place in sheets and r.state == "finished" and part.label(r) in names:
            pixels = sheets[r.place].made()
            curves[part.label(r)][r.seed] = samples.spectrum(pixels)
    curves = {name: seeds for name, seeds in curves.items() if seeds}
    if curves:
        dashed = [] if real is None else samples.spectrum(real)
        yield framed(
            figures.panels(
                curves,
                {name: colours.get(name, GREY) for name in curves},
                x="cycles a pixel",
                y="power (dB)",
                reference=dashed,
                low=min((v for _, v in dashed), default=-60.0) - 20,
            ),
            SPECTRA,
        )


def _marked(
    named: Sequence[tuple[str, np.ndarray, Result]], real: np.ndarray | None
) -> Iterator[str]:
    """Close-ups of each setting's samples, those of real images before them."""
    period = closeup.period(named[0][2].config)
    rows = [("real images", real)] if real is not None else []
    rows += [(label, made) for label, made, _ in named]
    figures = ""
    for label, pixels in rows:
        sheet, most, everywhere = closeup.sheet(pixels, period)
        caption = (
            f"{label}: alternates by {most:.0f} of 255 grey levels in the frames, by "
            f"{everywhere:.1f} everywhere"
        )
        figures += _strip(f"enlarged {label}", caption, samples.url(sheet))
    yield (
        "<p>Framed in each sample: where its pixels alternate most from one to the "
        f"next (period {period}, the checkerboard that an upsampling layer leaves), "
        "and below it that place by itself, enlarged. Real images have edges there: "
        f"they are the yardstick.</p><div class=strips>{figures}</div>"
    )


def _strip(alt: str, caption: str, url: str) -> str:
    return (
        f'<figure class=strip><img alt="{html.escape(alt)}" src="{url}">'
        f"<figcaption>{html.escape(caption)}</figcaption></figure>"
    )
