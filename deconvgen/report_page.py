"""The report as one HTML page that needs no other file."""

import html
from collections.abc import Iterator, Sequence

from deconvgen import report_pictures, report_plots, report_text, statistics
from deconvgen.experiment import Plan
from deconvgen.progress import clock
from deconvgen.report_plots import ALIKE, BEST, GREY, WORSE
from deconvgen.report_template import TEMPLATE
from deconvgen.report_text import number, plus_minus, short
from deconvgen.results import Part, Result

MOST = 24
"""Settings in a figure; the best of them, where there are more."""

METHOD = (
    "± is half of a 95 % interval (Student's t) over the seeds, at the last step. "
    "p compares with the best setting seed by seed (paired t-test) and is corrected "
    "for the number of comparisons (Holm); below 0.05 the difference counts as real."
)


def page(plan: Plan, parts: Sequence[Part], commands: Sequence[str]) -> str:
    """The whole page."""
    results = [r for part in parts for r in part.results]
    chapters = "".join(_chapter(part) for part in parts)
    answers = "".join(
        f"<p>{_heading(part)}{html.escape(report_text.answer(part))}</p>"
        for part in parts
    )
    return TEMPLATE.format(
        title=html.escape(f"{plan.name}: {plan.question}"),
        question=html.escape(plan.question),
        answers=answers,
        status=html.escape(_status(plan, results)),
        chapters=chapters,
        failed=_failed(results),
        commands=_commands(results, commands),
        method=html.escape(METHOD),
    )


def _heading(part: Part) -> str:
    return f"<strong>{html.escape(part.config)}.</strong> "


def _status(plan: Plan, results: Sequence[Result]) -> str:
    counts = {
        state: sum(r.state == state for r in results)
        for state in ("finished", "failed", "begun", "to do")
    }
    told = ", ".join(f"{n} {state}" for state, n in counts.items() if n)
    seeds = len({r.seed for r in results})
    spent = clock(sum(r.seconds for r in results))
    steps = sorted({r.steps for r in results if r.steps})
    length = " or ".join(map(str, steps)) or "?"
    return (
        f"Experiment {plan.name}, {plan.size} size: {len(results)} runs ({told}), "
        f"{seeds} seed{'s' * (seeds != 1)}, {length} steps each; {spent} of run time"
    )


def _chapter(part: Part) -> str:
    return (
        f"<section><h2>{html.escape(part.config)}</h2>"
        f"{''.join(_sections(part))}</section>"
    )


def _sections(part: Part) -> Iterator[str]:
    done = [r for r in part.results if r.state == "finished"]
    if not part.measures or not done:
        yield "<p>No run is finished yet.</p>"
        if part.measures:
            yield from _curves(part, {}, [])
        return
    first, mode = next(iter(part.measures.items()))
    table = part.table(first)
    order = statistics.ranking(table, mode)
    colours = report_text.colours(part, first, mode, BEST, ALIKE, WORSE)
    for sentence in _sentences(part, first):
        yield f"<p>{html.escape(sentence)}</p>"
    if order:
        better = {"min": "lower is better", "max": "higher is better"}[mode]
        shown = f"the best {MOST} of {len(order)}, " if len(order) > MOST else ""
        yield _figure(
            report_plots.ranking(table, order[:MOST], colours, first),
            f"{first} ({shown}{better}). Dots are means, bars 95 % intervals, ticks "
            f"the seeds. {LEGEND}",
        )
    if len(part.keys) == 2:
        yield _matrix(part, first, mode)
    yield _table(part, order)
    yield from _pareto(part, first, mode, colours)
    yield from _curves(part, colours, order)
    yield from _pictures(part, colours, order)


LEGEND = (
    f'<span style="color:{BEST}">■</span> the best, '
    f'<span style="color:{ALIKE}">■</span> not to be told from it, '
    f'<span style="color:{WORSE}">■</span> worse by more than chance.'
)


def _sentences(part: Part, measure: str) -> list[str]:
    sentences = [report_text.variance_sentence(part, measure)]
    sentences += report_text.switches(part, measure)
    if part.missing:
        sentences.append(f"Not measured here: {', '.join(part.missing)}.")
    return [sentence for sentence in sentences if sentence]


def _figure(picture: str, caption: str) -> str:
    return f"<figure>{picture}<figcaption>{caption}</figcaption></figure>"


def _matrix(part: Part, measure: str, mode: str) -> str:
    """The two keys against each other, the better the deeper."""
    table, levels = part.table(measure), part.levels()
    down, across = part.keys
    means = {
        (levels[k][down], levels[k][across]): statistics.interval(list(v.values()))
        for k, v in table.items()
    }
    downs = list(dict.fromkeys(level[down] for level in levels.values()))
    acrosses = list(dict.fromkeys(level[across] for level in levels.values()))
    if min(len(downs), len(acrosses)) < 2:
        return ""
    sign = {"min": -1, "max": 1}[mode]
    # Ranks, not values: one bad setting would leave the others one colour.
    order = sorted(means, key=lambda key: sign * means[key].mean)
    head = "".join(f"<th scope=col>{_wrapped(a)}</th>" for a in acrosses)
    body = ""
    for d in downs:
        body += f"<tr><th scope=row>{html.escape(d)}</th>"
        for a in acrosses:
            if (d, a) not in means:
                body += "<td class=none></td>"
                continue
            colour = report_plots.shade(order.index((d, a)), 0, max(1, len(order) - 1))
            body += f'<td style="background:{colour}">{plus_minus(means[d, a])}</td>'
        body += "</tr>"
    return (
        f"<figure class=wide><table><tr><th>{html.escape(short(down))} \\ "
        f"{html.escape(short(across))}</th>{head}</tr>{body}</table>"
        f"<figcaption>{html.escape(measure)} of each pair, mean ± half of its 95 % "
        "interval; the deeper the colour, the better its rank. Empty: does not fit, or "
        "is not finished.</figcaption></figure>"
    )


def _wrapped(name: str) -> str:
    return html.escape(name).replace("_", "_<wbr>")


def _table(part: Part, order: Sequence[str]) -> str:
    tables = {measure: part.table(measure) for measure in part.measures}
    first, mode = next(iter(part.measures.items()))
    versus = statistics.against_best(tables[first], mode)
    leaders = {
        m: (statistics.ranking(tables[m], way) or [""])[0]
        for m, way in part.measures.items()
    }
    arrows = {"min": "↓", "max": "↑"}
    head = "".join(
        f"<th scope=col>{_wrapped(m)} {arrows[way]}</th>"
        for m, way in part.measures.items()
    )
    body = ""
    for place, key in enumerate(order, 1):
        body += f"<tr><td>{place}</td><th scope=row>{html.escape(key)}</th>"
        for measure, values in tables.items():
            found = statistics.interval(list(values.get(key, {}).values()))
            mark = " class=lead" if leaders[measure] == key else ""
            body += f"<td{mark}>{plus_minus(found)}</td>"
        comparison = versus.get(key)
        p = "best" if comparison is None else number(comparison.corrected)
        mark = " class=real" if comparison and report_text.worse(comparison) else ""
        body += f"<td{mark}>{p}</td></tr>"
    facts = report_text.facts(part.results)
    return (
        f"<figure class=wide><table><tr><th></th><th>setting</th>{head}"
        f"<th scope=col>p</th></tr>{body}</table><figcaption>Best first by "
        f"{html.escape(first)}, which p is for. Bold: the best mean of its column. "
        f"{html.escape(facts)}.</figcaption></figure>"
    )


def _pareto(part: Part, measure: str, mode: str, colours: dict) -> Iterator[str]:
    cost = report_text.cost_name(part)
    if not cost:
        return
    sign = {"min": 1, "max": -1}[mode]
    mean = lambda values: statistics.interval(list(values.values())).mean
    costs, table = part.table(cost), part.table(measure)
    points = {k: (mean(costs[k]), mean(table[k])) for k in table if k in costs}
    if len(points) < 2:
        return
    best = statistics.pareto({k: (c, sign * q) for k, (c, q) in points.items()})
    yield _figure(
        report_plots.front(points, best, colours, cost.replace("_", " "), measure),
        f"Quality against cost ({html.escape(cost)}, of an image). No setting is both "
        "cheaper and better than one on the line, which is named.",
    )


def _curves(part: Part, colours: dict, order: Sequence[str]) -> Iterator[str]:
    measure = next(iter(part.measures))
    curves: dict[str, dict[int, list]] = {}
    for r in part.results:
        points = [(e["step"], e[measure]) for e in r.evals if _finite(e.get(measure))]
        if points:
            curves.setdefault(part.label(r), {})[r.seed] = points
    names = [*order, *(name for name in curves if name not in order)]
    curves = {name: curves[name] for name in names[:MOST] if name in curves}
    if not curves or max(len(p) for c in curves.values() for p in c.values()) < 2:
        return
    full = {name: colours.get(name, GREY) for name in curves}
    yield _figure(
        report_plots.panels(curves, full, x="step", y=measure),
        f"{html.escape(measure)} while training, best setting first: thin the seeds, "
        "thick their mean, pale the other settings.",
    )


def _finite(value) -> bool:
    return isinstance(value, int | float) and abs(value) < float("inf")


def _pictures(part: Part, colours: dict, order: Sequence[str]) -> Iterator[str]:
    sheets = {r.place: s for r in part.results if (s := report_pictures.sheet(r))}
    chosen = [r for r in part.results if r.place in sheets and part.label(r) in order]
    chosen = report_pictures.same_latents(chosen)
    chosen = sorted(chosen, key=lambda r: order.index(part.label(r)))[:MOST]
    if not chosen:
        return
    strips = "".join(
        f'<figure class=strip><img alt="samples of {html.escape(part.label(r))}" '
        f'src="{report_pictures.strip(sheets[r.place])}"><figcaption>'
        f"{html.escape(part.label(r))}</figcaption></figure>"
        for r in chosen
    )
    yield (
        f"<h3>Samples</h3><p>Seed {chosen[0].seed}, from the same latents or test "
        f"images in every row, best setting first.</p><div class=strips>{strips}</div>"
    )
    if "segmentation" in part.config:
        return
    real = report_pictures.real_spectrum(chosen[0])
    names = {part.label(r) for r in chosen}
    curves: dict[str, dict[int, list]] = {name: {} for name in order if name in names}
    for r in part.results:
        if r.place in sheets and r.state == "finished" and part.label(r) in names:
            pixels = sheets[r.place].made()
            curves[part.label(r)][r.seed] = report_pictures.spectrum(pixels)
    curves = {name: seeds for name, seeds in curves.items() if seeds}
    if curves:
        yield _figure(
            report_plots.panels(
                curves,
                {name: colours.get(name, GREY) for name in curves},
                x="cycles a pixel",
                y="power (dB)",
                reference=real,
                low=min((v for _, v in real), default=-60.0) - 20,
            ),
            "Power spectrum of the samples, averaged over directions; dashed: test "
            "images. Spikes at 0.5 and 0.71 cycles a pixel are checkerboards of period "
            "2, those at 0.25 and 0.35 of period 4.",
        )


def _failed(results: Sequence[Result]) -> str:
    failed = [r for r in results if r.state == "failed"]
    if not failed:
        return "<p>None.</p>"
    items = "".join(
        f"<li><strong>{html.escape(r.trial.name)}</strong>, at step {r.step}: "
        f"{html.escape(r.error)}<br><code>"
        f"{html.escape(r.trial.command('DIR'))}</code></li>"
        for r in failed
    )
    return f"<ul>{items}</ul>"


def _commands(results: Sequence[Result], commands: Sequence[str]) -> str:
    own = "\n".join(r.trial.command(f"DIR/{r.trial.name}") for r in results)
    return (
        f"<pre>{html.escape(chr(10).join(commands)) or '-'}</pre>"
        f"<details><summary>every run by itself</summary><pre>{html.escape(own)}</pre>"
        "</details>"
    )
