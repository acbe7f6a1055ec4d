"""Tables on the terminal: how a run ended, what an evaluation found."""

import json
import math
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from deconvgen.train import Outcome

FACTS = ("split", "num_examples", "ema", "batch_norm", "seed")
NOT_FIGURES = (*FACTS, "checkpoint", "step", "kind")


def figures(record: dict[str, Any]) -> dict[str, Any]:
    """The numbers of a record, without its provenance."""
    return {k: v for k, v in record.items() if k not in NOT_FIGURES}


def finite(record: dict[str, Any]) -> dict[str, Any]:
    """The record with None, JSON's null, for numbers that are not finite."""
    gone = lambda v: isinstance(v, float) and not math.isfinite(v)
    return {name: None if gone(value) else value for name, value in record.items()}


def show(number: Any) -> str:
    """Four digits of a number; anything else as it is."""
    return f"{number:.4g}" if isinstance(number, float) else str(number)


def ranked(names: list[str]) -> list[str]:
    """Quality first, then what is special to the task, then artefacts, then counts."""
    groups = ("psnr", "ssim", "miou", "elbo", "frechet", "fid", "kid", "precision")
    groups += ("recall", "density", "coverage", "modes")
    last = ("phase", "replica", "high_band", "spectrum", "images_")
    last += ("parameters", "multiply", "train_", "sample_", "peak", "seconds")

    def place(name: str) -> int:
        for prefixes, offset in ((groups, 0), (last, 100)):
            for number, prefix in enumerate(prefixes):
                if name.startswith(prefix):
                    return offset + number
        return 50

    return sorted(names, key=place)


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
        result.add_column(f"{name} (step {step})", justify="right")
    found = figures(records[0])
    real = {n for n in found if n.endswith("_real") and n[: -len("_real")] in found}
    if real:
        result.add_column("real images", justify="right")
    for name in ranked([name for name in found if name not in real]):
        cells = [show(record.get(name, "")) for record in records]
        cells += [show(found.get(f"{name}_real", ""))] if real else []
        result.add_row(name, *cells)
    return result


def print_outcome(outcome: Outcome, metric: str) -> None:
    """The end of `deconvgen train`."""
    columns = {f"best by {metric}": outcome.best} if outcome.best else {}
    columns["last"] = outcome.last
    console = Console(highlight=False, soft_wrap=True)
    console.print(table(f"step {outcome.step}", columns))
    pictures = sorted((outcome.workdir / "samples").glob("*.png"))
    console.print(f"run folder  {outcome.workdir}")
    if pictures:
        console.print(f"samples     {pictures[-1]}")


def print_evaluation(
    results: dict[str, dict[str, Any]], folder: Path, title: str
) -> None:
    """The end of `deconvgen evaluate`: the table, and evaluation.json."""
    folder.mkdir(parents=True, exist_ok=True)  # a shipped checkpoint's is not there
    path = folder / "evaluation.json"
    known = {key: finite(record) for key, record in results.items()}
    path.write_text(json.dumps(known, indent=2, allow_nan=False) + "\n")
    console = Console(highlight=False, soft_wrap=True)
    console.print(table(title, results))
    console.print(f"written to  {path}")
