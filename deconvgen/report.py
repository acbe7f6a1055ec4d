"""`deconvgen report`: the answer of a sweep as a page, as Markdown and as CSV."""

from collections.abc import Sequence
from pathlib import Path

from deconvgen import report_page, report_text, results, statistics
from deconvgen.errors import UserError
from deconvgen.experiment import Plan
from deconvgen.results import Part, Result


def report(folders: Sequence[str | Path], out: str | Path = "") -> list[Path]:
    """Write report.html, report.md, settings.csv and runs.csv; returns their paths.

    Several folders of one experiment are taken together (where two have the same run,
    the one that is further on); those of several experiments cannot be. They go to
    `out`, by default the first folder.
    """
    plan, found = gather(folders)
    place = Path(out or folders[0]).expanduser()
    place.mkdir(parents=True, exist_ok=True)
    parts = results.parts(plan, found)
    paths = [
        place / n for n in ("report.html", "report.md", "settings.csv", "runs.csv")
    ]
    commands = said(folders)
    paths[0].write_text(report_page.page(plan, parts, commands), encoding="utf-8")
    paths[1].write_text(markdown(plan, parts, commands), encoding="utf-8")
    paths[2].write_text(settings(parts), encoding="utf-8")
    results.write_runs(found, paths[3])
    return paths


def gather(folders: Sequence[str | Path]) -> tuple[Plan, list[Result]]:
    """The runs of one experiment from one or several sweep folders."""
    plan, found = results.collect(folders[0])
    best = {r.trial.name: r for r in found}
    rank = ("to do", "begun", "failed", "finished")
    for folder in folders[1:]:
        other, more = results.collect(folder)
        if (other.name, other.size) != (plan.name, plan.size):
            raise UserError(
                f"{folder} holds {other.name} ({other.size}), not {plan.name} "
                f"({plan.size}): report them one by one"
            )
        for r in more:
            old = best.get(r.trial.name)
            if old is None or rank.index(r.state) > rank.index(old.state):
                best[r.trial.name] = r
    return plan, list(best.values())


def said(folders: Sequence[str | Path]) -> list[str]:
    """The commands that made the folders, each once."""
    lines: dict[str, None] = {}
    for folder in folders:
        path = Path(folder).expanduser() / "commands.txt"
        if path.is_file():
            lines |= dict.fromkeys(path.read_text().splitlines())
    return list(lines)


def rows(part: Part) -> tuple[list[str], list[list[str]]]:
    """The part's table: settings by rank, every measure with its interval."""
    head = ["", "setting", *part.measures]
    if not part.measures:
        return head, []
    first, mode = next(iter(part.measures.items()))
    order = statistics.ranking(part.table(first), mode)
    tables = {measure: part.table(measure) for measure in part.measures}
    versus = statistics.against_best(tables[first], mode)
    head.append("p against the best")
    body = []
    for place, key in enumerate(order, 1):
        cells = [
            report_text.plus_minus(statistics.interval(list(t.get(key, {}).values())))
            for t in tables.values()
        ]
        comparison = versus.get(key)
        p = report_text.number(comparison.corrected) if comparison else "best"
        body.append([str(place), key, *cells, p])
    return head, body


def markdown(plan: Plan, parts: Sequence[Part], commands: Sequence[str]) -> str:
    """The report as text."""
    lines = [f"# {plan.question}", ""]
    for part in parts:
        lines += [f"## {part.config}", "", report_text.answer(part)]
        for measure in list(part.measures)[:1]:
            sentence = report_text.variance_sentence(part, measure)
            lines += [sentence] if sentence else []
            lines += report_text.switches(part, measure)
        head, body = rows(part)
        lines += ["", "| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
        lines += ["| " + " | ".join(row) + " |" for row in body]
        lines += ["", f"{report_page.METHOD} {report_text.facts(part.results)}.", ""]
        if part.missing:
            lines += [f"Not measured here: {', '.join(part.missing)}.", ""]
        failed = [r for r in part.results if r.state == "failed"]
        if failed:
            lines += ["Failed:", ""]
            lines += [f"- {r.trial.name}: {r.error}" for r in failed] + [""]
    lines += ["## Commands", "", "```", *commands, "```", ""]
    return "\n".join(lines)


def settings(parts: Sequence[Part]) -> str:
    """One line a setting and measure: mean, 95 % interval, seeds."""
    lines = ["config,setting,measure,mean,low,high,seeds"]
    for part in parts:
        for measure in part.measures:
            for key, values in part.table(measure).items():
                found = statistics.interval(list(values.values()))
                figures = (found.mean, found.low, found.high, found.n)
                text = ",".join(map(str, figures))
                lines.append(f'{part.config},"{key}",{measure},{text}')
    return "\n".join(lines) + "\n"
