"""The audit as a table on the terminal, and its numbers as a person reads them."""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from deconvgen.audit.costs import BATCH
from deconvgen.audit.probe import Audit


class Column(NamedTuple):
    """A figure of the table: its head, what it means, and how it reads and grades."""

    head: str
    meaning: str
    text: Callable[[Audit], str]
    grade: Callable[[Audit], str] = lambda audit: ""  # "good", "fair", "bad" or none


def _grade(figure: Callable[[Audit], float], good: float, fair: float) -> Callable:
    def grade(audit: Audit) -> str:
        value = figure(audit)
        if math.isnan(value):
            return ""
        return "good" if value <= good else "fair" if value <= fair else "bad"

    return grade


def short(number: float | int, unit: str = "") -> str:
    """Three digits and a prefix: 65600 -> 65.6k."""
    if math.isnan(number):
        return "?"
    for prefix in ("", "k", "M", "G"):
        if abs(number) < 999.5 or prefix == "G":
            digits = 0 if not prefix or number >= 99.95 else 1
            return f"{number:.{digits}f}{prefix}{unit}"
        number /= 1000
    return ""


def ratio(number: float) -> str:
    """A ratio to two decimals, the sign for infinity, or a dash where there is none."""
    if math.isnan(number):
        return "-"
    return "∞" if math.isinf(number) else f"{number:.2f}"


def span(milliseconds: float) -> str:
    """Three digits of a time, or a dash where it has not been measured."""
    return "-" if math.isnan(milliseconds) else f"{milliseconds:#.3g}".rstrip(".")


def by(pair: tuple[int, int]) -> str:
    """4 for (4, 4), 4x6 for (4, 6)."""
    return str(pair[0]) if pair[0] == pair[1] else f"{pair[0]}x{pair[1]}"


COLUMNS = (
    Column("k", "kernel size", lambda a: by(a.kernel_size)),
    Column("params", "learned numbers", lambda a: short(a.cost.parameters)),
    Column(
        "MACs",
        "multiply-adds of the learned kernels, for one image",
        lambda a: short(a.cost.multiply_adds),
    ),
    Column(
        "on zeros",
        "how many more multiply-adds if zeros were inserted and multiplied",
        lambda a: (
            "+" + short(a.cost.zero_insertion - a.cost.multiply_adds)
            if a.cost.zero_insertion > a.cost.multiply_adds
            else "none"
        ),
    ),
    Column(
        "XLA MACs",
        "flops / 2 by XLA's cost analysis, fixed filters included",
        lambda a: short(a.cost.xla_flops / 2),
    ),
    Column(
        "memory",
        "bytes of the two largest arrays in a row, from layer to layer",
        lambda a: short(a.cost.activation_bytes, "B"),
    ),
    Column(
        "XLA memory",
        "input, output and scratch of the compiled layer",
        lambda a: short(a.cost.xla_bytes, "B"),
    ),
    Column(
        "bytes moved",
        "read and written by the compiled layer, parameters included",
        lambda a: short(a.cost.bytes_moved, "B"),
    ),
    Column(
        "ms",
        f"measured milliseconds of one image, in a batch of {BATCH}",
        lambda a: span(a.cost.milliseconds),
    ),
    Column(
        "train ms",
        "likewise with the gradients of the parameters and the input",
        lambda a: span(a.cost.milliseconds_train),
    ),
    Column(
        "phase variance",
        "of noise, the strongest output phase over the weakest: 1 is even",
        lambda a: ratio(a.phase_variance),
        _grade(lambda a: a.phase_variance, 1.15, 2.0),
    ),
    Column(
        "DC gap",
        "how far the phases' gains of a constant are apart: 0 is no checkerboard",
        lambda a: f"{a.dc_gap:.3f}",
        _grade(lambda a: a.dc_gap, 1e-3, 0.3),
    ),
    Column(
        "shift error",
        "a shift by 1/factor before against one pixel after: 0 the same, 1 unrelated",
        lambda a: f"{a.shift_error:.3f}",
        _grade(lambda a: a.shift_error, 0.05, 0.5),
    ),
    Column(
        "gradient ratio",
        "phase variance of the gradient of the strided convolution that this mirrors",
        lambda a: ratio(a.gradient_ratio),
        _grade(lambda a: a.gradient_ratio, 1.15, 2.0),
    ),
)

COLOURS = {"good": "green", "fair": "yellow", "bad": "red", "": ""}


def title(audits: Sequence[Audit]) -> str:
    """What was audited, in one line."""
    a = audits[0]
    extra = "".join(f", {name.replace('_', ' ')}" for name in a.modifiers)
    start = "" if mixed(audits) else f", start {a.initializer}"
    return (
        f"factor {by(a.factor)}, {a.channels} to {a.features} channels, "
        f"{a.size} x {a.size} pixels in{start}{extra}"
    )


def mixed(audits: Sequence[Audit]) -> bool:
    """Whether the layers do not all start alike."""
    return len({a.initializer for a in audits}) > 1


def name(audit: Audit, audits: Sequence[Audit]) -> str:
    """The upsampler, and how it starts where that differs between the audits."""
    start = f", {audit.initializer}" if mixed(audits) else ""
    return audit.upsampler + start


def tables(audits: Sequence[Audit], console: Console) -> list[Table]:
    """One row a layer; green, yellow and red say how even it is.

    In one table where the console is wide enough, else costs and behaviour in two.

    >>> found = audit("nearest_conv", features=4, size=4)
    >>> tables([found], Console(width=200))[0].row_count
    1
    """
    whole = _table(audits, COLUMNS)
    free = console.options.update(width=1000)
    if console.measure(whole, options=free).maximum <= console.width:
        return [whole]
    graded = next(i for i, c in enumerate(COLUMNS) if c.grade(audits[0]))
    return [_table(audits, COLUMNS[:graded]), _table(audits, COLUMNS[graded:])]


def _table(audits: Sequence[Audit], columns: Sequence[Column]) -> Table:
    """Names and some columns; a head takes a line for each of its words."""
    out = Table(box=box.SIMPLE_HEAD, padding=(0, 0, 0, 1), pad_edge=False)
    out.add_column("upsampler", no_wrap=True, vertical="bottom")
    for column in columns:
        head = column.head.replace(" ", "\n")
        out.add_column(head, justify="right", vertical="bottom", no_wrap=True)
    for audit in audits:
        cells = []
        for column in columns:
            colour, text = COLOURS[column.grade(audit)], column.text(audit)
            cells.append(Text(text, style=colour))
        out.add_row(name(audit, audits), *cells)
    return out


def legend() -> str:
    """What the columns mean, a line each.

    >>> legend().splitlines()[0]
    'params: learned numbers'
    """
    return "\n".join(f"{c.head}: {c.meaning}" for c in COLUMNS[1:])


def verdict(audit: Audit) -> list[str]:
    """What the figures say about the layer, a sentence each."""
    said = []
    if audit.dc_gap < 1e-3:
        said.append("Starts without a checkerboard: a constant comes out constant.")
    else:
        said.append(
            "A constant comes out with a pattern that repeats every "
            f"{by(audit.factor)} pixels (DC gap {audit.dc_gap:.2f})."
        )
    if math.isinf(audit.phase_variance):
        said.append("Some output pixels see no weight at all: k is below the factor.")
    elif audit.phase_variance > 1.15:
        said.append(
            "Uneven: some output pixels vary "
            f"{audit.phase_variance:.2f} times as much as others."
        )
    else:
        said.append("Even: all output pixels vary alike.")
    if audit.shift_error < 0.05:
        said.append("It interpolates: what moves by a fraction of a pixel moves along.")
    elif audit.shift_error < 0.5:
        said.append("It follows shifts by a fraction of a pixel in part.")
    else:
        said.append("A shift by a fraction of a pixel gives an unrelated picture.")
    wasted = audit.cost.zero_insertion / max(1, audit.cost.multiply_adds)
    if wasted > 1.05:
        said.append(
            f"Done by zero insertion it would take {wasted:.1f} times the work."
        )
    return said
