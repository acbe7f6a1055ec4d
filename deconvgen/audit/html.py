"""The audit as one picture and as one HTML page that needs no other file."""

import base64
import html
import io
from collections.abc import Sequence
from pathlib import Path
from string import Template
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from deconvgen.audit.probe import Audit
from deconvgen.audit.sheet import STYLE
from deconvgen.audit.terminal import COLUMNS, by, name, ratio, short, title, verdict
from deconvgen.core import files

PICTURES = (
    ("overlap", "what a pixel sees,\nall weights equal"),
    ("one pixel in", "size of the answer,\nover the features"),
    ("a constant in", "three features as\nred, green, blue"),
    ("frequency response", "dB, cycles a pixel of the output; what is there\n"
     "at 1/factor (dotted) is checkerboard"),
)  # fmt: skip
TEMPLATE = Template(Path(__file__).with_name("page.html").read_text("utf-8"))
INK, GREY, ACCENT = "#1d2530", "#66707c", "#2463a8"


def picture(audits: Sequence[Audit], path: Path | str, labels: bool = True) -> None:
    """One PNG with a row for each layer, its name and figures beside it."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(_figure(audits, labels))


def page(audits: Sequence[Audit], path: Path | str) -> None:
    """One HTML page: the table with its colours, what it means, and the pictures.

    >>> page([audit("nearest_conv", features=4, size=4)], "audit.html")
    """
    heads = "".join(f"<th>{html.escape(c.head)}</th>" for c in COLUMNS)
    rows = "".join(
        f"<tr><th scope=row><a href='#{_place(a)}'>{name(a, audits)}</a></th>"
        + "".join(f"<td class='{c.grade(a)}'>{c.text(a)}</td>" for c in COLUMNS)
        + "</tr>"
        for a in audits
    )
    meanings = "".join(
        f"<dt>{html.escape(c.head)}</dt><dd>{html.escape(c.meaning)}</dd>"
        for c in COLUMNS[1:]
    )
    cards = "".join(_card(a, name(a, audits)) for a in audits)
    text = TEMPLATE.substitute(
        title=html.escape(title(audits)),
        heads=heads,
        rows=rows,
        meanings=meanings,
        cards=cards,
        style=STYLE,
    )
    files.write(Path(path), text)


def _place(audit: Audit) -> str:
    """The name of the layer's section of the page."""
    return f"{audit.upsampler}-{by(audit.kernel_size)}-{audit.initializer}"


def _card(audit: Audit, called: str) -> str:
    """A section of the page: what the layer does, in words and in pictures."""
    image = base64.b64encode(_figure([audit], labels=False)).decode()
    words, kernel = " ".join(verdict(audit)), by(audit.kernel_size)
    layer, *start = called.split(", ")
    heading = ", ".join([layer, f"kernel {kernel}", *start])
    return (
        f"<section id='{_place(audit)}'><h3>{heading}</h3>"
        f"<p>{html.escape(words)}</p><img alt='pictures of {called}' "
        f"src='data:image/png;base64,{image}'></section>"
    )


def _figure(audits: Sequence[Audit], labels: bool) -> bytes:
    """PNG bytes: a row for each audit, a column for each kind of picture."""
    n, head = len(audits), 0.6
    widths = [2.7 * labels, 1.35, 1.35, 1.35, 0.02, 3.4][1 - labels :]
    height = 1.45 * n + head + (0.6 if labels else 0.2)
    figure = Figure(figsize=(sum(widths) + 0.9, height), facecolor="white")
    FigureCanvasAgg(figure)
    grid = figure.add_gridspec(
        n,
        len(widths),
        width_ratios=widths,
        left=0.015,
        right=0.985,
        top=1 - (head + (0.35 if labels else 0)) / height,
        bottom=(0.25 if labels else 0.2) / height,
        wspace=0.16,
        hspace=0.28,
    )
    for i, audit in enumerate(audits):
        places = [j for j in range(len(widths)) if j != len(widths) - 2]  # a gap
        axes = [figure.add_subplot(grid[i, j]) for j in places]
        if labels:
            _label(axes.pop(0), audit, name(audit, audits))
        _draw(axes, audit, last=i == n - 1)
        if i == 0:
            for ax, (head, what) in zip(axes, PICTURES, strict=True):
                at: Any = {"xycoords": "axes fraction", "textcoords": "offset points"}
                at |= {"xy": (0, 1), "annotation_clip": False}
                ax.annotate(
                    head, xytext=(0, 32), weight="bold", color=INK, fontsize=9, **at
                )
                ax.annotate(what, xytext=(0, 6), color=GREY, fontsize=7.5, **at)
    if labels:
        line = f"Upsampling layers before training: {title(audits)}"
        at = 1 - 0.12 / height
        figure.text(0.02, at, line, va="top", weight="bold", color=INK, fontsize=11)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=120)
    return buffer.getvalue()


def _label(ax: Axes, audit: Audit, called: str) -> None:
    """Name and figures of a row."""
    ax.axis("off")
    c = audit.cost
    lines = (
        f"kernel {by(audit.kernel_size)}, {short(c.parameters)} parameters\n"
        f"{short(c.multiply_adds)} multiply-adds, {short(c.activation_bytes, 'B')}\n"
        f"phase variance {ratio(audit.phase_variance)}, DC gap {audit.dc_gap:.2f}\n"
        f"shift error {audit.shift_error:.2f}, "
        f"gradient ratio {ratio(audit.gradient_ratio)}"
    )
    ax.text(0, 0.98, called, va="top", weight="bold", color=INK, fontsize=9.5)
    ax.text(0, 0.76, lines, va="top", color=INK, fontsize=8, linespacing=1.45)


def _draw(axes: Sequence[Axes], audit: Audit, last: bool) -> None:
    """The four pictures of a row."""
    overlap, impulse, constant, curve = axes
    middle = slice(audit.overlap.shape[0] // 4, -(audit.overlap.shape[0] // 4))
    across = slice(audit.overlap.shape[1] // 4, -(audit.overlap.shape[1] // 4))
    overlap.imshow(audit.overlap[middle, across], cmap="viridis", vmin=0, vmax=1)
    impulse.imshow(audit.impulse, cmap="magma", vmin=0)
    scale = np.sqrt((audit.constant**2).mean()) or 1
    colours = np.clip(0.5 + 0.22 * audit.constant / scale, 0, 1)
    constant.imshow(colours[middle, across])
    for ax in (overlap, impulse, constant):
        ax.set(xticks=[], yticks=[])
        for spine in ax.spines.values():
            spine.set_color("#c8ced6")
    decibels = 10 * np.log10(np.maximum(audit.response, 1e-6))
    s = max(audit.factor)
    for multiple in range(1, s // 2 + 1):
        curve.axvline(multiple / s, color="#c0392b", linewidth=1.2, linestyle=":")
    curve.axhline(0, color="#dde2e8", linewidth=0.8, zorder=0)
    curve.plot(audit.frequencies, decibels, color=ACCENT, linewidth=1.6)
    curve.set(xlim=(0, 0.503), ylim=(-62, 12), yticks=[0, -20, -40, -60])
    curve.set_xticks([0, 0.1, 0.2, 0.3, 0.4, 0.5])
    curve.tick_params(labelsize=7, colors=GREY, length=2, labelbottom=last)
    for side in ("top", "right"):
        curve.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        curve.spines[side].set_color("#c8ced6")
