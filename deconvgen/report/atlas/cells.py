"""The atlas as cells: a task, a layer and a start, with intervals and costs."""

import math
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from deconvgen.core.errors import UserError
from deconvgen.report import blocks, power
from deconvgen.report.atlas.rows import Row, overrides, scored
from deconvgen.report.statistics import interval, pareto, ranking
from deconvgen.report.words import plural
from deconvgen.sweep.plan import load

TIMES = ("sample_images_per_second", "train_images_per_second", "seconds")
"""What only runs on one machine have in common."""
COSTS = (
    "parameters_generator",
    "parameters_model",
    "multiply_adds_train",
    "multiply_adds_sample",
    *TIMES,
)
"""The mean of each over a cell's seeds, where its rows have it."""


def cells(rows: Sequence[Row]) -> dict[str, Any]:
    """What `atlas.json` holds: of each task its measure, design and ranked cells.

    A cell is `told` worse than the best one where Tukey's test over all cells of the
    task, with seeds as blocks, says so. One of fewer seeds than a verdict takes is not
    judged, nor one that `lost` runs to figures that are not finite: it has no `place`,
    and comes after those that have. Runs on a GPU are a task of their own,
    `segmentation@gpu`. Raises `UserError` for rows of a task that are not of one
    sweep: see `rows.scored`.
    """
    tasks: dict[str, list[Row]] = {}
    for row in rows:
        tasks.setdefault(row["row"].partition("/")[0], []).append(row)
    return {"tasks": {name: _task(own) for name, own in tasks.items()}}


def _task(rows: Sequence[Row]) -> dict[str, Any]:
    measure, mode = rows[0]["measure"], rows[0]["mode"]
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(_named(row), []).append(row)
    table, way = scored(rows, _named)
    whole = {n: v for n, v in table.items() if len(v) == len(groups[n])}
    found = blocks.compare(whole, way)
    least = power.tells(found)
    devices = sorted({row["device"] for row in rows})
    costs = [c for c in COSTS if c not in TIMES or len(devices) == 1]
    lost = ranking({n: v for n, v in table.items() if n not in whole}, way)
    lost += [name for name in groups if name not in table]
    listed = [
        _cell(groups[name], table.get(name, {}), found, name, costs)
        for name in [*found.order, *lost]
    ]
    for place, cell in enumerate((c for c in listed if c["judged"]), 1):
        cell["place"] = place
    best = {*front(listed, mode, found.logged)}
    for i, cell in enumerate(listed):
        cell["front"] = i in best
    return {
        "measure": measure,
        "mode": mode,
        "data": rows[0]["data"],
        "config": rows[0]["config"],
        "alike": _alike(rows),
        "planned": _planned(rows),
        "seeds": found.seeds,
        "tells": None if math.isnan(least) else least,
        "logged": found.logged,
        "revisions": sorted({row["revision"] for row in rows}),
        "devices": devices,
        "cells": listed,
    }


def _named(row: Mapping[str, Any]) -> str:
    return f"{row['upsampler']}:{row['initializer']}"


def _alike(rows: Sequence[Row]) -> list[str]:
    """Overrides that all rows share, but the seed."""
    first, *others = map(overrides, rows)
    return [one for one in first if all(one in other for other in others)]


def _planned(rows: Sequence[Row]) -> dict[str, Any] | None:
    """How many cells and seeds the experiment has for the task, and which are missing.

    None where the experiment is not to be found, or names no layer and start.
    """
    try:
        trials = load(rows[0]["experiment"], rows[0]["size"]).trials
    except UserError:
        return None
    keys = ("model.upsampler", "model.initializer")
    own = [t for t in trials if t.config == rows[0]["config"]]
    names = {":".join(str(t.setting.get(key)) for key in keys): None for t in own}
    ran = {_named(row) for row in rows}
    if not ran <= {*names}:
        return None
    missing = [name for name in names if name not in ran]
    seeds = len({t.seed for t in own})
    return {"cells": len(names), "seeds": seeds, "missing": missing}


def extent(about: Mapping[str, Any]) -> str:
    """`29 of 44 layers and starts, 1 to 10 of 10 seeds`: what of a task was run."""
    plan, runs = about.get("planned"), [c["seeds"] + c["lost"] for c in about["cells"]]
    ran, few, most = len(runs), min(runs), max(runs)
    least = "" if few == most else f"{few} to "
    if not plan or (ran, few) == (plan["cells"], plan["seeds"]):
        return f"{ran} layers and starts, {least}{plural(most, 'seed')}"
    seeds = f"{least}{most} of {plan['seeds']} seeds"
    return f"{ran} of {plan['cells']} layers and starts, {seeds}"


def measured(about: Mapping[str, Any]) -> str:
    """What the means are of: a measure, or its distance from the real images'."""
    name = about["measure"]
    return f"distance from the real {name}" if about["mode"] == "real" else name


def ahead(about: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The cells without a verdict that are better than the best one that has one.

    Over the seeds in common; by the means alone, of one that lost runs.
    """
    best, *others = about["cells"]
    sign = -1 if about["mode"] == "max" else 1
    gap = lambda c: c["mean"] - best["mean"] if c["lost"] else _gap(c, about["logged"])
    known = [c for c in others if c["mean"] is not None and not c["judged"]]
    return [c for c in known if best["judged"] and sign * gap(c) < 0]


def _gap(cell: Mapping[str, Any], logged: bool) -> float:
    """How much more than the best one's, of logarithms the difference; NaN: unknown."""
    gap = cell["difference"]
    if gap is None:
        return math.nan
    return math.log(gap) if logged else gap


def _cell(
    rows: Sequence[Row],
    values: Mapping[int, float],
    found: blocks.Analysis,
    name: str,
    costs: Sequence[str],
) -> dict[str, Any]:
    mean, low, high, seeds, sd = interval(values.values())
    against = found.against.get(name)
    known = lambda value: None if math.isnan(value) else value
    mine = float(found.logged) if name == found.best else None
    return {
        "upsampler": rows[0]["upsampler"],
        "initializer": rows[0]["initializer"],
        "place": None,
        "mean": known(mean),
        "low": known(low),
        "high": known(high),
        "sd": known(sd),
        "seeds": seeds,
        "lost": len(rows) - seeds,
        "judged": name in found.judged,
        "difference": known(against.difference) if against else mine,
        "difference_low": known(against.low) if against else None,
        "difference_high": known(against.high) if against else None,
        "told": bool(against and against.told),
        **{
            cost: sum(row[cost] for row in rows) / len(rows)
            for cost in costs
            if all(cost in row for row in rows)
        },
    }


def price(cell: Mapping[str, Any]) -> float:
    """What a cell costs: multiply-adds of drawing an image, or of training with one."""
    for name in ("multiply_adds_sample", "multiply_adds_train"):
        if cell.get(name):
            return float(cell[name])
    return math.nan


def front(listed: Sequence[Mapping[str, Any]], mode: str, logged: bool) -> list[int]:
    """Of which cells none is both cheaper and better, cheapest first.

    Better by the differences from the best one, over the seeds in common. Of those
    that are judged, if any is; of none that lost runs.
    """
    sign = -1 if mode == "max" else 1
    judged = any(c["judged"] for c in listed)
    points: dict[Hashable, tuple[float, float]] = {
        i: (price(c), sign * _gap(c, logged))
        for i, c in enumerate(listed)
        if c["judged"] >= judged and not c["lost"]
    }
    return pareto({i: p for i, p in points.items() if not any(map(math.isnan, p))})
