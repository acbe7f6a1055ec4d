"""The answer: what the design's test tells by the primary measure, and what not."""

import math
from collections.abc import Sequence

from deconvgen.core.numbers import number
from deconvgen.metrics.measures import called
from deconvgen.report import power
from deconvgen.report.blocks import Analysis
from deconvgen.report.part import Part
from deconvgen.report.words import apart, brief, listed, plural, quality
from deconvgen.sweep.design import ENOUGH

METHOD = (
    "± is the standard deviation over the seeds, at the last step. A verdict is given "
    "by the primary measure alone; all other figures describe. It takes "
    f"{ENOUGH} seeds a setting. Runs of one seed are a block; the error is pooled over "
    "the settings (of logarithms, or of each pair by itself, where their spreads are "
    "too unlike; from 16 settings on, each one's own is drawn toward the usual one, "
    "as Smyth 2004 does); all pairs are compared (Tukey; Sidak where the error is a "
    "pair's own), so that in a hundred such tables at most five hold any false "
    "“better”. Intervals in brackets hold for all comparisons together. Settings with "
    "fewer seeds than others are ranked after them."
)
UNNAMED = (
    "The primary measure was not named before the first run: it is the first of the "
    "experiment's measures."
)
SPREADS = {
    "pooled": "",
    "log": " The settings' spreads are too unlike to be pooled, their logarithms' are "
    "not: differences are factors.",
    "apart": " The settings' spreads are too unlike to be pooled, so each pair is "
    "judged by its own, which tells less.",
    "drawn": " Each setting's spread is its own, drawn toward the usual one.",
    "drawn log": " Logarithms are compared, so differences are factors; each "
    "setting's spread is its own, drawn toward the usual one.",
}


def answer(part: Part) -> str:
    """The part's answer by its primary measure."""
    if not part.done or not part.measures:
        return "No run is finished yet, so there is no answer."
    if not part.primary:
        named = part.design.measure(part.config) if part.design else ""
        lacks = f"No finished run has a finite {called(named)}"
        return f"{lacks}, the primary measure: no answer."
    found = part.tested()
    if not found.order:
        lacks = f"No finished run has a finite {called(part.primary)}"
        return f"{lacks}, so there is no answer."
    text = _first(part, found)
    if found.judged:
        text += _told(part, found) + SPREADS[found.spread] + _power(part, found)
    else:
        text += _no_verdict(part, found)
    gone = len(part.results) - len(part.done)
    if gone:
        text += f" {gone} of {len(part.results)} runs are not finished and not counted."
    return text if part.design else f"{text} {UNNAMED}"


def _first(part: Part, found: Analysis) -> str:
    measure, mode = called(part.primary), part.measures[part.primary]
    steps = sorted({r.step for r in part.done})
    leads = {"min": f"has the lowest {measure}", "max": f"has the highest {measure}"}
    leads["real"] = (
        f"comes nearest to the real images' {measure} of "
        f"{number(part.real(part.primary))}"
    )
    away = "off by " if mode == "real" else ""
    best = f"{part.key} {found.best}" if part.key else found.best
    over = f"in the mean over {found.crossed} settings, " if found.crossed > 1 else ""
    return (
        f"“{best}” {leads[mode]}: {away}"
        f"{number(found.means[found.best])} ({over}{plural(found.seeds, 'seed')}, "
        f"{' or '.join(map(str, steps))} steps)."
    )


def _told(part: Part, found: Analysis) -> str:
    judged = {key: found.against[key] for key in found.judged[1:]}
    beaten = {key: c for key, c in judged.items() if c.told}
    alike = [key for key, c in judged.items() if not c.told]
    untested = [key for key in alike if math.isnan(judged[key].t)]
    alike = [key for key in alike if key not in untested]
    text = ""
    if beaten:
        kind = "value" if part.key else "setting"
        of = f"{len(beaten)} of the {len(found.against)} other {kind}s"
        of = f"every other {kind}" if len(beaten) == len(found.against) else of
        near = next(iter(beaten))
        text = (
            f" It is better than {of} by more than chance; the nearest of them is "
            f"“{near}”, {apart(beaten[near], found.logged)}."
        )
    if alike and beaten:
        text += f" It is not told from {listed(alike)}, which may be as good or better."
    elif alike:
        text += (
            f" Chance may have put it first: none of the {len(alike)} others is told "
            "from it, which does not say that they are equal."
        )
    if untested:
        text += (
            f" Its differences from {listed(untested)} are equal for all seeds, so no "
            "test can judge them."
        )
    if found.few and not part.key:
        text += f" No verdict on {listed(found.few)}, with fewer than {ENOUGH} seeds."
    return text


def _power(part: Part, found: Analysis) -> str:
    sure = part.design.power if part.design else power.POWER
    least = power.tells(found, sure)
    if math.isnan(least):
        return ""
    planned = part.design.tells if part.design else {}
    goal = planned.get(part.design.measure(part.config)) if part.design else None
    size = f"a factor of {brief(least)}" if found.logged else f"{brief(least)}"
    text = f" What this design tells with {100 * sure:.0f} % power is {size}"
    if goal is None or found.logged:
        return f"{text}."
    text += f"; planned was {brief(goal)}"
    if least > 1.05 * goal and (seeds := power.needed(found, goal, sure)):
        text += f", which takes {seeds} seeds by the spread of these runs"
    return f"{text}."


def _no_verdict(part: Part, found: Analysis) -> str:
    if not found.against:
        return " There is nothing to compare it with."
    near, gap = next(iter(found.against.items()))
    text = (
        f" Next is “{near}”, {apart(gap, False)}; the last of {len(found.against)} is "
        f"“{found.order[-1]}”, {apart(found.against[found.order[-1]], False)}."
        if len(found.against) > 1
        else f" The other, “{near}”, has {apart(gap, False)}."
    )
    if part.to_come:
        return (
            f"{text} No verdict before the end: {plural(part.to_come, 'planned run')} "
            f"{'is' if part.to_come == 1 else 'are'} still to come."
        )
    text += f" No verdict: that takes {ENOUGH} seeds of each setting."
    sure = part.design.power if part.design else power.POWER
    goal = 0.0
    if part.design:
        goal = part.design.tells.get(part.design.measure(part.config), 0.0)
    what = "the planned difference" if goal else "the first two apart, if so unlike,"
    if seeds := power.needed(found, goal or abs(gap.difference), sure):
        text += (
            f" By the spread of these runs, to tell {what} with {100 * sure:.0f} % "
            f"power would take {seeds} seeds."
        )
    return text


def primary_sentence(part: Part) -> str:
    """Which measure answers, and by what."""
    if not part.primary:
        return ""
    of = f"the values of {part.key}" if part.key else "all settings with each other"
    named = "named before the first run" if part.design else "not named before the runs"
    mode = part.measures[part.primary]
    return (
        f"Primary measure, {named}: {quality(part.primary, mode)}, in files "
        f"{part.primary}; it compares {of}."
    )


def others(part: Part) -> Sequence[str]:
    """The measures that describe."""
    return [m for m in part.measures if m != part.primary]
