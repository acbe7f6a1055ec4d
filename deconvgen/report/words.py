"""Numbers, intervals and lists as a report writes them."""

import math
from collections.abc import Sequence

from deconvgen.report.statistics import Interval


def number(value: float | int) -> str:
    """Four digits, and no exponent where one can do without."""
    if math.isnan(value):
        return "-"
    if value and not 1e-3 <= abs(value) < 1e6:
        return f"{value:.3g}"
    digits = 4 if value == 0 else max(0, 3 - math.floor(math.log10(abs(value))))
    return f"{value:,.{min(digits, 5)}f}"


def plus_minus(found: Interval, most: int = 0) -> str:
    """`mean ± half` of a 95 % interval, or the bare value of one seed.

    Where other settings have `most` seeds and this one fewer, it says so.
    """
    if found.n == 0:
        return ""
    mean = number(found.mean)
    short = f" ({found.n} of {most} seeds)" if found.n < most else ""
    if found.n == 1:
        return mean + (short or " (1 seed)")
    if "e" in mean:
        return f"{mean} ± {found.half:.2g}{short}"
    return f"{mean} ± {found.half:,.{len(mean.partition('.')[2])}f}{short}"


def from_to(found: Interval) -> str:
    """`95 % interval low to high`, or that there is none."""
    if found.n < 2:
        return "one seed, so no interval"
    return f"95 % interval {number(found.low)} to {number(found.high)}"


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
