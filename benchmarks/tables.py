"""Figures over turns, and tables of them in Markdown."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from deconvgen.report.markup import grid


@dataclass(frozen=True)
class Spread:
    """A figure over the turns: the median of them, the lowest and the highest."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, turns: Iterable[float]) -> "Spread":
        """That of one figure a turn."""
        seen = sorted(turns)
        return cls(median(seen), seen[0], seen[-1])


Cell = str | int | float | Spread


def cell(value: object) -> str:
    """As it stands in a table: floats with three significant digits.

    A spread is its median, and in brackets the lowest and the highest of the turns.
    """
    if isinstance(value, Spread):
        most, low, high = map(cell, (value.median, value.low, value.high))
        return most if low == high else f"{most} ({low} to {high})"
    if not isinstance(value, float):
        return str(value)
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table."""
    return "\n".join(grid(head, ([cell(v) for v in row] for row in rows)))
