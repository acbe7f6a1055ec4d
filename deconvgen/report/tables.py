"""The tables of a report: settings by rank, and two keys against each other."""

import html
import math
from collections.abc import Sequence
from typing import NamedTuple

from deconvgen.core.numbers import number
from deconvgen.metrics.measures import ARROWS, called
from deconvgen.report import figures as report_plots
from deconvgen.report import statistics
from deconvgen.report.across import Standing
from deconvgen.report.markup import grid
from deconvgen.report.part import Part
from deconvgen.report.text import facts
from deconvgen.report.words import apart, plus_minus, probability

OVERALL = (
    "Over all configs by the primary measure of each: the mean of the middle half of a "
    "setting's runs, in standard deviations of a run above the mean of its config; and "
    "how likely a run of it is better than one of another setting. In brackets 95 % "
    "intervals of each by itself, by a bootstrap of the seeds within the configs: they "
    "speak of these configs, not of others."
)


class Cell(NamedTuple):
    """A setting's value of a measure."""

    text: str
    apart: str  # from the best of the column; `best`, or empty where there is none
    worse: bool  # than the best, by more than chance


class Row(NamedTuple):
    """A setting by its rank; without one where it lacks the first measure."""

    place: str
    setting: str
    cells: list[Cell]


def rows(part: Part, at: str = "last") -> list[Row]:
    """The settings, best first by the first measure, at their last or best step."""
    if not part.measures:
        return []
    order = part.order(next(iter(part.measures)), at)
    columns = [_column(part, measure, at) for measure in part.measures]
    others = [k for k in part.levels if k not in order and any(k in c for c in columns)]
    places = [str(i) for i in range(1, len(order) + 1)] + ["-"] * len(others)
    nothing = Cell("", "", False)
    return [
        Row(place, key, [column.get(key, nothing) for column in columns])
        for place, key in zip(places, [*order, *others], strict=True)
    ]


def _column(part: Part, measure: str, at: str) -> dict[str, Cell]:
    table, found = part.table(measure, at), part.analysis(measure, at)
    most = max((len(values) for values in table.values()), default=0)
    alike = len({*found.means.values()}) == 1 < len(table)
    cells = {}
    for key, values in table.items():
        text = plus_minus(statistics.interval(values.values()), most)
        gap = found.against.get(key)
        said = "best" if key == found.best and not alike else ""
        if gap:
            said = apart(gap, found.logged)
            said += "" if math.isnan(gap.p) else f", {probability(gap.p)}"
        cells[key] = Cell(text, said, bool(gap and gap.told))
    return cells


def real(part: Part) -> list[str]:
    """The real images' own value of each measure, where the runs say it."""
    values = [part.real(measure) for measure in part.measures]
    return ["" if math.isnan(value) else number(value) for value in values]


def markdown(part: Part, at: str = "last") -> list[str]:
    """The lines of the table in Markdown."""
    named = (f"{called(m)} {ARROWS[way]}" for m, way in part.measures.items())
    head = ["", "setting", *named]
    told = lambda cell: "; ".join(filter(None, cell[:2]))
    lines = [[r.place, r.setting, *map(told, r.cells)] for r in rows(part, at)]
    if any(real(part)):
        lines.append(["", "the real images", *real(part)])
    return grid(head, lines)


def table(part: Part, at: str = "last") -> str:
    """The table as HTML."""
    head = "".join(
        f"<th scope=col>{html.escape(called(m))} {ARROWS[way]}"
        f"<small>{wrapped(m)}</small></th>"
        for m, way in part.measures.items()
    )
    body = ""
    for row in rows(part, at):
        body += f"<tr><td>{row.place}</td><th scope=row>{html.escape(row.setting)}</th>"
        for text, gap, is_worse in row.cells:
            mark = " class=lead" if gap == "best" else " class=real" if is_worse else ""
            body += f"<td{mark}>{text}<small>{html.escape(gap)}</small></td>"
        body += "</tr>"
    if any(real(part)):
        cells = "".join(f"<td>{text}</td>" for text in real(part))
        body += f"<tr class=truth><td></td><th>the real images</th>{cells}</tr>"
    first = next(iter(part.measures))
    told = (
        f"Best first by {called(first)}; ± standard deviation over the seeds. Bold: "
        "the best of its column; below the others: their difference from it"
    )
    if part.analysis(first, at).judged:
        told += ", for the first with its interval; coloured: worse by more than chance"
    return (
        f"<figure><div class=wide><table class=sorts><tr><th></th><th>setting"
        f"</th>{head}</tr>{body}</table></div><figcaption>{html.escape(told)}. "
        f"{html.escape(facts(part.results))}.</figcaption></figure>"
    )


def matrix(part: Part, measure: str) -> str:
    """The two keys of a part against each other, the better the deeper; as HTML."""
    values, levels = part.table(measure), part.levels
    down, across = part.keys
    place = lambda key: (levels[key][down], levels[key][across])
    means = {place(k): statistics.interval(v.values()) for k, v in values.items()}
    downs = list(dict.fromkeys(level[down] for level in levels.values()))
    acrosses = list(dict.fromkeys(level[across] for level in levels.values()))
    if min(len(downs), len(acrosses)) < 2:
        return ""
    # Ranks, not values: one bad setting would leave the others one colour.
    order = [place(key) for key in part.order(measure)][::-1]
    most = max((found.n for found in means.values()), default=0)
    head = "".join(f"<th scope=col>{wrapped(a)}</th>" for a in acrosses)
    body = ""
    for d in downs:
        body += f"<tr><th scope=row>{html.escape(d)}</th>"
        for a in acrosses:
            if (d, a) not in order:
                body += "<td class=none></td>"
                continue
            rank = order.index((d, a))
            colour = report_plots.shade(rank, 0, max(1, len(order) - 1))
            text = plus_minus(means[d, a], most)
            body += f'<td style="background:{colour}">{text}</td>'
        body += "</tr>"
    return (
        f"<figure><div class=wide><table><tr><th>{html.escape(down)} \\ "
        f"{html.escape(across)}</th>{head}</tr>{body}</table></div>"
        f"<figcaption>{html.escape(called(measure))} of each pair, mean ± standard "
        "deviation over the seeds; the deeper the colour, the better its rank. Empty: "
        "does not fit, or is not finished.</figcaption></figure>"
    )


def standing(found: Sequence[Standing]) -> str:
    """The settings over all tasks, as HTML."""
    body = "".join(
        f"<tr><th scope=row>{html.escape(each.setting)}</th>"
        + "".join(
            f"<td>{x.mean:.2f}<small>{x.low:.2f} to {x.high:.2f}</small></td>"
            for x in (each.score, each.wins)
        )
        + "</tr>"
        for each in found
    )
    return (
        "<figure><div class=wide><table class=sorts><tr><th>setting</th><th scope=col>"
        "interquartile mean</th><th scope=col>probability of improvement</th></tr>"
        f"{body}</table></div><figcaption>{html.escape(OVERALL)}</figcaption></figure>"
    )


def standing_markdown(found: Sequence[Standing]) -> list[str]:
    """The same in Markdown."""
    head = ["setting", "interquartile mean", "probability of improvement"]
    told = lambda x: f"{x.mean:.2f} ({x.low:.2f} to {x.high:.2f})"
    cells = [[name, *map(told, pair)] for name, *pair in found]
    return [*grid(head, cells), "", OVERALL]


def wrapped(name: str) -> str:
    """A name that may break behind its underscores."""
    return html.escape(name).replace("_", "_<wbr>")
