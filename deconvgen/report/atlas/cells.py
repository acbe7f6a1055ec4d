"""The atlas as cells: a task, a layer and a start, with intervals and costs."""

import math
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from deconvgen.report import blocks, power
from deconvgen.report.atlas.rows import Row, scored
from deconvgen.report.statistics import interval, pareto

COSTS = (
    "parameters_generator",
    "parameters_model",
    "multiply_adds_train",
    "multiply_adds_sample",
    "sample_images_per_second",
    "train_images_per_second",
    "seconds",
)
"""The mean of each over a cell's seeds, where its rows have it."""


def cells(rows: Sequence[Row]) -> dict[str, Any]:
    """What `atlas.json` holds: of each task its measure, design and ranked cells.

    A cell is `told` worse than the best one where Tukey's test over all cells of the
    task, with seeds as blocks, says so; one of fewer seeds than a verdict takes is
    not judged. Runs on a GPU are a task of their own, `segmentation@gpu`. Raises
    `UserError` for rows of a task that are not of one sweep: see `rows.scored`.
    """
    tasks: dict[str, list[Row]] = {}
    for row in rows:
        tasks.setdefault(row["row"].partition("/")[0], []).append(row)
    return {"tasks": {name: _task(own) for name, own in tasks.items()}}


def _task(rows: Sequence[Row]) -> dict[str, Any]:
    measure, mode = rows[0]["measure"], rows[0]["mode"]
    named = lambda row: f"{row['upsampler']}:{row['initializer']}"
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(named(row), []).append(row)
    table, way = scored(rows, named)
    found = blocks.compare(table, way)
    least = power.tells(found)
    listed = [_cell(groups[name], table[name], found, name) for name in found.order]
    _mark_front(listed, way)
    return {
        "measure": measure,
        "mode": mode,
        "data": rows[0]["data"],
        "config": rows[0]["config"],
        "seeds": found.seeds,
        "tells": None if math.isnan(least) else least,
        "logged": found.logged,
        "revisions": sorted({row["revision"] for row in rows}),
        "devices": sorted({row["device"] for row in rows}),
        "cells": listed,
    }


def _cell(
    rows: Sequence[Row], values: Mapping[int, float], found: blocks.Analysis, name: str
) -> dict[str, Any]:
    mean, low, high, count, sd = interval(values.values())
    against = found.against.get(name)
    known = lambda value: None if math.isnan(value) else value
    costs = {
        cost: sum(row[cost] for row in rows) / len(rows)
        for cost in COSTS
        if all(cost in row for row in rows)
    }
    return {
        "upsampler": rows[0]["upsampler"],
        "initializer": rows[0]["initializer"],
        "mean": mean,
        "low": known(low),
        "high": known(high),
        "sd": known(sd),
        "seeds": count,
        "judged": name in found.judged,
        "difference": known(against.difference) if against else float(found.logged),
        "difference_low": known(against.low) if against else None,
        "difference_high": known(against.high) if against else None,
        "told": bool(against and against.told),
        **costs,
    }


def price(cell: Mapping[str, Any]) -> float:
    """What a cell costs: multiply-adds of drawing an image, or of training with one."""
    for name in ("multiply_adds_sample", "multiply_adds_train"):
        if cell.get(name):
            return float(cell[name])
    return math.nan


def _mark_front(listed: Sequence[dict[str, Any]], mode: str) -> None:
    """Say of each cell whether none is both cheaper and better."""
    sign = 1 if mode == "min" else -1
    points: dict[Hashable, tuple[float, float]] = {
        i: (price(c), sign * c["mean"])
        for i, c in enumerate(listed)
        if not math.isnan(price(c))
    }
    front = {*pareto(points)}
    for i, cell in enumerate(listed):
        cell["front"] = i in front
