"""Numbers, intervals and lists as a report writes them."""

import math
from collections.abc import Sequence

from deconvgen.core.numbers import number
from deconvgen.metrics.measures import called
from deconvgen.report.blocks import Comparison
from deconvgen.report.statistics import Interval


def plus_minus(found: Interval, most: int = 0) -> str:
    """`mean ± standard deviation` of the seeds, or the bare value of one seed.

    Where other settings have `most` seeds and this one fewer, it says so.
    """
    if found.n == 0:
        return ""
    mean = number(found.mean)
    short = f" ({found.n} of {most} seeds)" if found.n < most else ""
    if found.n == 1:
        return mean + (short or " (1 seed)")
    if "e" in mean:
        return f"{mean} ± {found.sd:.2g}{short}"
    return f"{mean} ± {found.sd:,.{len(mean.partition('.')[2])}f}{short}"


def apart(found: Comparison, logged: bool) -> str:
    """`+0.52 (0.10 to 0.94)`, or `×1.35 (1.10 to 1.66)`, with its interval if any."""
    if math.isnan(found.difference):
        return ""
    plus = "×" if logged else "+" if found.difference >= 0 else ""
    text = f"{plus}{brief(found.difference)}"
    if math.isnan(found.low):
        return text
    return f"{text} ({brief(found.low)} to {brief(found.high)})"


def brief(value: float | int) -> str:
    """Two digits, or three."""
    return f"{value:#.3g}".rstrip(".") if abs(value) < 1000 else number(value)


def probability(p: float | int) -> str:
    """`p = 0.012`."""
    if math.isnan(p):
        return "p unknown"
    return "p < 0.001" if p < 0.001 else f"p = {p:.2g}"


def listed(names: Sequence[str], most: int = 4) -> str:
    """Names in a sentence; after the first few only their number."""
    names = [f"“{name}”" for name in names]
    if len(names) > most + 1:
        names = [*names[:most], f"{len(names) - most} more"]
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def plural(count: int, word: str) -> str:
    """`1 seed`, `3 seeds`."""
    return f"{count} {word}{'s' * (count != 1)}"


def quality(measure: str, mode: str) -> str:
    """What is made small or large: a measure, or its distance from the real images'."""
    name = called(measure)
    return f"distance from the real images' {name}" if mode == "real" else name
