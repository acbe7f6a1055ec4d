"""What publications found, held against recorded rows: reproduced, or not, or open."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from deconvgen import config as configs
from deconvgen.report import blocks
from deconvgen.report.atlas.rows import Row, scored
from deconvgen.report.words import apart
from deconvgen.sweep.claims import Claim, matches
from deconvgen.sweep.design import ENOUGH
from deconvgen.sweep.plan import load

YES, NO, OPPOSITE = "reproduced", "not reproduced", "not reproduced: the opposite"
OPEN, FEW, NONE = "cannot be told here", "too few seeds", "not run yet"


class Effect(NamedTuple):
    """A claim and what became of it."""

    claim: Claim
    config: str
    measure: str
    mode: str
    verdict: str
    better: str = ""  # the settings that were compared
    than: str = ""
    difference: blocks.Comparison = blocks.Comparison(math.nan)
    logged: bool = False
    seeds: int = 0

    def words(self) -> str:
        """`gan: kernel_size 4 better than kernel_size 3: -0.2 (-0.3 to -0.1)`."""
        of = f"distance from the real {self.measure}" if self.mode == "real" else ""
        said = apart(self.difference, self.logged)
        text = f"{self.config}, {self.claim.words()}: {of or self.measure} {said}"
        return text if said else f"{self.config}, {self.claim.words()}"


class Finding(NamedTuple):
    """One of a publication's."""

    name: str  # of the experiment
    says: str
    source: str
    size: str
    effects: Sequence[Effect]
    rows: Sequence[Row]
    remark: str = ""  # what was seen of the runs

    @property
    def verdict(self) -> str:
        """Of all claims together; where they differ, of how many what."""
        found = [each.verdict for each in self.effects]
        kinds = list(dict.fromkeys(found))
        if len(kinds) < 2:
            return kinds[0] if kinds else NONE
        return ", ".join(
            f"{kind} ({found.count(kind)} of {len(found)})" for kind in kinds
        )


def names() -> list[str]:
    """The experiments that say what a publication found."""
    module = lambda name: configs.module(configs.find(name, "experiments"))
    return [n for n in configs.names("experiments") if hasattr(module(n), "CLAIMS")]


def finding(name: str, rows: Sequence[Row], size: str = "study") -> Finding:
    """The finding of an experiment, by its recorded rows."""
    file = configs.module(configs.find(name, "experiments"))
    plan = load(name, size)
    tells = plan.design.tells if plan.design else {}
    own = [r for r in rows if (r["experiment"], r["size"]) == (name, size)]
    whole: dict[str, blocks.Analysis] = {}
    effects = []
    for claim in file.CLAIMS:
        config = claim.config or file.BASE
        measure = plan.design.measure(config) if plan.design else ""
        of = [r for r in own if r["config"] == config]
        waiting = sum(t.config == config for t in plan.trials) - len(of)
        if not of or waiting > 0:
            effects.append(Effect(claim, config, measure, "", NONE))
            continue
        if config not in whole:
            whole[config] = blocks.compare(*scored(of))
        least = tells.get(measure, 0.0)
        effects.append(_effect(claim, config, of, least, whole[config].order))
    remark = getattr(file, "REMARK", "")
    return Finding(name, file.FINDING, file.SOURCE, size, effects, own, remark)


def single_winner(atlas: Mapping[str, Any]) -> tuple[str, str, str]:
    """ "No single winner" (Wojna et al. 2019), its verdict, and why; by the atlas.

    A winner would be a layer that no task's test tells, with all its starts, from the
    best of that task. A layer that was not judged in a task is neither.
    """
    says = "No single decoder is best in every task"
    judged = {}
    for task, about in atlas.get("tasks", {}).items():
        if own := [c for c in about["cells"] if c["judged"]]:
            judged[task] = own
    if len(judged) < 2:
        return says, NONE, "`experiments/atlas.py`"
    layers = {c["upsampler"] for t in atlas["tasks"].values() for c in t["cells"]}
    known = lambda layer, own: [c for c in own if c["upsampler"] == layer]
    worse = {
        layer
        for layer in layers
        for own in judged.values()
        if known(layer, own) and all(c["told"] for c in known(layer, own))
    }
    seeds = min(atlas["tasks"][task]["seeds"] for task in judged)
    over = f"in {len(judged)} tasks, {seeds} seeds or more"
    left = sorted(layers - worse)
    if not left:
        return says, YES, f"each layer is told worse than the best one somewhere {over}"
    part = lambda layer: sum(bool(known(layer, own)) for own in judged.values())
    named = [
        layer + f" (judged in {part(layer)})" * (part(layer) < len(judged))
        for layer in left
    ]
    return says, OPEN, f"told worse than the best nowhere {over}: {', '.join(named)}"


def _effect(
    claim: Claim, config: str, rows: Sequence[Row], tells: float, order: Sequence[str]
) -> Effect:
    """The pair that the claim means, by the test of all settings, best first."""
    measure, mode = rows[0]["measure"], rows[0]["mode"]
    table, way = scored(rows)
    sides = [_best(side, order) for side in (claim.better, claim.than)]
    blank = Effect(claim, config, measure, mode, NONE, sides[0], sides[1])
    if not all(sides):
        return blank
    found = blocks.compare(table, way, base=sides[1])
    seeds = min(len(table[side]) for side in sides)
    if found.best != sides[1]:
        return blank._replace(verdict=FEW, seeds=seeds)
    gap, logged = found.against[sides[0]], found.logged
    told = blank._replace(difference=gap, logged=logged, seeds=seeds)
    if math.isnan(gap.low):
        return told._replace(verdict=FEW if seeds < ENOUGH else OPEN)
    none = 1.0 if logged else 0.0
    ends = (gap.low - none, gap.high - none)
    low, high = ends if way == "max" else (-ends[1], -ends[0])  # of the gain
    if low > 0:
        return told._replace(verdict=YES)
    if high < 0:
        return told._replace(verdict=OPPOSITE)
    if mode == "real" and found.means[sides[1]] <= tells:
        return told._replace(verdict=OPEN)  # so near that there was less to gain
    size = tells / abs(found.means[sides[1]]) if logged else tells
    return told._replace(verdict=NO if high < size else OPEN)


def _best(side: Mapping[str, Any], order: Sequence[str]) -> str:
    """The best of the settings that a side means; all pairs' test allows the choice."""
    return next((s for s in order if matches(json.loads(s), side)), "")
