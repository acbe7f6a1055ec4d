"""The atlas as rows, one a run: what was trained, where, and every figure of it."""

import csv
import hashlib
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from deconvgen import config as configs
from deconvgen.core.errors import UserError, near_match
from deconvgen.report.results import Result
from deconvgen.report.study import Study
from deconvgen.runs import origin

ABOUT = (
    "row",  # task/layer:start/seed
    "task",
    "data",
    "upsampler",
    "initializer",
    "seed",
    "config",
    "overrides",
    "digest",
    "measure",
    "mode",
    "revision",
    "device",
    "versions",
)
"""The columns that say what a row is; the rest are figures."""

Row = dict[str, Any]
HERE = Path(configs.folder("results"))


def rows(studies: Iterable[Study]) -> list[Row]:
    """A row for each finished run of the studies' experiments, in a lasting order.

    Raises `UserError` for two runs of one task, layer, start and seed.
    """
    found: dict[str, Row] = {}
    for study in studies:
        for part in study.parts:
            for result in part.done:
                row = _row(result, part.primary, part.measures.get(part.primary, ""))
                if row["row"] in found:
                    raise UserError(
                        f"two runs are the row {row['row']} of the atlas: "
                        f"{result.trial.name} and another; vary layers and starts alone"
                    )
                found[row["row"]] = row
    return merged([], list(found.values()))


def merged(old: Sequence[Row], new: Sequence[Row]) -> list[Row]:
    """Both, in the lasting order; of one name the new row."""
    found = {row["row"]: row for row in (*old, *new)}
    return [found[key] for key in sorted(found, key=_place(found))]


def _place(found: Mapping[str, Row]) -> Any:
    return lambda key: tuple(
        found[key][name] for name in ("task", "upsampler", "initializer", "seed")
    )


def _row(result: Result, measure: str, mode: str) -> Row:
    config = result.config
    model, task = config.model, config.task
    made = (origin.read(result.place) or [{}])[-1]
    layer, start = model.upsampler, model.initializer
    about = {
        "row": f"{task}/{layer}:{start}/{config.seed}",
        "task": task,
        "data": configs.data_name(config),
        "upsampler": layer,
        "initializer": start,
        "seed": config.seed,
        "config": result.trial.config,
        "overrides": json.dumps(result.trial.overrides),
        "digest": digest(config),
        "measure": measure,
        "mode": mode,
        **{name: made.get(name, "") for name in ("revision", "device", "versions")},
    }
    figures = {k: v for k, v in {**result.cost, **result.last}.items() if _number(v)}
    return about | figures | {"seconds": round(result.seconds, 1)}


def digest(config: Any) -> str:
    """Twelve digits of what a config says."""
    text = json.dumps(configs.flat(config), sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def write(found: Sequence[Row], path: Path) -> None:
    """The rows as CSV; a figure that a task lacks is empty."""
    figures = sorted({name for row in found for name in row} - {*ABOUT})
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [*ABOUT, *figures], lineterminator="\n")
        writer.writeheader()
        writer.writerows(found)


def read(path: Path | str | None = None) -> list[Row]:
    """The rows of a file; by default of the atlas that comes along."""
    path = Path(path) if path else HERE / "atlas.csv"
    try:
        with path.open(newline="", encoding="utf-8") as file:
            return [_typed(row) for row in csv.DictReader(file)]
    except FileNotFoundError:
        raise UserError(
            f"there is no atlas at {path}: `deconvgen sweep atlas --workdir=DIR` and "
            "`deconvgen atlas DIR` make one"
        ) from None


def _typed(row: Mapping[str, str]) -> Row:
    figures = {
        k: float(v) for k, v in row.items() if k not in ABOUT and v not in ("", None)
    }
    about = {name: row.get(name, "") for name in ABOUT}
    return about | {"seed": int(about["seed"])} | figures


def find(found: Sequence[Row], name: str) -> Row:
    """The row of that name; a `UserError` with the near match where there is none."""
    by_name = {row["row"]: row for row in found}
    if name not in by_name:
        raise UserError(
            f"the atlas has no row {name!r}{near_match(name, by_name)}; a row is "
            "TASK/LAYER:START/SEED"
        )
    return by_name[name]
