"""Tables on the terminal: how a run ended, what an evaluation found."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from rich.table import Table

from deconvgen.core import files
from deconvgen.core.errors import UserError
from deconvgen.core.numbers import shown
from deconvgen.core.terminal import Terminal
from deconvgen.metrics import trust
from deconvgen.metrics.measures import find, place
from deconvgen.training.log import FACTS, figures
from deconvgen.training.loop import Outcome


def finite(record: dict[str, Any]) -> dict[str, Any]:
    """The record with None, JSON's null, for numbers that are not finite."""
    gone = lambda v: isinstance(v, float) and not math.isfinite(v)
    return {name: None if gone(value) else value for name, value in record.items()}


def label(name: str, record: dict[str, Any]) -> str:
    """A row's name; that of a set distance says between which images, in what space.

    With the extractor, the numbers of real and generated images, and the split of the
    real ones: "frechet_classifier (2000 test / 2000 generated)".
    """
    start = "images_real_"
    known = [key.removeprefix(start) for key in record if key.startswith(start)]
    own = next((e for e in known if f"_{e}" in name), "")
    own = "inception" if name.startswith("fid") else own
    row = find(name)
    if own not in known or not row or row.group != "quality":
        return name
    real, fake, training = (
        f"{record.get(f'images_{kind}_{own}', 0):.0f}"
        for kind in ("real", "fake", "training")
    )
    sets = f"{real} {record.get('split', 'real')} / {fake} generated"
    if name.endswith("_floor"):
        sets = f"{real} {record.get('split', 'real')} / {real} training"
    if name.startswith("fid"):
        sets = f"inception, {sets}"
    if name.startswith("memorization"):
        sets += f" / {training} training"
    return f"{name} ({sets})"


def table(title: str, columns: dict[str, dict[str, Any]]) -> Table:
    """Figures as rows, records as columns; their provenance as the caption.

    Figures of the real images, whose names end in `_real`, get a column of their own.
    """
    records = list(columns.values())
    facts = ", ".join(f"{k} {records[0][k]}" for k in FACTS if k in records[0])
    result = Table(title=title, caption=facts)
    result.add_column("figure")
    for name, record in columns.items():
        step = record.get("checkpoint", record.get("step", ""))
        result.add_column(f"{name}\nstep {step}", justify="right")
    found = figures(records[0])
    real = {n for n in found if n.endswith("_real") and n[: -len("_real")] in found}
    if real:
        result.add_column("real\nimages", justify="right")
    before = None  # the group of the row above
    rows = [n for n in found if n not in real and not n.startswith("images_")]
    for name in sorted(rows, key=place):
        cells = [shown(record.get(name, "")) for record in records]
        cells += [shown(found.get(f"{name}_real", ""))] if real else []
        if before is not None and place(name)[0] != before:
            result.add_section()
        before = place(name)[0]
        result.add_row(label(name, records[0]), *cells)
    return result


def explain(console: Terminal, *records: dict[str, Any]) -> None:
    """A line for each reason why figures are NaN."""
    for line in dict.fromkeys(line for r in records for line in trust.reasons(r)):
        console.print(line)


def print_outcome(outcome: Outcome, metric: str) -> None:
    """The end of `deconvgen train`."""
    columns = {"best": outcome.best} if outcome.best else {}
    columns["last"] = outcome.last
    console = Terminal(soft_wrap=True)
    console.print(table(f"step {outcome.step}, best by {metric}", columns))
    explain(console, outcome.last)
    pictures = sorted((outcome.workdir / "samples").glob("*.png"))
    console.print(f"run folder  {outcome.workdir}")
    if pictures:
        console.print(f"samples     {pictures[-1]}")


def print_evaluation(
    results: dict[str, dict[str, Any]],
    folder: Path,
    title: str,
    draw: Callable[[Path], Sequence[Path]],
) -> None:
    """The end of `deconvgen evaluate`: the table, evaluation.json, where things are.

    The figures have taken minutes: they are printed before anything is written, and
    written whoever has stopped reading. `draw` makes pictures in a folder.
    """
    console = Terminal(soft_wrap=True)
    try:
        console.print(table(title, results))
        explain(console, *results.values())
    finally:
        known = {key: finite(record) for key, record in results.items()}
        try:
            path = files.write_json(folder / "evaluation.json", known, indent=2)
            pictures = draw(folder / "evaluation")
        except OSError as error:
            raise UserError(
                f"the figures could not be written to {folder} "
                f"({error.strerror or error}): give another folder as --out"
            ) from None
    console.print(f"written to  {path}")
    for picture in pictures:
        console.print(f"picture     {picture}")
