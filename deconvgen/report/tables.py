"""The tables of a report: settings by rank, and two keys against each other."""

import html
import math
from typing import NamedTuple

from deconvgen.report import figures as report_plots
from deconvgen.report import statistics
from deconvgen.report.legend import ARROWS
from deconvgen.report.part import Part
from deconvgen.report.text import facts, worse
from deconvgen.report.words import number, plus_minus


class Cell(NamedTuple):
    """A setting's value of a measure."""

    text: str
    p: str  # against the best of the column; `best`, or empty where there is none
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
    table, versus = part.table(measure, at), part.versus(measure, at)
    best = part.order(measure, at)[:1]
    most = max((len(values) for values in table.values()), default=0)
    found = {}
    for key, values in table.items():
        text = plus_minus(statistics.interval(values.values()), most)
        against = versus.get(key)
        p = "best" if key in best else ""
        if against and not math.isnan(against.p):
            tiny = against.corrected < 0.001
            p = "p < 0.001" if tiny else f"p {against.corrected:.2g}"
        found[key] = Cell(text, p, bool(against and worse(against)))
    return found


def real(part: Part) -> list[str]:
    """The real images' own value of each measure, where the runs say it."""
    values = [part.real(measure) for measure in part.measures]
    return ["" if math.isnan(value) else number(value) for value in values]


def markdown(part: Part, at: str = "last") -> list[str]:
    """The lines of the table in Markdown."""
    head = ["", "setting", *(f"{m} {ARROWS[way]}" for m, way in part.measures.items())]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for row in rows(part, at):
        told = [", ".join(filter(None, cell[:2])) for cell in row.cells]
        lines.append("| " + " | ".join([row.place, row.setting, *told]) + " |")
    if any(real(part)):
        lines.append("| " + " | ".join(["", "the real images", *real(part)]) + " |")
    return lines


def table(part: Part, at: str = "last") -> str:
    """The table as HTML."""
    head = "".join(
        f"<th scope=col>{wrapped(m)} {ARROWS[way]}</th>"
        for m, way in part.measures.items()
    )
    body = ""
    for row in rows(part, at):
        body += f"<tr><td>{row.place}</td><th scope=row>{html.escape(row.setting)}</th>"
        for text, p, is_worse in row.cells:
            mark = " class=lead" if p == "best" else " class=real" if is_worse else ""
            body += f"<td{mark}>{text}<small>{html.escape(p)}</small></td>"
        body += "</tr>"
    if any(real(part)):
        cells = "".join(f"<td>{text}</td>" for text in real(part))
        body += f"<tr class=truth><td></td><th>the real images</th>{cells}</tr>"
    first = html.escape(next(iter(part.measures)))
    return (
        f"<figure><div class=wide><table><tr><th></th><th>setting</th>{head}</tr>{body}"
        f"</table></div><figcaption>Best first by {first}. Bold: the best of its "
        "column; p: against that one; coloured: worse than it by more than chance. "
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
        f"<figcaption>{html.escape(measure)} of each pair, mean ± half of its 95 % "
        "interval; the deeper the colour, the better its rank. Empty: does not fit, or "
        "is not finished.</figcaption></figure>"
    )


def wrapped(name: str) -> str:
    """A name that may break behind its underscores."""
    return html.escape(name).replace("_", "_<wbr>")
