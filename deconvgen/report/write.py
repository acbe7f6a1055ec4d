"""`deconvgen report`: the answer of a sweep as a page, as Markdown and as CSV."""

import math
from collections.abc import Sequence
from pathlib import Path

from deconvgen.core import files
from deconvgen.metrics.measures import legend
from deconvgen.report import (
    costs,
    results,
    statistics,
)
from deconvgen.report import (
    page as report_page,
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
from deconvgen.report.blocks import Comparison
from deconvgen.report.part import Part
from deconvgen.report.study import Study, studies
from deconvgen.sweep import spending


def report(folders: Sequence[str | Path], out: str | Path = "") -> list[Path]:
    """Write report.html, report.md, settings.csv and runs.csv; returns their paths.

    Several folders of one experiment are taken together (where two have the same run,
    the one that is further on); those of several experiments become a chapter each.
    The files go to `out`, by default the first folder.

    >>> report(["sweeps/mine"], out="answers")  # doctest: +SKIP
    """
    found = studies(folders)
    place = Path(out or folders[0]).expanduser()
    files.writable(place)
    names = ("report.html", "report.md", "settings.csv", "runs.csv")
    paths = [place / name for name in names]
    files.write(paths[0], report_page.page(found))
    files.write(paths[1], "\n".join([*_beside(found), *map(markdown, found)]))
    write_settings(found, paths[2])
    results.write_runs([(s.plan.name, r) for s in found for r in s.results], paths[3])
    return paths


def _beside(found: Sequence[Study]) -> list[str]:
    tables = costs.side_by_side(found)
    lines = ["# Equal widths and equal multiply-adds", ""] if tables else []
    for config, table in tables:
        lines += [f"## {config}", "", *costs.as_markdown(table), ""]
    return lines


def markdown(study: Study) -> str:
    """The report on an experiment as text."""
    lines = [f"# {study.plan.question}", ""]
    if found := standings(study.parts):
        lines += [
            "## Over all configs",
            "",
            *report_tables.standing_markdown(found),
            "",
        ]
    for part in study.parts:
        lines += [f"## {part.config}", "", report_verdict.answer(part), ""]
        lines += [report_verdict.primary_sentence(part)]
        lines += report_text.effects(part, part.primary) if part.primary else []
        others = report_verdict.others(part)
        told = [line for m in others for line in report_text.effects(part, m)]
        lines += ["", "Described, and not judged:", *told] if told else []
        lines += ["", *report_tables.markdown(part)]
        if beside := costs.quality_and_cost(part):
            lines += ["", *costs.as_markdown(beside)]
        lines += ["", f"{report_verdict.METHOD} {report_text.facts(part.results)}.", ""]
        if about := report_text.about_best(part):
            lines += [about, "", *report_tables.markdown(part, "best"), ""]
        lines += [f"- {remark}" for remark in report_text.remarks(part)] + [""]
        failed = [r for r in part.results if r.state == "failed"]
        if failed:
            lines += ["Failed:", ""]
            lines += [f"- {r.trial.name}: {r.error}" for r in failed] + [""]
    if went := spending.told(spending.total(r.spent for r in study.results)):
        lines += [f"Where the seconds went: {went}.", ""]
    told = legend(item for part in study.parts for item in part.measures.items())
    lines += ["## Measures", "", *(f"- {name}: {text}" for name, text in told)]
    lines += ["", "## Commands", "", "```", *study.commands, "```", ""]
    return "\n".join(lines)


def write_settings(found: Sequence[Study], path: Path) -> None:
    """One line a setting, measure and step: its figures, its difference from the best.

    `mean` to `sd` are of the setting alone (Student's 95 % interval). A difference has
    an interval and p only of the primary measure at the last step; where it is `logged`
    it is a factor, and its interval too.
    """
    head = ["experiment", "config", "setting", "at", "measure", "mode", "real"]
    head += ["mean", "low", "high", "seeds", "sd", "rank", "primary", "logged"]
    rows = [[*head, *Comparison._fields[:4], "p"]]
    for study in found:
        for part in study.parts:
            rows += [[study.plan.name, part.config, *row] for row in settings(part)]
    files.write_csv(path, rows)


def settings(part: Part) -> list[list]:
    """The part's lines of settings.csv; NaN is an empty field."""
    known = lambda value: "" if math.isnan(value) else value
    lines = []
    for at in ("last", "best"):
        for measure, mode in part.measures.items():
            found = part.analysis(measure, at)
            judged = part.is_judged(measure, at)
            for key, values in part.table(measure, at).items():
                mean, low, high, n, sd = statistics.interval(values.values())
                rank = found.order.index(key) + 1 if key in found.order else ""
                figures = [known(x) for x in (part.real(measure), mean, low, high)]
                line = [key, at, measure, mode, *figures, n, known(sd), rank]
                gap = found.against.get(key)
                told = (
                    [gap.difference, gap.low, gap.high, gap.effect, gap.p]
                    if gap
                    else []
                )
                if not judged:
                    told = told[:1]
                told = told or [math.nan] * 5
                lines.append([*line, judged, found.logged, *map(known, told)])
    return lines
