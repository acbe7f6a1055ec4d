"""The report as one HTML page that needs no other file."""

import html
import math
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from string import Template

from deconvgen.metrics.measures import WAYS, called, legend, plain, under
from deconvgen.report import (
    appendix,
    costs,
    statistics,
)
from deconvgen.report import (
    figures as report_plots,
)
from deconvgen.report import (
    pictures as report_pictures,
)
from deconvgen.report import (
    tables as report_tables,
)
from deconvgen.report import (
    text as report_text,
)
from deconvgen.report import (
    verdict as report_verdict,
)
from deconvgen.report.across import standings
from deconvgen.report.figures import ALIKE, BEST, GREY, WORSE, framed
from deconvgen.report.part import Part
from deconvgen.report.study import Study
from deconvgen.report.words import quality

PAGE, STUDY = (
    Template(Path(__file__).with_name(f"{name}.html").read_text("utf-8"))
    for name in ("page", "study")
)
MOST = 24
"""Settings in a figure; the best of them, where there are more."""


def page(found: Sequence[Study]) -> str:
    """The whole page, a chapter for each experiment."""
    questions = [study.plan.question for study in found]
    links = [
        f'<li><a href="#study-{i}">{html.escape(question)}</a></li>'
        for i, question in enumerate(questions, 1)
    ]
    return PAGE.substitute(
        title=html.escape(" ".join(questions)),
        contents=f"<ol>{''.join(links)}</ol>" if len(links) > 1 else "",
        studies=_beside(found)
        + "".join(_study(f"study-{i}", s) for i, s in enumerate(found, 1)),
    )


def _beside(found: Sequence[Study]) -> str:
    tables = costs.side_by_side(found)
    if not tables:
        return ""
    told = (f"<h3>{html.escape(c)}</h3>{costs.as_html(t)}" for c, t in tables)
    return f"<h1>Equal widths and equal multiply-adds</h1>{''.join(told)}"


def _study(name: str, study: Study) -> str:
    told = [item for part in study.parts for item in part.measures.items()]
    told += [(cost, "") for part in study.parts for cost in report_text.costs(part)]
    return STUDY.substitute(
        name=name,
        question=html.escape(study.plan.question),
        status=html.escape(appendix.status(study.plan, study.results)),
        answers="".join(
            f"<p>{_heading(part)}{html.escape(report_verdict.answer(part))}</p>"
            for part in study.parts
        ),
        method=html.escape(report_verdict.METHOD),
        legend="".join(
            f"<dt>{html.escape(called(name))}</dt><dd>{html.escape(text)} "
            f"<code>{report_tables.wrapped(name)}</code></dd>"
            for name, text in legend(told)
        ),
        chapters=_overall(study) + "".join(_chapter(part) for part in study.parts),
        failed=appendix.failed(study.results),
        commands=appendix.commands(study.results, study.commands),
    )


def _heading(part: Part) -> str:
    return f"<strong>{html.escape(part.config)}.</strong> "


def _chapter(part: Part) -> str:
    return (
        f"<section><h2>{html.escape(part.config)}</h2>"
        f"{''.join(_sections(part))}</section>"
    )


def _overall(study: Study) -> str:
    found = standings(study.parts)
    return (
        f"<section><h2>Over all configs</h2>{report_tables.standing(found)}</section>"
        if found
        else ""
    )


def _sections(part: Part) -> Iterator[str]:
    if not part.measures or not part.done:
        yield "<p>No run is finished yet.</p>"
        yield from _paragraphs(report_text.remarks(part))
        if part.measures:
            yield from _curves(part, {}, [])
        return
    first, *others = part.measures
    order = part.order(first)
    colours = _colours(part, first)
    yield from _paragraphs(filter(None, [report_verdict.primary_sentence(part)]))
    yield from _paragraphs(report_text.effects(part, first))
    yield from _paragraphs(report_text.remarks(part))
    if order:
        yield _ranking(part, first, order, colours)
    if len(part.keys) == 2:
        yield report_tables.matrix(part, first)
    yield report_tables.table(part)
    if beside := costs.quality_and_cost(part):
        yield costs.as_html(beside)
    if about := report_text.about_best(part):
        yield _folded(about, [report_tables.table(part, "best")])
    told = [text for m in others for text in report_text.effects(part, m)]
    if told:
        yield _folded(
            "What the other measures go with (they describe, and judge nothing)",
            _paragraphs(told),
        )
    told = (cost for cost in report_text.costs(part) if report_text.differs(part, cost))
    for cost in [*told][:1]:  # the others are in the table
        yield from _pareto(part, first, cost, colours)
    yield from _curves(part, colours, order)
    yield from report_pictures.shown(part, colours, order[:MOST])


LEGEND = (
    f'<span style="color:{BEST}">■</span> the best, '
    f'<span style="color:{ALIKE}">■</span> not told from it, '
    f'<span style="color:{WORSE}">■</span> worse by more than chance'
)


def _paragraphs(sentences: Iterable[str]) -> Iterator[str]:
    yield from (f"<p>{html.escape(sentence)}</p>" for sentence in sentences)


def _folded(summary: str, inside: Iterable[str]) -> str:
    summary = html.escape(summary)
    return f"<details><summary>{summary}</summary>{''.join(inside)}</details>"


def _colours(part: Part, measure: str) -> dict[str, str]:
    """A colour for each setting: the best, those not told from it, the rest.

    Grey, but for the best, where there is no verdict.
    """
    analysis = part.analysis(measure)
    found = dict.fromkeys(analysis.order[:1], BEST)
    for key, comparison in analysis.against.items():
        judged = not math.isnan(comparison.t)
        found[key] = GREY if not judged else WORSE if comparison.told else ALIKE
    return found


def _ranking(part: Part, measure: str, order: list[str], colours: dict) -> str:
    shown = f"the best {MOST} of {len(order)}, " if len(order) > MOST else ""
    mode = part.measures[measure]
    real = part.real(measure) if mode == "real" else None
    analysis = part.analysis(measure)
    judged = bool(analysis.judged)
    bars = analysis.bars if judged and real is None else {}
    picture, cut = report_plots.ranking(
        part.table(measure), order[:MOST], colours, called(measure), real, bars
    )
    caption = (
        f"{html.escape(called(measure))} ({shown}{WAYS[mode]}). Dots are means, ticks "
        f"the seeds; {LEGEND if judged else 'no verdict, see above'}."
    )
    if bars:
        caption += " Two settings whose bars do not overlap are told apart."
    if real is not None:
        caption += " Dashed: the real images."
    if cut:
        caption += " Arrows: it goes on beyond the border; the table has the numbers."
    return framed(picture, caption)


def _pareto(part: Part, measure: str, cost: str, colours: dict) -> Iterator[str]:
    table, mode = part.scored(measure)
    sign = {"min": 1, "max": -1}[mode]
    mean = lambda values: statistics.interval(values.values()).mean
    costs = part.table(cost)
    points = {k: (mean(costs[k]), mean(table[k])) for k in table if k in costs}
    if len(points) < 2:
        return
    sd = {k: statistics.interval(v.values()).sd for k, v in table.items()}
    spread = {k: v for k, v in sd.items() if _finite(v)}
    best = statistics.pareto({k: (c, sign * q) for k, (c, q) in points.items()})
    name, what = quality(measure, part.measures[measure]), called(cost)
    of = "of a whole run" if cost == "seconds" else "of an image"
    told = f" {LEGEND}." if part.analysis(measure).judged else ""
    yield framed(
        report_plots.front(points, best, colours, what, name, spread),
        f"Quality against cost ({html.escape(what)}, {of}): means, and ± the standard "
        "deviation over the seeds. No setting has both less cost and a better mean "
        f"than one on the line, which is named.{told}",
    )


def _curves(part: Part, colours: dict, order: Sequence[str]) -> Iterator[str]:
    first = next(iter(part.measures))
    measure, curves = under(first), dict[str, dict[int, list]]()
    name = plain(measure)
    for r in part.results:
        points = [(e["step"], e[name]) for e in r.evals if _finite(e.get(name))]
        if points:
            curves.setdefault(part.label(r), {})[r.seed] = points
    names = [*order, *(name for name in curves if name not in order)]
    curves = {name: curves[name] for name in names[:MOST] if name in curves}
    if not curves or max(len(p) for c in curves.values() for p in c.values()) < 2:
        return
    full = {name: colours.get(name, GREY) for name in curves}
    dashed, real = [], part.real(measure)
    if part.measures[first] == "real" and _finite(real):
        steps = [x for c in curves.values() for p in c.values() for x, _ in p]
        dashed = [(min(steps), real), (max(steps), real)]
    yield framed(
        report_plots.panels(curves, full, x="step", y=called(name), reference=dashed),
        f"{html.escape(called(name))} while training{_of(part)}, best setting first: "
        "thin the seeds, thick their mean, pale the other settings"
        + ("; dashed: the real images." if dashed else "."),
    )


def _of(part: Part) -> str:
    splits = {e["split"] for r in part.results for e in r.evals[-1:] if "split" in e}
    return f", of the {splits.pop()} images" if len(splits) == 1 else ""


def _finite(value) -> bool:
    return isinstance(value, int | float) and abs(value) < float("inf")
