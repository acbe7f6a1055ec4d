"""What the audit of pictures found, as a flat record and in sentences."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from deconvgen.audit.picture_codecs import Codec, moving, others, strongest
from deconvgen.audit.picture_look import Look, View
from deconvgen.data.picture_sets import PictureSet
from deconvgen.metrics.jpeg import Jpeg
from deconvgen.metrics.lines import Line
from deconvgen.metrics.phases import FEWEST

SHOWN = (
    *("images", "period", "periods", "period_db", "not_jpeg_period_db", "phase_ratio"),
    *("cell_ratio_s2", "cell_ratio_s4", "autocorrelation_peak"),
    *("neighbour_correlation", "off_dc_share", "high_band_slope"),
    *("seam_period", "seam_db", "jpeg_comb"),
)
"""The figures of the page, in its order."""


def figures(
    views: Mapping[str, View], traces: Jpeg, saved_as: Sequence[Codec]
) -> dict[str, Any]:
    """One flat record: NAME of the pictures, real_NAME of the real ones, and
    after_jpeg_90_NAME, after_a_blur_of_1_px_NAME of both."""
    found: dict[str, Any] = {}
    for name, view in views.items():
        start = "" if name == "as they are" else name.replace("-", "_") + "_"
        start = start.replace(" ", "_")
        mine = record(view)
        if not start:
            mine["jpeg_comb"] = max(0.0, traces.comb - traces.elsewhere)
            for name in ("JPEG", "WebP"):
                files = sum(codec.files for codec in saved_as if codec.name == name)
                mine[f"{name.lower()}_files"] = files
            kept = [line.level for line in others(view, saved_as).values()]
            mine["moving_periods"] = ", ".join(map(str, moving(view))) or "none"
            mine["not_jpeg_period_db"] = max(kept, default=0.0)
        found |= {f"{start}{key}": value for key, value in mine.items()}
        if view.real is not None:
            floor = shared(view.real, {})
            found |= {f"{start}real_{key}": value for key, value in floor.items()}
    return found


def record(view: View) -> dict[str, Any]:
    """The figures of one set, beside what it was held against."""
    clear = others(view)
    found = shared(view.look, clear)
    found["period"] = max(clear, default=0)
    found["periods"] = ", ".join(map(str, clear)) or "none"
    found["period_db"] = max((line.level for line in clear.values()), default=0.0)
    seam = strongest(view)
    found["seam_period"] = seam.period if seam else 0
    found["seam_db"] = seam.level if seam else 0.0
    return found


def shared(look: Look, clear: Mapping[int, Line]) -> dict[str, Any]:
    """What pictures have whether a period is clear or not."""
    ratios = [look.periods.phase_ratio(s) for s in clear]
    peaks = [look.residuals.peak(s) for s in clear]
    return {
        "images": look.periods.seen,
        "phase_ratio": max(ratios, default=1.0),
        "autocorrelation_peak": float(np.fmax.reduce([0.0, *peaks])),
        **{
            f"cell_ratio_s{s}": look.residuals.cell_ratio(s)
            for s in look.residuals.cells
        },
        "neighbour_correlation": look.residuals.neighbours(),
        "off_dc_share": look.residuals.off_dc / max(1, look.residuals.seen),
        "high_band_slope": look.slope(),
    }


def sentences(
    views: Mapping[str, View],
    saved_as: Sequence[Codec],
    pictures: PictureSet,
    real: PictureSet | None,
) -> list[str]:
    """What was found, what it may come from, and what it cannot tell."""
    first = next(iter(views.values()))
    clear, said = others(first), []
    kept = others(first, saved_as)
    beside = " over the real pictures' own" if real is not None else ""
    if not clear:
        longest = max(first.look.periods.longest)
        said.append(
            f"No period from 2 to {longest} pixels stands out{beside}: no grid found."
        )
    for period, line in kept.items():
        said.append(_period(period, line, first, beside))
    if hidden := [period for period in clear if period not in kept]:
        said.append(
            f"Period {_and(hidden)}: "
            + " and ".join(f"{c.name}'s blocks of {c.longest}" for c in saved_as)
            + " pixels (and what repeats in them), not a decoder's stride. A decoder's "
            "own weak grid that is mirrored in them as theirs is cannot be told from "
            "it: audit pictures that were saved as PNG."
        )
    if moves := moving(first):
        said.append(
            f"Period {_and(moves)} stands out as well, but at another place in each "
            "picture: a motif of the contents (bricks, cloth, squared paper), or a "
            "grid in pictures that were cut anywhere after they were made."
        )
    for codec in saved_as:
        y, x = codec.offset
        how = f"{codec.files} of {pictures.num} files are {codec.name}"
        comb = "the 8 x 8 blocks are quantized as JPEG quantizes them"
        comb += f", from row {y} and column {x} on" if (y or x) else ""
        told = [how] * bool(codec.files) + [comb] * codec.seen
        said.append(f"The pictures were {codec.name}: {', and '.join(told)}.")
    if seam := strongest(first):
        left = (seam.offset or seam.period) - 1
        said.append(
            f"Seams every {seam.period} pixels, first between {seam.axis} {left} and "
            f"{left + 1}: the step across is {seam.level:.1f} dB over those beside. "
            "Tiles or patches."
        )
    said += _lasting(views, kept)
    said += _slope(first)
    if real is None:
        every = pictures.num >= FEWEST
        told = (
            "what all of them have at one place (ruled lines)"
            if every
            else (f"of fewer than {FEWEST}, a motif that repeats (bricks, weave, text)")
        )
        said.append(
            f"Without --real the floor is the pictures' own neighbourhood: {told} "
            "would be found as well."
        )
    return said


def _period(period: int, line: Line, view: View, beside: str) -> str:
    what = {
        "pattern": "the pixels themselves have a line",
        "variance": "some positions vary more than others",
        "differences": "some steps between neighbours are larger than others",
    }[line.spectrum]
    ratio = view.look.periods.phase_ratio(period)
    even = f", the strongest {ratio:.2f} times the weakest" if ratio > 1.02 else ""
    chance = "p < 0.001" if line.p <= 0.001 else f"p = {line.p:.3f}"
    return (
        f"Period {period}: {what} along the {line.axis} ({line.level:.1f} dB{beside} "
        f"at {line.numerator}/{period} cycles a pixel{even}; {chance} of all periods)."
    )


def _lasting(views: Mapping[str, View], kept: Mapping[int, Line]) -> list[str]:
    if not kept:
        return []
    lasts = []
    for name, view in list(views.items())[1:]:
        still = [s for s in kept if s in view.periods]
        told = f"period {_and(still)} is still there" if still else "it is gone"
        lasts.append(f"{name} {told}")
    return [f"{'; '.join(lasts)[:1].upper()}{'; '.join(lasts)[1:]}."] if lasts else []


def _slope(view: View) -> list[str]:
    mine = view.look.slope()
    if view.real is None:
        if mine < -6:
            return [
                f"The upper octave of the spectrum falls with a slope of {mine:.1f} "
                "(real pictures about -2): they are blurred, or were enlarged."
            ]
        return []
    theirs = view.real.slope()
    if abs(mine - theirs) < 1:
        return []
    how = "less" if mine < theirs else "more"
    return [
        f"The upper octave has {how} fine detail than the real pictures' (slope "
        f"{mine:.1f} against {theirs:.1f})."
    ]


def _and(numbers: list[int]) -> str:
    *first, last = map(str, numbers)
    return f"{', '.join(first)} and {last}" if first else last
