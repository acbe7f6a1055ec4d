"""The table of measures: what each figure is, which way it should go, whose it is.

measures.csv has a row for each, whose key is a figure's name or a pattern of names; of
several that fit, the first is meant. Its order is that of tables: how good images are,
what is special to a task, what upsampling left in them, what it cost, and what training
says on its way.
"""

import csv
import re
from collections.abc import Iterable
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import NamedTuple


class Measure(NamedTuple):
    """A row of the table."""

    key: str  # of the figure, as in an evaluation
    title: str
    better: str  # min, max, real (where the real images are) or "" (neither)
    unit: str
    group: str  # quality, task, artifact, cost or training
    needs: str  # what a few images do not have: neighbours, spectra
    about: str
    source: str

    def explained(self) -> str:
        """What it is, in its unit."""
        return f"{self.title}: {self.about}" + (f", in {self.unit}" * bool(self.unit))


WAYS = {
    "min": "lower is better",
    "max": "higher is better",
    "real": "the nearer to the real images' value, the better",
}
ARROWS = {"min": "↓", "max": "↑", "real": "→ real"}
"""The directions, in words and as signs."""


@cache
def measures() -> dict[str, Measure]:
    """The table, by key."""
    with Path(__file__).with_suffix(".csv").open(newline="", encoding="utf8") as file:
        return {row["key"]: Measure(**row) for row in csv.DictReader(file)}


@cache
def find(name: str) -> Measure | None:
    """The measure that a figure is of; None of one that the table lacks."""
    name = plain(name)
    fits = (row for key, row in measures().items() if fnmatchcase(name, key))
    return measures().get(name) or next(fits, None)


def explained(name: str) -> str:
    """What a figure is, in its unit; "" of one that the table lacks."""
    found = find(name)
    return found.explained() if found else ""


def plain(name: str) -> str:
    """A figure's name without what it is of: `test/psnr`, `class/3/psnr` are psnr."""
    return re.sub(r"^(test|validation|class/[^/]+)/", "", name)


def under(measure: str) -> str:
    """The figure whose learning curve `area(figure)` is taken of; else the same.

    Of `area(figure)_real` that is the real images' figure.
    """
    found = re.fullmatch(r"area\((.+)\)(_real)?", measure)
    return found[1] + (found[2] or "") if found else measure


def called(figure: str) -> str:
    """A figure in words: the title of its measure, and of what it is.

    >>> called("test/frechet_classifier")
    'Frechet distance (classifier, test images)'
    >>> called("phase_detail_ratio_s2")
    "evenness of the phases' detail (period 2)"
    """
    inner = under(figure)
    found, name = find(inner), plain(inner)
    if found is None:
        return name.replace("_", " ")
    fits = re.fullmatch(re.escape(found.key).replace(r"\*", "(.*)"), name)
    notes = [text.replace("_", " ") for text in fits.groups() if text] if fits else []
    if notes and found.key.endswith("_s*"):
        notes[-1] = f"period {notes[-1]}"
    if split := inner.removesuffix(name).rstrip("/"):
        notes.append(f"{split} images")
    title = f"{found.title} ({', '.join(notes)})" if notes else found.title
    return title if inner == figure else f"{title}, mean over training"


def asked(pattern: str) -> Measure | None:
    """The measure that an experiment asks for: `frechet_*`, `area(psnr)`."""
    return find(under(pattern).replace("*", "any"))


def direction(name: str) -> str:
    """Which of a figure's values is the best one of a run: max where the table says
    so, else min."""
    found = find(under(name))
    return "max" if found and found.better == "max" else "min"


def place(name: str) -> tuple[int, int]:
    """Where a figure stands in tables: its group, its row; others are a task's own."""
    rows = [*measures().values()]
    groups = [*dict.fromkeys(row.group for row in rows)]
    found = find(name)
    return (groups.index(found.group), rows.index(found)) if found else (1, len(rows))


def legend(figures: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """(figure, what it is and which way it should go) for (figure, mode), each once.

    The mode of a cost is empty.
    """
    told = {}
    for name, mode in figures:
        found, area = asked(name), under(name) != name
        curve = f"mean over the steps of the learning curve of {under(name)}, "
        text = f"{curve if area else ''}{found.explained()}" if found else ""
        told[name] = (text, WAYS.get(mode, ""))
    return [(name, "; ".join(filter(None, words))) for name, words in told.items()]
