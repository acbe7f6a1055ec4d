"""Runs as rows of a CSV file: what was trained, by which code, and what came of it.

`atlas.csv` has every figure of its runs; `EXPERIMENT.SIZE.csv`, what a sweep leaves in
`results/`, the measures that its experiment asks for, and costs.
"""

import csv
import hashlib
import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from deconvgen import config as configs
from deconvgen.core import files
from deconvgen.core.errors import UserError, near_match
from deconvgen.report.part import Part, figure
from deconvgen.report.results import Result
from deconvgen.report.study import Study
from deconvgen.runs import code, origin
from deconvgen.sweep.plan import Plan

ABOUT = (
    # task/layer:start/seed, of a GPU task@gpu/...; EXPERIMENT.SIZE/... but in an atlas
    "row",
    "experiment",
    "size",
    "task",
    "data",
    "upsampler",
    "initializer",
    "setting",  # JSON of what the experiment varies, but the seed
    "seed",
    "config",
    "overrides",
    "digest",
    "measure",
    "mode",
    "revision",
    "code",  # digest of what trains and measures: see `deconvgen.runs.code`
    "device",
    "versions",
)
"""The columns that say what a row is; the rest are figures."""

USUAL = ("config", "model.upsampler", "model.initializer", "seed")
"""Keys of a setting that a row's name has a place for."""
ALIKE = ("experiment", "size", "config", "data", "measure", "mode")
"""What rows have in common that are compared."""
COSTS = ("parameters_*", "multiply_adds_*", "milliseconds_*", "*_images_per_second")
Row = dict[str, Any]
HERE = Path(configs.folder("results"))


def rows(studies: Iterable[Study], atlas: bool = True) -> list[Row]:
    """A row for each finished run of the studies' experiments, in a lasting order.

    Of an `atlas` with every figure, else with those that the experiment asks for.
    Raises `UserError` for two runs of one name.
    """
    found: dict[str, Row] = {}
    for study in studies:
        for part in study.parts:
            for result in part.done:
                row = _row(result, part, study.plan, atlas)
                if row["row"] in found:
                    raise UserError(f"two runs are the row {row['row']}")
                found[row["row"]] = row
    return merged([], list(found.values()))


def merged(old: Sequence[Row], new: Sequence[Row]) -> list[Row]:
    """Both, in the lasting order; of one name the new row.

    Raises `UserError` where that was trained by other overrides than the old one: what
    rows of one sweep have in common would no longer be so.
    """
    found = {row["row"]: row for row in old}
    for row in new:
        before = found.setdefault(row["row"], row)
        told = [set(overrides(each)) for each in (before, row)]
        if other := sorted(told[0] ^ told[1]):
            raise UserError(
                f"the row {row['row']} is there already, trained otherwise "
                f"({', '.join(other)}): give another --out"
            )
        found[row["row"]] = row
    return [found[key] for key in sorted(found, key=_place(found))]


def overrides(row: Mapping[str, Any]) -> list[str]:
    """What a row's config was told, `KEY=VALUE`, but the seed."""
    every = json.loads(row.get("overrides") or "[]")
    return [one for one in every if not one.startswith("seed=")]


def _place(found: Mapping[str, Row]) -> Any:
    order = (
        "experiment",
        "size",
        "task",
        "upsampler",
        "initializer",
        "setting",
        "seed",
    )
    return lambda key: tuple(found[key][name] for name in order)


def named(result: Result) -> str:
    """The name of a run's row in an atlas: TASK/LAYER:START/SEED."""
    config = result.config
    where = kind(_made(result).get("device", ""))
    where = "" if where == "cpu" else f"@{where}"
    more = "".join(
        f",{key.rpartition('.')[2]}={configs.text(value)}"
        for key, value in result.trial.setting.items()
        if key not in USUAL
    )
    layer, start = config.model.upsampler, config.model.initializer
    return f"{config.task}{where}/{layer}:{start}{more}/{config.seed}"


def _made(result: Result) -> dict[str, Any]:
    """On what and by which code a run was trained, last."""
    return (origin.read(result.place) or [{}])[-1]


def _row(result: Result, part: Part, plan: Plan, atlas: bool) -> Row:
    config, made = result.config, _made(result)
    setting = {k: v for k, v in result.trial.setting.items() if k != "seed"}
    revision = made.get("revision", "")
    name = named(result)
    about = {
        "row": name if atlas else f"{plan.name}.{plan.size}/{name}",
        "experiment": plan.name,
        "size": plan.size,
        "task": config.task,
        "data": configs.data_name(config),
        "upsampler": config.model.upsampler,
        "initializer": config.model.initializer,
        "setting": json.dumps(setting),
        "seed": config.seed,
        "config": result.trial.config,
        "overrides": json.dumps(result.trial.overrides),
        "digest": digest(config),
        "measure": part.primary,
        "mode": part.measures.get(part.primary, ""),
        "revision": revision,
        "code": made.get("code") or code.at(revision),
        **{name: made.get(name, "") for name in ("device", "versions")},
    }
    figures = {**result.cost, **result.last}
    if not atlas:
        asked = [end for m in part.measures for end in (m, f"{m}_real")]
        kept = [n for n in figures for c in (*asked, *COSTS) if fnmatchcase(n, c)]
        figures = {name: figures[name] for name in kept}
    figures |= {m: figure(result, m) for m in part.measures}
    if part.measures.get(part.primary) == "real":
        figures |= {f"{part.primary}_real": figure(result, f"{part.primary}_real")}
    short = {k: float(f"{v:.7g}") for k, v in figures.items() if _number(v)}
    return about | short | {"seconds": round(result.seconds, 1)}


def kind(device: str) -> str:
    """`cpu`, `gpu` or `tpu`, of a device as rows name it."""
    if "TPU" in device:
        return "tpu"
    known = ("NVIDIA", "GPU", "Tesla", "GeForce", "Radeon", "Instinct")
    return "gpu" if any(word in device for word in known) else "cpu"


def digest(config: Any) -> str:
    """Twelve digits of what a config says: of its values that are not the defaults.

    Keys that are new since then change nothing.
    """
    usual = configs.rows(config.task)
    told = {key: json.dumps(v, default=str) for key, v in configs.flat(config).items()}
    default = {key: json.dumps(row.default) for key, row in usual.items()}
    own = {key: v for key, v in told.items() if v != default.get(key)}
    text = json.dumps(own, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def write(found: Sequence[Row], path: Path) -> None:
    """The rows as CSV; a figure that a task lacks is empty."""
    figures = sorted({name for row in found for name in row} - {*ABOUT})
    names = [*ABOUT, *figures]
    files.write_csv(path, [names, *([row.get(n, "") for n in names] for row in found)])


def read(path: Path | str | None = None) -> list[Row]:
    """The rows of a file; by default of the atlas that comes along."""
    path = Path(path) if path else HERE / "atlas.csv"
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            return [_typed(row) for row in csv.DictReader(file)]
    except (KeyError, TypeError, ValueError, csv.Error):
        raise UserError(
            f"{path} is no file of rows, as `deconvgen atlas` and `deconvgen record` "
            "write them"
        ) from None
    except FileNotFoundError:
        raise UserError(
            f"there are no rows at {path}: `deconvgen sweep atlas --workdir=DIR` and "
            "`deconvgen atlas DIR` make an atlas, `deconvgen record DIR` keeps another "
            "sweep"
        ) from None


def recorded(folder: Path = HERE) -> list[Row]:
    """The rows of all files of a folder, `results` by default."""
    return [row for path in sorted(folder.glob("*.csv")) for row in read(path)]


def _typed(row: Mapping[str, str]) -> Row:
    figures = {
        k: float(v) for k, v in row.items() if k not in ABOUT and v not in ("", None)
    }
    about: Row = {name: row[name] or "" for name in ABOUT}
    return about | {"seed": int(about["seed"])} | figures


def scored(
    rows: Sequence[Row], cell: Callable[[Row], str] = lambda row: row["setting"]
) -> tuple[dict[str, dict[int, float]], str]:
    """{cell: {seed: value}} of the primary measure, and whether min or max is best.

    Of a measure that is best near the real images', the distance from theirs. Raises
    `UserError` for two rows of one cell and seed, since one would hide the other, and
    for rows that were not trained and measured alike.
    """
    measure, mode = rows[0]["measure"], rows[0]["mode"]
    found: dict[str, dict[int, float]] = {}
    seen: dict[tuple[str, int], str] = {}
    trained: dict[str, tuple[str, set[str]]] = {}
    for row in rows:
        if unlike := [name for name in ALIKE if row[name] != rows[0][name]]:
            raise UserError(
                f"the rows {rows[0]['row']} and {row['row']} cannot be compared: their "
                f"{' and '.join(unlike)} differ"
            )
        own = {*overrides(row)}
        first, before = trained.setdefault(cell(row), (row["row"], own))
        if before != own:
            raise UserError(
                f"the rows {first} and {row['row']} are of one setting, and trained "
                f"otherwise ({', '.join(sorted(before ^ own))})"
            )
        place = (cell(row), row["seed"])
        if (other := seen.setdefault(place, row["row"])) != row["row"]:
            raise UserError(
                f"the rows {other} and {row['row']} are both seed {row['seed']} of "
                f"{cell(row)}: nothing here tells them apart"
            )
        if measure in row:
            value = row[measure]
            value = abs(value - row[f"{measure}_real"]) if mode == "real" else value
            found.setdefault(place[0], {})[row["seed"]] = value
    return found, "min" if mode == "real" else mode


def find(found: Sequence[Row], name: str) -> Row:
    """The row of that name; a `UserError` with the near match where there is none."""
    by_name = {row["row"]: row for row in found}
    if name not in by_name:
        raise UserError(
            f"there is no row {name!r}{near_match(name, by_name)}; a row of the atlas "
            "is TASK/LAYER:START/SEED, of another sweep EXPERIMENT.SIZE/TASK/..."
        )
    return by_name[name]
