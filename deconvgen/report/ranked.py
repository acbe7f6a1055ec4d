"""Recorded rows compared, as a page tells it: an order, and by how much."""

import json
from collections.abc import Sequence
from typing import Any

from deconvgen.core.numbers import number
from deconvgen.report import blocks, power
from deconvgen.report.atlas.rows import Row
from deconvgen.report.words import apart, brief, plural


def about(rows: Sequence[Row]) -> str:
    """How many runs, of which code, on what."""
    each = lambda name: ", ".join(sorted({row[name] for row in rows}))
    return f"{len(rows)} runs, revision {each('revision')}, on {each('device')}."


def own(key: str) -> dict[str, Any]:
    """A row's setting without its config."""
    return {k: v for k, v in json.loads(key).items() if k != "config"}


def cell(found: blocks.Analysis, setting: str) -> str:
    """A setting's mean and its difference from the best; empty where it did not run."""
    if setting not in found.means:
        return ""
    gap = found.against.get(setting)
    said = "best" if gap is None else apart(gap, found.logged)
    return f"{number(found.means[setting])}; {said}{' *' * bool(gap and gap.told)}"


def legend(found: Sequence[blocks.Analysis], heads: Sequence[str]) -> str:
    """How to read the cells, and what so many seeds could tell."""
    seeds = plural(min(each.seeds for each in found), "seed")
    if not any(each.judged for each in found):
        return f"{seeds}: no verdict. Behind the mean its difference from the best."
    told = ", ".join(
        f"{'a factor of ' * each.logged}{brief(power.tells(each))} at {head}"
        for each, head in zip(found, heads, strict=True)
    )
    return (
        f"{seeds}. Behind the mean its difference from the best, with the "
        "interval that holds for all pairs together; * told worse. What so many seeds "
        f"find four times of five: {told}."
    )
