"""Where a sweep's seconds went, of what its runs have noted in their outcomes."""

from collections.abc import Iterable, Mapping
from typing import Any

from deconvgen.core import files
from deconvgen.core.terminal import clock
from deconvgen.training.stopwatch import PHASES

Spent = dict[str, float]


def of(outcome: dict[str, Any]) -> Spent:
    """Seconds by phase, and compilations, of a run; empty of one that did not note."""
    found = outcome.get("spent")
    if not isinstance(found, dict):
        return {}
    return {k: v for k, v in found.items() if files.is_a(v, float)}


def total(runs: Iterable[Mapping[str, float]]) -> Spent:
    """The sum over runs."""
    found: Spent = {}
    for spent in runs:
        for name, value in spent.items():
            found[name] = found.get(name, 0.0) + value
    return found


def told(spent: Mapping[str, float]) -> str:
    """`training 61 %, compiling 20 %, ... of 3 min; 12 programs compiled`, or ""."""
    seconds = {name: spent.get(name, 0.0) for name in PHASES}
    if not (whole := sum(seconds.values())):
        return ""
    order = sorted(seconds, key=lambda name: -seconds[name])
    parts = [f"{name} {100 * seconds[name] / whole:.0f} %" for name in order]
    count = round(spent.get("compilations", 0.0))
    programs = f"{count} program{'s' * (count != 1)} compiled"
    return f"{', '.join(parts)} of {clock(whole)}; {programs}"
