"""What the layers of an atlas made: a strip of samples of each, task by task."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from deconvgen.core import images
from deconvgen.report import samples
from deconvgen.report.atlas.rows import named
from deconvgen.report.results import Result
from deconvgen.report.samples import Sheet
from deconvgen.report.study import Study

FOLDER = "atlas.pictures"
"""Beside `atlas.json`: TASK.LAYER.START.SEED.png."""


def keep(found: Iterable[Study], atlas: Mapping[str, Any], folder: Path) -> None:
    """Write the first samples of each layer, of its best start's lowest seed.

    A layer whose runs here drew none, or were started otherwise, keeps what it had.
    """
    starts: dict[tuple[str, str], str] = {}
    for task, about in atlas["tasks"].items():
        for cell in about["cells"]:
            starts.setdefault((task, cell["upsampler"]), cell["initializer"])
    runs: dict[tuple[str, str], Result] = {}
    for result in (r for study in found for part in study.parts for r in part.done):
        place = named(result).partition("/")[0], result.config.model.upsampler
        if starts.get(place) == result.config.model.initializer and result.picture():
            first = runs.setdefault(place, result)
            runs[place] = min(first, result, key=lambda each: each.seed)
    for (task, layer), result in runs.items():
        sheet = samples.sheet(result)
        if sheet is not None:
            name = f"{task}.{layer}.{starts[task, layer]}.{result.seed}.png"
            for old in folder.glob(f"{task}.{layer}.*.png"):
                old.unlink()
            folder.mkdir(parents=True, exist_ok=True)
            images.save(samples.row(telling(sheet)), folder / name)


def telling(sheet: Sheet) -> Sheet:
    """With the examples of most contrast first, where each has its original beside it;
    samples of a latent as they are."""
    if sheet.cells.shape[2] == sheet.width:
        return sheet
    contrast = sheet.cells[:, :, : sheet.width].std((1, 2, 3))
    return sheet._replace(cells=sheet.cells[np.argsort(-contrast, kind="stable")])


def kept(folder: Path, task: str, cell: Mapping[str, Any]) -> Path | None:
    """The strip of a layer and start in a task, where there is one."""
    name = f"{task}.{cell['upsampler']}.{cell['initializer']}.*.png"
    return next(iter(sorted(folder.glob(name))), None)
