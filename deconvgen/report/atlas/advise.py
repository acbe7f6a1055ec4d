"""What the atlas recommends for a task: layers, the evidence, the command."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from deconvgen.core import files
from deconvgen.core.errors import UserError, unknown
from deconvgen.core.numbers import number
from deconvgen.report.atlas.cells import ahead, extent, front, measured, price
from deconvgen.report.atlas.rows import HERE
from deconvgen.report.blocks import Comparison
from deconvgen.report.costs import shown
from deconvgen.report.words import apart, plural
from deconvgen.sweep.design import ENOUGH

MOST = 5
"""Cells that are recommended."""
CARRIED = ("model.kernel_size", "data.name")
"""What a layer is, and what it was judged on: the ready command repeats it."""

TASK: dict[str, type] = {"measure": str, "mode": str, "data": str, "config": str}
TASK |= {"seeds": int, "logged": bool, "cells": list, "tells": object}
CELL: dict[str, type] = {"upsampler": str, "initializer": str, "seeds": int}
CELL |= {"lost": int, "judged": bool, "told": bool, "mean": object, "low": object}
CELL |= {"high": object, "difference": object, "difference_low": object}
CELL |= {"difference_high": object}
"""The fields that are read; of any kind those that may be null."""


def load(path: Path | str | None = None) -> dict[str, Any]:
    """`atlas.json`; by default that of the atlas that comes along."""
    path = Path(path) if path else HERE / "atlas.json"
    try:
        found = files.read_json(path, {"tasks": dict})
    except FileNotFoundError:
        raise UserError(
            f"there is no atlas at {path}: `deconvgen sweep atlas --workdir=DIR` and "
            "`deconvgen atlas DIR` make one"
        ) from None
    for task, about in found["tasks"].items():
        of = f"{task} in {path}"
        for cell in files.shaped(about, of, TASK)["cells"]:
            files.shaped(cell, f"a cell of {of}", CELL)
    return found


def named(task: str, device: str, atlas: Mapping[str, Any]) -> str:
    """The atlas's name of a task on a kind of device; a `UserError` where it has none.

    The empty device is that of the atlas, a CPU where it has both.
    """
    tasks = atlas["tasks"]
    plain = dict.fromkeys(name.partition("@")[0] for name in tasks)
    if task not in plain:
        raise unknown("task of the atlas", task, plain)
    have = {
        n.partition("@")[2] or "cpu": n for n in tasks if n.partition("@")[0] == task
    }
    device = device.lower()
    if device and device not in have:
        raise UserError(
            f"the atlas has {task} on {' and '.join(have)} alone, not on {device}; "
            f"`deconvgen sweep atlas` on one, and `deconvgen atlas DIR`, add it"
        )
    return have[device or next(iter(sorted(have)))]


def advise(
    task: str, budget: float = 0.0, atlas: Mapping[str, Any] | None = None
) -> list[dict[str, Any]]:
    """The best cell of a task, and cheaper ones near it, each better than all cheaper.

    Near: no test tells them from the best one of the task, and their means are no
    further from that of the best one here than what the design tells, so that none is
    near because it scatters.

    - budget: of multiply-adds an image, at most; 0: any.

    Where nothing of the task was judged, the best means in their order. Raises
    `UserError` for a task that the atlas lacks, for a budget below every cell's, and
    where no run has a figure.
    """
    tasks = (atlas or load())["tasks"]
    if task not in tasks:
        raise unknown("task of the atlas", task, tasks)
    about = tasks[task]
    every = [c for c in about["cells"] if c["mean"] is not None]
    if not every:
        raise UserError(f"no run of {task} in the atlas has a finite figure")
    within = [c for c in every if not budget or price(c) <= budget]
    if not within:
        prices = [price(c) for c in every if not math.isnan(price(c))]
        raise UserError(
            f"no layer of the atlas does {task} within {shown(budget)} multiply-adds "
            f"an image; the cheapest takes {shown(min(prices, default=math.nan))}"
        )
    judged = [c for c in within if c["judged"]]
    if not judged:
        return within[:MOST]
    best = judged[0]
    told = not best["told"]  # by the best of the task, where a budget leaves it out
    near = [c for c in judged if _near(c, best, about) and not (told and c["told"])]
    cheap = [near[i] for i in front(near, about["mode"], about["logged"])]
    cheap = [c for c in cheap if c is not best and price(c) < price(best)]
    return [best, *reversed(cheap[: MOST - 1])]


def _near(
    cell: Mapping[str, Any], best: Mapping[str, Any], about: Mapping[str, Any]
) -> bool:
    """Whether a mean is within what the design tells of the best one's."""
    tells = about["tells"] or math.inf
    if about["logged"]:
        return abs(math.log(cell["difference"] / best["difference"])) <= math.log(tells)
    return abs(cell["difference"] - best["difference"]) <= tells


def told(
    task: str, found: Sequence[Mapping[str, Any]], atlas: Mapping[str, Any]
) -> str:
    """The recommendation in words, with what it rests on and the ready command."""
    about = atlas["tasks"][task]
    best = about["cells"][0]
    lines = [f"{task}: {measured(about)} on {about['data']}, {extent(about)}."]
    if about["tells"]:
        factor = "a factor of " if about["logged"] else ""
        lines += [f"This design finds {factor}{about['tells']:.3g} four times of five."]
    if not best["judged"]:
        lines += [f"{unjudged(about)}, which takes {ENOUGH}; the means in their order."]
    lines += [*leads(about), ""]
    for cell in found:
        first = "the best that was judged" if best["judged"] else "the best mean"
        says = first if cell is best else _against(cell, best, about)
        half = (
            "" if cell["low"] is None else f" ± {(cell['high'] - cell['low']) / 2:.2g}"
        )
        lines += [
            f"  {name(cell)}: {cell['mean']:.4g}{half}, "
            f"{shown(price(cell))} multiply-adds{says and '; '}{says}"
        ]
    first = found[0]
    keys = [f"model.upsampler={first['upsampler']}"]
    keys += [f"model.initializer={first['initializer']}"]
    keys += [o for o in about.get("alike", []) if o.partition("=")[0] in CARRIED]
    words = " ".join(f"--config.{key}" for key in keys)
    lines += [
        "",
        f"deconvgen train --config={about['config']} {words} --workdir=runs/mine",
        "",
        "The runs are of small networks and few steps: multiply-adds are theirs.",
    ]
    return "\n".join(lines)


def name(cell: Mapping[str, Any]) -> str:
    """A layer and its start."""
    return f"{cell['upsampler']}, started by {cell['initializer']}"


def leads(about: Mapping[str, Any]) -> list[str]:
    """A sentence for each cell without a verdict that is better than the best one."""
    lost = lambda c: f", and {plural(c['lost'], 'run')} lost" if c["lost"] else ""
    return [
        f"{name(cell)}, has the better mean, {number(cell['mean'])}, and no verdict: "
        f"{plural(cell['seeds'], 'seed')}{lost(cell)}."
        for cell in ahead(about)
    ]


def unjudged(about: Mapping[str, Any]) -> str:
    """What to say of a task on which there is no verdict."""
    return f"{plural(about['seeds'], 'seed')}: no verdict"


def difference(cell: Mapping[str, Any], about: Mapping[str, Any]) -> str:
    """A cell's distance from the best one, with its interval; empty without one."""
    gap, low, high = (
        math.nan if cell[key] is None else cell[key]
        for key in ("difference", "difference_low", "difference_high")
    )
    return apart(Comparison(gap, low, high), about["logged"])


def _against(
    cell: Mapping[str, Any], best: Mapping[str, Any], about: Mapping[str, Any]
) -> str:
    gap = difference(cell, about)
    if not cell["judged"]:
        return f"{gap} against {name(best)}" if gap else ""
    return f"{gap} against {name(best)}: {'' if cell['told'] else 'not '}told apart"
