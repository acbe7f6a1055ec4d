"""The figures of a report, as SVG text that goes straight into the page."""

import io
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter

from deconvgen.report.statistics import Values, interval

INK, GREY, PALE = "#1d2530", "#66707c", "#d5dae0"
BEST, ALIKE, WORSE = "#0f6b3c", "#2463a8", "#b4541a"
STYLE: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "deconvgen",
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.edgecolor": GREY,
    "axes.facecolor": "none",
    "figure.facecolor": "none",
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "text.color": INK,
    "xtick.color": GREY,
    "ytick.color": GREY,
}
Point = tuple[float | int, float | int]
Curves = Mapping[int, Sequence[Point]]
"""{seed: [(x, y)]}."""


def svg(figure: Figure, alt: str) -> str:
    """The figure as an <svg> element that scales with the page."""
    text = io.StringIO()
    FigureCanvasSVG(figure).print_svg(text, metadata={"Date": None})
    body = text.getvalue()
    body = body[body.index("<svg") :]
    return body.replace("<svg ", f'<svg role="img" aria-label="{alt}" ', 1)


def framed(picture: str, caption: str) -> str:
    """A picture with its caption, both HTML."""
    return (
        f"<figure><div class=wide>{picture}</div>"
        f"<figcaption>{caption}</figcaption></figure>"
    )


def ranking(
    table: Mapping[str, Values], order: Sequence[str], colours: Mapping[str, str],
    name: str, real: float | int | None = None,
    bars: Mapping[str, tuple[float, float]] | None = None,
) -> tuple[str, bool]:  # fmt: skip
    """The mean of each setting, best on top, with each seed's value and its bar.

    `real` is drawn as a dashed line. Also whether the picture's border cuts something
    off, which arrows then tell.
    """
    bars = bars or {}
    with rc_context(STYLE):
        figure = Figure((8.2, 0.7 + 0.27 * len(order)), layout="constrained")
        axes = figure.subplots()
        means = [interval(list(table[key].values())) for key in order]
        low, high = _window(means, real)
        axes.set_xlim(low, high)
        cut = False
        for y, (key, found) in enumerate(zip(order, means, strict=True)):
            values = list(table[key].values())
            colour, ends = colours[key], [*values, *bars.get(key, ())]
            if key in bars:
                axes.plot(bars[key], [y, y], color=colour, lw=5, alpha=0.3)
            axes.plot(values, [y] * len(values), "|", color=colour, ms=7, alpha=0.8)
            axes.plot(found.mean, y, "o", color=colour, ms=6)
            for at, mark, beyond in (
                (low, "<", min(ends) < low),
                (high, ">", max(ends) > high),
            ):
                if beyond:
                    axes.plot(at, y, mark, color=colour, ms=7, clip_on=False)
                    cut = True
        if real is not None:
            axes.axvline(real, color=INK, lw=1, ls="--", zorder=0)
        most = max(found.n for found in means)
        names = [
            key if found.n == most else f"{key} ({found.n} of {most} seeds)"
            for key, found in zip(order, means, strict=True)
        ]
        axes.set_yticks(range(len(order)), names, color=INK)
        axes.set_ylim(len(order) - 0.5, -0.5)
        axes.grid(axis="x", color=PALE, lw=0.6)
        axes.set_axisbelow(True)
        axes.tick_params(length=0)
        axes.set_xlabel(f"{name} at the last step")
        return svg(figure, f"ranking by {name}"), cut


def _window(means: Sequence, real: float | int | None) -> tuple[float, float]:
    """Limits that keep two wild seeds from squeezing all others together.

    They hold every mean, and what is never negative gets no room below 0.
    """
    centres = [found.mean for found in means] + ([] if real is None else [real])
    low, high = min(centres), max(centres)
    halves = [2 * found.sd for found in means if found.n > 1]
    room = max(high - low, 1e-3 * max(abs(low), abs(high)), 1e-9)
    if halves:
        usual = 1.5 * float(np.median(halves)) + 0.3 * room
        room += min(max(halves), usual)
    left = low - 0.6 * room
    return (left if low < 0 else max(0.0, left)), high + 0.6 * room


def panels(
    curves: Mapping[str, Curves],
    colours: Mapping[str, str],
    *,
    x: str,
    y: str,
    reference: Sequence[Point] = (),
    low: float | int | None = None,
) -> str:
    """A small panel for each setting: its seeds and their mean, before all the others'.

    `reference` is drawn dashed into each panel.
    """
    order = list(curves)
    means = {key: mean_curve(curves[key]) for key in order}
    columns = min(4, len(order))
    rows = -(-len(order) // columns)
    with rc_context(STYLE):
        figure = Figure((8.2, 0.5 + 1.65 * rows), layout="constrained")
        grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
        for axes in grid.flat[len(order) :]:
            axes.axis("off")
        for axes, key in zip(grid.flat, order, strict=False):
            for other in order:
                axes.plot(*zip(*means[other]), color=PALE, lw=0.8, zorder=1)
            if reference:
                axes.plot(*zip(*reference), "--", color=INK, lw=1, zorder=2)
            for points in curves[key].values():
                axes.plot(
                    *zip(*points), color=colours[key], lw=0.7, alpha=0.5, zorder=3
                )
            axes.plot(*zip(*means[key]), color=colours[key], lw=1.8, zorder=4)
            axes.set_title("\n".join(_broken(key)), fontsize=8, loc="left")
            axes.grid(color=PALE, lw=0.4)
            axes.tick_params(length=0, labelsize=8)
        bounds = [v for points in means.values() for _, v in points]
        bounds += [v for _, v in reference]
        if bounds and low is not None:
            grid.flat[0].set_ylim(max(low, min(bounds)))
        figure.supxlabel(x, fontsize=9)
        figure.supylabel(y, fontsize=9)
        return svg(figure, f"{y} over {x}")


def mean_curve(curves: Curves) -> list[Point]:
    """The mean of the seeds where each of them has a point; where none, of all."""
    points: dict[Any, list[Any]] = {}
    for curve in curves.values():
        for x, y in curve:
            points.setdefault(x, []).append(y)
    whole = {x: ys for x, ys in points.items() if len(ys) == len(curves)} or points
    return [(x, float(np.mean(whole[x]))) for x in sorted(whole)]


def _broken(text: str, width: int = 26) -> list[str]:
    """A label over several lines, broken behind its commas where it is long."""
    lines = [""]
    for word in text.split(", "):
        joined = f"{lines[-1]}, {word}" if lines[-1] else word
        if len(joined) > width and lines[-1]:
            lines[-1] += ","
            lines.append(word)
        else:
            lines[-1] = joined
    return lines


def front(
    points: Mapping[str, Point], best: Sequence[str],
    colours: Mapping[str, str], x: str, y: str, spread: Mapping[str, float],
) -> str:  # fmt: skip
    """Quality against cost; the Pareto front joined and labelled.

    `spread` is half the height of a setting's bar.
    """
    with rc_context(STYLE):
        figure = Figure((8.2, 3.8), layout="constrained")
        axes = figure.subplots()
        for key, (cost, quality) in points.items():
            on = key in best
            axes.errorbar(cost, quality, spread.get(key, 0.0), color=colours[key],
                          lw=1, alpha=0.5)  # fmt: skip
            axes.plot(cost, quality, "o", ms=8 if on else 5, color=colours[key],
                      alpha=1 if on else 0.6)  # fmt: skip
        line = [points[key] for key in best]
        axes.plot(*zip(*line), color=GREY, lw=1, zorder=0)
        for key in best:
            axes.annotate(key, points[key], (6, 6), textcoords="offset points",
                          fontsize=8)  # fmt: skip
        costs = [cost for cost, _ in points.values()]
        axes.xaxis.set_major_formatter(EngFormatter(sep=""))
        if min(costs) > 0 and max(costs) / min(costs) > 10:
            axes.set_xscale("log")
        elif min(costs) == max(costs):
            axes.set_xlim(0, 2 * max(costs) or 1)
        axes.margins(x=0.15, y=0.12)
        axes.grid(color=PALE, lw=0.6)
        axes.set_axisbelow(True)
        axes.tick_params(length=0)
        axes.set_xlabel(x)
        axes.set_ylabel(y)
        return svg(figure, f"{y} against {x}")


def shade(value: float | int, low: float | int, high: float | int) -> str:
    """A cell's background: white at `low`, deep green-blue at `high`."""
    share = 0.0 if high == low or math.isnan(value) else (value - low) / (high - low)
    white, deep = np.array([255, 255, 255]), np.array([126, 190, 190])
    mixed = white + min(max(share, 0), 1) * (deep - white)
    return "#" + "".join(f"{round(c):02x}" for c in mixed)
