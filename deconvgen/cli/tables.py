"""Tables on the terminal: how a run ended, what an evaluation found."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from rich import box
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
    same = {k: {str(r[k]) for r in records if k in r} for k in FACTS}
    facts = ", ".join(f"{k} {v.pop()}" for k, v in same.items() if len(v) == 1)
    look: Any = dict(box=box.SIMPLE_HEAD, padding=0)
    result = Table(title=title, caption=facts, **look)
    widest = max((len(name) for r in records for name in figures(r)), default=0)
    result.add_column("figure", overflow="fold", min_width=min(widest, 24))
    for name, record in columns.items():
        step = record.get("checkpoint", record.get("step", ""))
        result.add_column(f"{name}\nstep {step}", justify="right")
    found = {k: v for record in records[::-1] for k, v in figures(record).items()}
    real = {n for n in found if n.endswith("_real") and n[: -len("_real")] in found}
    truths = {str(r.get("split", "")): r for r in records[::-1]} if real else {}
    for split in truths:
        result.add_column(
            f"real\n{split if len(truths) > 1 else 'images'}", justify="right"
        )
    before = None  # the group of the row above
    rows = [n for n in found if n not in real and not n.startswith("images_")]
    for name in sorted(rows, key=place):
        cells = [shown(record.get(name, "")) for record in records]
        cells += [shown(r.get(f"{name}_real", "")) for r in truths.values()]
        if before is not None and place(name)[0] != before:
            result.add_section()
        before = place(name)[0]
        names = {label(name, r) for r in records if name in r}
        result.add_row(names.pop() if len(names) == 1 else name, *cells)
    return result


def explain(console: Terminal, *records: dict[str, Any]) -> None:
    """A line for each reason why figures are NaN."""
    for line in dict.fromkeys(line for r in records for line in trust.reasons(r)):
        console.print(line)


def print_outcome(outcome: Outcome, metric: str) -> None:
    """The end of `deconvgen train`."""
    best, last = outcome.best, outcome.last
    columns = {"best": best, "last": last} if best else {"last": last}
    if best and best["step"] == last["step"]:
        columns = {"best and last": last}
    if outcome.tests:
        step = {name: record["step"] for name, record in columns.items()}
        tests = {record["checkpoint"]: record for record in outcome.tests}
        size = lambda record: f"{record['num_examples']:,} {record['split']} images"
        columns = {
            f"{name}: {size(record)}": record
            for name in columns
            for record in (columns[name], tests.get(step[name]))
            if record
        }
    console = Terminal(soft_wrap=True)
    console.print(table(f"step {outcome.step}, best by {metric}", columns))
    explain(console, outcome.last)
    pictures = sorted((outcome.workdir / "samples").glob("*.png"))
    console.print(f"run folder  {outcome.workdir}")
    if pictures:
        console.print(f"samples     {pictures[-1]}")


def print_evaluation(
    results: dict[str, dict[str, Any]],
    place: Path,
    title: str,
    draw: Callable[[Path], Sequence[Path]],
) -> None:
    """The end of `deconvgen evaluate`: the table, evaluation.json, where things are.

    The figures have taken minutes: they are printed before anything is written, and
    written whoever has stopped reading. They go to `place` with the ending .json, and
    `draw` makes pictures in the folder `place`.
    """
    console = Terminal(soft_wrap=True)
    try:
        console.print(table(title, results))
        explain(console, *results.values())
    finally:
        known = {key: finite(record) for key, record in results.items()}
        try:
            path = files.write_json(
                place.with_name(f"{place.name}.json"), known, indent=2
            )
            pictures = draw(place)
        except OSError as error:
            raise UserError(
                f"the figures could not be written to {place.parent} "
                f"({error.strerror or error}): give another folder as --out"
            ) from None
    console.print(f"written to  {path}")
    for picture in pictures:
        console.print(f"picture     {picture}")
