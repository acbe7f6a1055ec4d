"""What the audit of pictures found, as a flat record and in sentences."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from deconvgen.audit.picture_look import Look, View
from deconvgen.data.picture_sets import PictureSet
from deconvgen.metrics.jpeg import Jpeg
from deconvgen.metrics.periods import Line
from deconvgen.metrics.seams import Seam

SHOWN = (
    *("images", "period", "periods", "period_db", "not_jpeg_period_db", "phase_ratio"),
    *("cell_ratio_s2", "cell_ratio_s4", "autocorrelation_peak"),
    *("neighbour_correlation", "off_dc_share", "high_band_slope"),
    *("seam_period", "seam_db", "jpeg_comb"),
)
"""The figures of the page, in its order."""
JPEG_MARGIN = 6.0
"""dB that a line is over JPEG's own at 1/8 and 3/8 before it is another's."""


def figures(views: Mapping[str, View], traces: Jpeg, jpeg_files: int) -> dict[str, Any]:
    """One flat record: NAME of the pictures, real_NAME of the real ones, and
    after_jpeg_90_NAME, after_a_blur_of_1_px_NAME of both."""
    found: dict[str, Any] = {}
    for name, view in views.items():
        start = "" if name == "as they are" else name.replace("-", "_") + "_"
        start = start.replace(" ", "_")
        mine = record(view)
        if not start:
            mine["jpeg_comb"] = max(0.0, traces.comb - traces.elsewhere)
            mine["jpeg_files"] = jpeg_files
            kept = [line.level for line in others(view, traces, jpeg_files).values()]
            mine["not_jpeg_period_db"] = max(kept, default=0.0)
        found |= {f"{start}{key}": value for key, value in mine.items()}
        if view.real is not None:
            floor = shared(view.real, {})
            found |= {f"{start}real_{key}": value for key, value in floor.items()}
    return found


def record(view: View) -> dict[str, Any]:
    """The figures of one set, beside what it was held against."""
    clear = view.periods
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


def strongest(view: View) -> Seam | None:
    """The highest of the clear seams that no clear period explains."""
    clear = view.periods
    own = (s for s in view.seams if s.clear and all(s.period % t for t in clear))
    return max(own, key=lambda seam: seam.level, default=None)


def others(view: View, traces: Jpeg, jpeg_files: int) -> dict[int, Line]:
    """The clear periods that JPEG's blocks of 8 pixels do not explain.

    Where the pictures were JPEG, 2, 4 and 8 are its own, unless a line of 2 or 4 is
    much higher than those of 1/8 and 3/8, which blocks have nearly alike.
    """
    clear = view.periods
    if not (traces.clear or jpeg_files):
        return clear
    own = [line for line in view.lines if line.period == 8]
    height = {s: max((x.level for x in own if x.spectrum == s), default=0.0) for s in
              ("pattern", "variance", "differences")}  # fmt: skip
    return {
        period: line
        for period, line in clear.items()
        if 8 % period
        or (period < 8 and line.level > max(0, height[line.spectrum]) + JPEG_MARGIN)
    }


def sentences(
    views: Mapping[str, View],
    traces: Jpeg,
    jpeg_files: int,
    pictures: PictureSet,
    real: PictureSet | None,
) -> list[str]:
    """What was found, what it may come from, and what it cannot tell."""
    first = next(iter(views.values()))
    clear, said = first.periods, []
    kept = others(first, traces, jpeg_files)
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
            f"Period {_and(hidden)}: JPEG's blocks of 8 pixels (and what repeats in "
            "them), not a decoder's stride. A decoder's own weak grid of 2, 4 or 8 "
            "cannot be told from them: audit pictures that were saved as PNG."
        )
    if traces.clear or jpeg_files:
        y, x = traces.offset
        how = f"{jpeg_files} of {pictures.num} files are JPEG" if jpeg_files else ""
        comb = "the 8 x 8 blocks are quantized as JPEG quantizes them"
        comb += f", from row {y} and column {x} on" if (y or x) else ""
        said.append(
            "The pictures were JPEG: "
            + ", and ".join(
                part for part in (how, comb if traces.clear else "") if part
            )
            + "."
        )
    seam = strongest(first)
    if seam and (seam.period % 8 or not (traces.clear or jpeg_files)):
        left = (seam.offset or seam.period) - 1
        said.append(
            f"Seams every {seam.period} pixels, first between {seam.axis} {left} and "
            f"{left + 1}: the step across is {seam.level:.1f} dB over those beside. "
            "Tiles or patches."
        )
    said += _lasting(views, kept)
    said += _slope(first)
    if real is None:
        said.append(
            "Without --real the floor is the pictures' own neighbourhood: a motif that "
            "repeats (bricks, weave, text) would be found as well."
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
