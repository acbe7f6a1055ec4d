"""What a run folder shows while it trains: its step, curves and newest samples."""

import io
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from matplotlib import rc_context
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from PIL import Image

from deconvgen.core.terminal import clock
from deconvgen.metrics.measures import called
from deconvgen.training.log import METRICS, read

SMOOTH = 400
"""Points of a curve, at most: the means of as many stretches."""
STYLE: Any = {
    "svg.fonttype": "none",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.facecolor": "none",
    "figure.facecolor": "none",
}
DARK = "<style>.dark .curves svg {filter: invert(1) hue-rotate(180deg)}</style>"


class Seen(NamedTuple):
    """What there is to see of a run now."""

    said: str
    curves: str  # HTML; empty before the first record
    samples: np.ndarray | None  # uint8 [h, w, c]


def stamp(folder: Path) -> float:
    """When its records last changed; 0 where it has none."""
    path = folder / METRICS
    return path.stat().st_mtime if path.exists() else 0.0


def look(folder: Path, config: Any) -> Seen:
    """A run folder as it is now; the run may be training meanwhile."""
    records = read(folder / METRICS)
    if not records:
        return Seen("nothing is recorded yet", "", None)
    step, ago = records[-1]["step"], time.time() - stamp(folder)
    over = step >= config.steps
    heard = "finished" if over else f"last heard of {clock(max(ago, 0.0))} ago"
    return Seen(
        f"step {step:,} of {config.steps:,}, {heard}",
        curves(records, config.monitor.metric),
        newest(folder),
    )


def newest(folder: Path) -> np.ndarray | None:
    """The newest sample grid; None where there is none, or it is just being written."""
    found = sorted((folder / "samples").glob("*.png"))
    try:
        return np.asarray(Image.open(found[-1])) if found else None
    except OSError:
        return None


def curves(records: Sequence[Mapping[str, Any]], metric: str) -> str:
    """Losses and the monitored figure over the steps, as HTML."""
    train = [r for r in records if r["kind"] == "train"]
    evals = [r for r in records if r["kind"] == "eval"]
    losses = dict.fromkeys(k for r in train for k in r if "loss" in k)
    seen = points(evals, metric)
    with rc_context(STYLE):
        figure = Figure((7, 2.4), layout="constrained")
        left, right = figure.subplots(1, 2)
        for name in losses:
            left.plot(*thinned(points(train, name)), lw=1.2, label=name)
        if losses:
            left.legend(fontsize=8, frameon=False)
        left.set_title("losses", fontsize=9, loc="left")
        if seen:
            right.plot(*zip(*seen), "o-", ms=3, lw=1.2)
        told = "no evaluation yet" if not evals else f"no finite {called(metric)} yet"
        told = called(metric) if seen else told
        right.set_title(told, fontsize=9, loc="left")
        for axes in (left, right):
            axes.set_xlabel("step", fontsize=8)
            axes.grid(lw=0.4, alpha=0.5)
        text = io.StringIO()
        FigureCanvasSVG(figure).print_svg(text, metadata={"Date": None})
    drawn = text.getvalue()
    look = 'role="img" aria-label="curves" style="max-width:100%;height:auto"'
    drawn = drawn[drawn.index("<svg") :].replace("<svg ", f"<svg {look} ", 1)
    return f"{DARK}<div class=curves>{drawn}</div>"


def points(
    records: Sequence[Mapping[str, Any]], name: str
) -> list[tuple[int, float | int]]:
    """The finite values of a figure, by step."""
    numbers = ((r["step"], r.get(name)) for r in records)
    return [(x, y) for x, y in numbers if isinstance(y, float | int)]


def thinned(found: Sequence[tuple[int, float | int]]) -> tuple[np.ndarray, np.ndarray]:
    """Steps and values, in the means of at most SMOOTH stretches."""
    steps, values = np.array(found, np.float64).reshape(-1, 2).T
    parts = min(len(steps), SMOOTH) or 1
    mean = lambda x: np.array([part.mean() for part in np.array_split(x, parts)])
    return (mean(steps), mean(values)) if len(steps) else (steps, values)
