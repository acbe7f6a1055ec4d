"""Quality beside cost: of each setting; at equal widths and at equal multiply-adds."""

import html
import math
from collections.abc import Sequence
from statistics import median
from typing import Any, NamedTuple

from deconvgen.core.numbers import number
from deconvgen.metrics.measures import ARROWS, called
from deconvgen.report import statistics
from deconvgen.report.markup import grid
from deconvgen.report.part import Part
from deconvgen.report.study import Study

COLUMNS = {
    "parameters": ("parameters_generator", "parameters_model"),
    "multiply-adds to sample": ("multiply_adds_sample",),
    "multiply-adds to train": ("multiply_adds_train",),
    "ms to sample": ("milliseconds_sample",),
    "ms to train": ("milliseconds_train",),
}
"""Heads, and the figures that they stand for: the first that the runs have."""
MARK = "★"
EQUAL = "multiply_adds"


class Table(NamedTuple):
    """Cells of text, and what is said below."""

    head: list[str]
    rows: list[list[str]]
    caption: str


def equal(part: Part) -> str:
    """What the part's networks are alike in: widths or multiply_adds."""
    said = {_model(r.config).get("equal", "widths") for r in part.done if r.config}
    return EQUAL if said == {EQUAL} else "widths"


def _model(config: Any) -> Any:
    return config.get("model") or {}


def widths(part: Part) -> dict[str, str]:
    """{setting: the widths that were solved for}, of runs at equal multiply-adds."""
    found = {}
    for r in part.done:
        if record := r.config.get("solved") if r.config else None:
            found[part.label(r)] = ",".join(map(str, record.taken))
    return found


def met(part: Part) -> str:
    """How nearly the widths that were taken meet the multiply-adds that were wanted."""
    records = [r.config.solved for r in part.done if r.config and "solved" in r.config]
    if not records:
        return ""
    off = [record.reached / record.wanted - 1 for record in records]
    given = sorted({",".join(map(str, record.given)) for record in records})
    wanted = sorted({shown(record.wanted) for record in records})
    return (
        "At equal multiply-adds (model.equal=multiply_adds): widths were solved for, "
        f"so that an image takes the {' or '.join(wanted)} multiply-adds of plain "
        f"conv_transpose layers at the widths {' or '.join(given)}; reached to within "
        f"{100 * max(map(abs, off)):.1f} %."
    )


def quality_and_cost(part: Part) -> Table | None:
    """A row a setting, best first; a star where none is both cheaper and better."""
    measure = next(iter(part.measures), "")
    if not measure or not part.done:
        return None
    scored, mode = part.scored(measure)
    sign = {"min": 1, "max": -1}[mode]
    mean = lambda values: statistics.interval(values.values()).mean
    costs = {head: values for head in COLUMNS if (values := _costs(part, head))}
    if not costs:
        return None
    fronts = {}
    for head, values in costs.items():
        both = [key for key in scored if key in values]
        points: Any = {key: (values[key], sign * mean(scored[key])) for key in both}
        fronts[head] = {*statistics.pareto(points)}
    taken = widths(part)
    rows = []
    for key in part.order(measure):
        cells = [key, _quality(part, measure, key)]
        for head, values in costs.items():
            star = f" {MARK}" if key in fronts[head] else ""
            cells.append(shown(values[key]) + star if key in values else "")
        rows.append(cells + ([taken.get(key, "")] if taken else []))
    intervals = _bars(part, measure) or "95 % of each setting by itself"
    caption = (
        f"Quality and cost. In brackets the interval, {intervals}. {MARK}: no setting "
        "has both less of this cost and a better mean. Costs are of an image, the "
        "median over the seeds; milliseconds are those of the machine, beside whatever "
        "else it did."
    )
    head = ["setting", f"{called(measure)} {ARROWS[part.measures[measure]]}", *costs]
    told = [caption, met(part)]
    head += ["widths taken"] if taken else []
    return Table(head, rows, " ".join(filter(None, told)))


def _costs(part: Part, head: str) -> dict[str, float]:
    """{setting: median over the seeds} of the first figure of a column there is."""
    for name in COLUMNS[head]:
        table = part.table(name)
        if table:
            return {key: float(median(v.values())) for key, v in table.items()}
    return {}


def _bars(part: Part, measure: str) -> str:
    real = part.measures[measure] == "real"
    told = "two that do not overlap are told apart"
    return told if part.analysis(measure).bars and not real else ""


def _quality(part: Part, measure: str, key: str) -> str:
    """Mean and interval: that of the test where it has one, else the setting's own."""
    found = part.analysis(measure)
    if _bars(part, measure) and key in found.bars:
        mean, (low, high) = found.means[key], found.bars[key]
    else:
        mean, low, high, *_ = statistics.interval(part.table(measure)[key].values())
    if math.isnan(low):
        return number(mean)
    return f"{number(mean)} ({number(low)} to {number(high)})"


def side_by_side(studies: Sequence[Study]) -> list[tuple[str, Table]]:
    """Equal widths beside equal multiply-adds: (config, table) of each pair of parts.

    Of studies of one experiment, where a config has settings in both.
    """
    found = []
    every = [(s, part) for s in studies for part in s.parts if part.measures]
    for study, one in every:
        for other_study, two in every:
            same = study.plan.name == other_study.plan.name
            if same and one.config == two.config and _pair(one, two):
                found.append((one.config, _beside(one, two)))
    return [(config, table) for config, table in found if table.rows]


def _pair(one: Part, two: Part) -> bool:
    first = next(iter(one.measures)) == next(iter(two.measures))
    return first and (equal(one), equal(two)) == ("widths", EQUAL)


def _beside(one: Part, two: Part) -> Table:
    measure, taken = next(iter(one.measures)), widths(two)
    work = "multiply-adds to sample"
    sides = [(part, _costs(part, work), part.order(measure)) for part in (one, two)]
    rows = []
    for key in [key for key in sides[0][2] if key in sides[1][2]]:
        cells = [key]
        for part, costs, order in sides:
            rank = f"{order.index(key) + 1}"
            cells += [rank, _quality(part, measure, key), shown(costs.get(key))]
        rows.append([*cells, taken.get(key, "")])
    head = ["setting"]
    for words in ("at equal widths", "at equal multiply-adds"):
        head += [f"place {words}", called(measure), work]
    alike = _agreement(sides)
    told = "" if math.isnan(alike) else f" Rank correlation of the two: {alike:.2f}."
    return Table([*head, "widths taken"], rows, f"{met(two)}{told}")


def _agreement(sides: Sequence[tuple[Part, dict[str, float], list[str]]]) -> float:
    from scipy import stats

    one, two = sides[0][2], sides[1][2]
    both = [key for key in one if key in two]
    if len(both) < 3:
        return math.nan
    place = lambda order: [order.index(key) for key in both]
    found: Any = stats.spearmanr(place(one), place(two))
    return float(found.statistic)


def shown(value: float | None) -> str:
    """`630k`, `5.01M`: three digits of what is large."""
    if value is None or math.isnan(value):
        return "" if value is None else "unknown"
    if value < 1e5:
        return number(value)
    unit, letter = (1e9, "G") if value >= 1e9 else (1e6, "M")
    unit, letter = (1e3, "k") if value < 1e6 else (unit, letter)
    return f"{value / unit:.3g}{letter}"


def as_html(table: Table) -> str:
    """The table as a figure of the page."""
    head = "".join(f"<th scope=col>{html.escape(text)}</th>" for text in table.head)
    body = ""
    for name, *cells in table.rows:
        said = "".join(f"<td>{html.escape(text)}</td>" for text in cells)
        body += f"<tr><th scope=row>{html.escape(name)}</th>{said}</tr>"
    return (
        f"<figure><div class=wide><table class=sorts><tr>{head}</tr>{body}</table>"
        "</div>"
        f"<figcaption>{html.escape(table.caption)}</figcaption></figure>"
    )


def as_markdown(table: Table) -> list[str]:
    """The lines of the table in Markdown."""
    return [*grid(table.head, table.rows), "", table.caption]
