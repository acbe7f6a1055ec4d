"""Pages of HTML that need no other file: tables, pictures and figures."""

import base64
import html
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from deconvgen.core import files, images

STYLE = Path(__file__).with_name("style.css").read_text("utf-8")
INK, GREY, ACCENT, WARM = "#1d2530", "#66707c", "#2463a8", "#c0392b"
COLOURS = (ACCENT, WARM, "#2e8b57", "#8e5ea2", "#c77c11")


def write(path: Path, title: str, parts: Iterable[str]) -> Path:
    """The page of a title and its parts."""
    text = (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{html.escape(title)}</title><style>\n{STYLE}</style></head><body>\n"
        f"<h1>{html.escape(title)}</h1>\n" + "\n".join(parts) + "\n</body></html>\n"
    )
    return files.write(path, text)


def paragraph(text: str, kind: str = "about") -> str:
    """A text of a style."""
    return f"<p class='{kind}'>{html.escape(text)}</p>"


def heading(text: str) -> str:
    """Of a part of the page."""
    return f"<h2>{html.escape(text)}</h2>"


def listed(sentences: Sequence[str], kind: str = "said") -> str:
    """Sentences, one below the other."""
    items = "".join(f"<li>{html.escape(text)}</li>" for text in sentences)
    return f"<ul class='{kind}'>{items}</ul>" if sentences else ""


def number(value: Any) -> str:
    """Four digits of a number, a dash for none; anything else as it is."""
    if isinstance(value, bool) or not isinstance(value, float | int):
        return str(value)
    if isinstance(value, float) and math.isnan(value):
        return "-"
    return f"{value:.4g}" if isinstance(value, float) else f"{value:,}"


def table(columns: Mapping[str, Mapping[str, Any]], meanings: Mapping[str, str]) -> str:
    """Figures as rows, a column for each record; what a row means beside it."""
    rows = list(dict.fromkeys(key for column in columns.values() for key in column))
    head = "".join(f"<th>{html.escape(name)}</th>" for name in columns)
    body = "".join(
        f"<tr><th scope=row>{html.escape(row)}</th>"
        + "".join(
            f"<td>{html.escape(number(column.get(row, '')))}</td>"
            for column in columns.values()
        )
        + f"<td style='text-align:left'>{html.escape(meanings.get(row, ''))}</td></tr>"
        for row in rows
    )
    return (
        f"<div class=scroll><table><thead><tr><th>figure</th>{head}<th></th></tr>"
        f"</thead><tbody>{body}</tbody></table></div>"
    )


def picture(pixels: np.ndarray, caption: str, smallest: int = 0) -> str:
    """One picture [h, w, c] in uint8, enlarged to `smallest` pixels at least."""
    held = io.BytesIO()
    images.picture(pixels, smallest).save(held, "PNG")
    return _image(held.getvalue(), caption)


def grid(batch: np.ndarray, caption: str, columns: int = 0, smallest: int = 0) -> str:
    """Pictures [n, h, w, c] in [-1, 1] beside each other."""
    return picture(images.grid(batch, columns), caption, smallest)


def plot(figure: Figure, caption: str) -> str:
    """A figure of Matplotlib."""
    FigureCanvasAgg(figure)
    held = io.BytesIO()
    figure.savefig(held, format="png", dpi=110)
    return _image(held.getvalue(), caption)


def row(parts: Iterable[str]) -> str:
    """Pictures side by side, as far as the page is wide."""
    return f"<div class=pictures>{''.join(parts)}</div>"


def axes(width: float = 6.0, height: float = 2.8) -> tuple[Figure, Any]:
    """A figure of one plot without a box around it."""
    figure = Figure(figsize=(width, height), layout="constrained", facecolor="white")
    ax = figure.add_subplot()
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    ax.tick_params(labelsize=8, colors=GREY)
    return figure, ax


def _image(png: bytes, caption: str) -> str:
    data = base64.b64encode(png).decode()
    said = html.escape(caption)
    return (
        f"<figure><img alt='{html.escape(caption[:80], quote=True)}' "
        f"src='data:image/png;base64,{data}'><figcaption>{said}</figcaption></figure>"
    )
