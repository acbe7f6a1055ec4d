"""What the atlas recommends for a task: layers, the evidence, the command."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from deconvgen.core import files
from deconvgen.core.errors import UserError, unknown
from deconvgen.report.atlas.cells import price
from deconvgen.report.atlas.rows import HERE
from deconvgen.report.costs import shown
from deconvgen.report.words import plural
from deconvgen.sweep.design import ENOUGH

MOST = 5
"""Cells that are recommended."""


def load(path: Path | str | None = None) -> dict[str, Any]:
    """`atlas.json`; by default that of the atlas that comes along."""
    path = Path(path) if path else HERE / "atlas.json"
    try:
        return files.read_json(path, {"tasks": dict})
    except FileNotFoundError:
        raise UserError(
            f"there is no atlas at {path}: `deconvgen sweep atlas --workdir=DIR` and "
            "`deconvgen atlas DIR` make one"
        ) from None


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
    if device and device not in have:
        raise UserError(
            f"the atlas has {task} on {' and '.join(have)} alone, not on {device}; "
            f"`deconvgen sweep atlas` on one, and `deconvgen atlas DIR`, add it"
        )
    return have[device or next(iter(sorted(have)))]


def _near(cell: Mapping[str, Any], about: Mapping[str, Any]) -> bool:
    """Whether a cell's mean is within what the design tells of the best one's."""
    gap, tells = cell["difference"], about["tells"] or math.inf
    if about["logged"] and gap:  # 0 is the best one's in files of before
        return abs(math.log(gap)) <= math.log(tells)
    return abs(gap) <= tells


def _priced(cell: Mapping[str, Any]) -> bool:
    return not math.isnan(price(cell))


def advise(
    task: str, budget: float = 0.0, atlas: Mapping[str, Any] | None = None
) -> list[dict[str, Any]]:
    """The cells near the best one of a task, cheapest first.

    That is, no test tells them from it, and their means are no further from its than
    what the design tells: what is not told because it scatters is not recommended.

    - budget: of multiply-adds an image, at most; 0: any.

    Where nothing of the task was judged, the best means in their order. Raises
    `UserError` for a task that the atlas lacks, and for a budget below every cell's.
    """
    tasks = (atlas or load())["tasks"]
    if task not in tasks:
        raise unknown("task of the atlas", task, tasks)
    every = tasks[task]["cells"]
    within = [c for c in every if not budget or price(c) <= budget]
    if not within:
        least = min((price(c) for c in every if _priced(c)), default=math.nan)
        raise UserError(
            f"no layer of the atlas does {task} within {shown(budget)} multiply-adds "
            f"an image; the cheapest takes {shown(least)}"
        )
    if not any(c["judged"] for c in within):
        return within[:MOST]
    judged = [c for c in within if c["judged"]]
    if not budget or judged[0] is every[0]:
        good = [c for c in judged if not c["told"] and _near(c, tasks[task])]
        return sorted(good, key=lambda c: (not _priced(c), price(c)))[:MOST]
    return judged[:MOST]


def told(
    task: str, found: Sequence[Mapping[str, Any]], atlas: Mapping[str, Any]
) -> str:
    """The recommendation in words, with what it rests on and the ready command."""
    about = atlas["tasks"][task]
    best = about["cells"][0]
    lines = [
        f"{task}: {about['measure']} ({about['mode']}) on {about['data']}, "
        f"{len(about['cells'])} layers and starts, {plural(about['seeds'], 'seed')} "
        "each."
    ]
    if about["tells"]:
        factor = "a factor of " if about["logged"] else ""
        lines += [f"This design finds {factor}{about['tells']:.3g} four times of five."]
    if not any(c["judged"] for c in about["cells"]):
        count = plural(about["seeds"], "seed")
        lines += [
            f"{count}: no verdict, which takes {ENOUGH}; the means in their order."
        ]
    lines += [""]
    for cell in found:
        apart = "the best mean" if cell is best else _apart(cell, best, about)
        half = (
            "" if cell["low"] is None else f" ± {(cell['high'] - cell['low']) / 2:.2g}"
        )
        lines += [
            f"  {cell['upsampler']}, started by {cell['initializer']}: "
            f"{cell['mean']:.4g}{half}, {shown(price(cell))} multiply-adds; {apart}"
        ]
    first = found[0]
    lines += [
        "",
        f"deconvgen train --config={about['config']} "
        f"--config.model.upsampler={first['upsampler']} "
        f"--config.model.initializer={first['initializer']} --workdir=runs/mine",
    ]
    return "\n".join(lines)


def _apart(
    cell: Mapping[str, Any], best: Mapping[str, Any], about: Mapping[str, Any]
) -> str:
    name = f"{best['upsampler']}, {best['initializer']}"
    if cell["difference_low"] is None:
        gap = math.nan if cell["difference"] is None else cell["difference"]
        said = f"{gap:.3g} times" if about["logged"] else f"{gap:+.3g} from"
        return f"{said} {name}"
    low, high = cell["difference_low"], cell["difference_high"]
    word = "times" if about["logged"] else "from"
    said = "told" if cell["told"] else "not told"
    return f"{low:.3g} to {high:.3g} {word} {name}: {said} apart"
