"""What a part of a sweep says, in sentences that carry their uncertainty."""

import math
from collections.abc import Sequence

from deconvgen.report import statistics
from deconvgen.report.part import Part
from deconvgen.report.results import Result
from deconvgen.report.statistics import Comparison
from deconvgen.report.words import from_to, listed, number, plural, probability

CHANCE = 0.05
COSTS = ("multiply_adds_sample", "seconds")
METHOD = (
    "± is half of a 95 % interval (Student's t) over the seeds, at the last step. "
    "p compares a setting with the best one of its column seed by seed (paired t-test) "
    "and is corrected for the number of settings (Holm), not of measures; below 0.05 "
    "the difference counts as real. Where there is no p, there were fewer than two "
    "seeds in common, or all differences were equal. Settings with fewer seeds than "
    "others are ranked after them."
)


def worse(comparison: Comparison) -> bool:
    """Whether the best setting beats this one by more than chance."""
    return comparison.corrected < CHANCE


def answer(part: Part) -> str:
    """The part's answer by its most telling measure."""
    if not part.done or not part.measures:
        return "No run is finished yet, so there is no answer."
    measure = next(iter(part.measures))
    order = part.order(measure)
    if not order:
        return f"No finished run has a finite {measure}, so there is no answer."
    text = _first(part, measure, order[0]) + _against(part, measure)
    gone = len(part.results) - len(part.done)
    if gone:
        text += f" {gone} of {len(part.results)} runs are not finished and not counted."
    return text


def _first(part: Part, measure: str, best: str) -> str:
    found = statistics.interval(part.table(measure)[best].values())
    steps = sorted({r.step for r in part.done})
    leads = {"min": f"has the lowest {measure}", "max": f"has the highest {measure}"}
    leads["real"] = (
        f"comes nearest to the real images' {measure} of {number(part.real(measure))}"
    )
    return (
        f"“{best}” {leads[part.measures[measure]]}: {number(found.mean)} "
        f"({from_to(found)}; {plural(found.n, 'seed')}, "
        f"{' or '.join(map(str, steps))} steps)."
    )


def _against(part: Part, measure: str) -> str:
    versus = part.versus(measure)
    told = {key: c for key, c in versus.items() if not math.isnan(c.p)}
    beaten = [key for key, c in told.items() if worse(c)]
    alike = [key for key in told if key not in beaten]
    untold = [key for key in versus if key not in told]
    if not versus:
        return ""
    if not told:
        pairs = max(c.pairs for c in versus.values())
        if pairs < 2:
            seeds = max(len(values) for values in part.table(measure).values())
            why = "one seed" if seeds == 1 else "fewer than two seeds in common"
            return f" With {why}, nothing can be said about chance."
        return " Its differences are equal for all seeds, so no test can judge them."
    if beaten and alike:
        text = (
            f" It is better than {len(beaten)} of the {len(versus)} other settings by "
            f"more than chance, but not to be told from {listed(alike)}."
        )
    elif beaten and untold:
        text = (
            f" It is better than {len(beaten)} of the {len(versus)} other settings by "
            "more than chance."
        )
    elif beaten:
        text = " It is better than every other setting by more than chance."
    else:
        text = (
            f" Chance may have put it first: none of the {len(told)} other settings "
            "that it can be compared with differs from it significantly."
        )
    if untold:
        text += f" No test can compare it with {listed(untold)}."
    return text


def remarks(part: Part) -> list[str]:
    """What is not in the figures: measures and values that lack, collapses."""
    found = []
    if part.missing:
        found.append(f"Not measured here: {', '.join(part.missing)}.")
    if part.never:
        found.append(f"Not finite in any finished run: {', '.join(part.never)}.")
    for measure in part.measures:
        if lacking := part.lacking(measure):
            found.append(
                f"{plural(len(lacking), 'finished run')} without a finite {measure}, "
                f"not counted there: {listed([told(part, r) for r in lacking])}."
            )
    if part.measures and (few := part.short_of_seeds(next(iter(part.measures)))):
        found.append(
            f"{plural(len(few), 'setting')} with fewer seeds than others, ranked after "
            f"them: {listed(few)}."
        )
    if thin := [r for r in part.results if r.collapsed]:
        names = [f"{told(part, r)}, first at step {r.collapsed[0]}" for r in thin]
        found.append(
            f"{plural(len(thin), 'run')} warned of a mode collapse: {listed(names)}."
        )
    return found


def told(part: Part, result: Result) -> str:
    """A run by its setting and seed."""
    return f"{part.label(result)}, seed {result.seed}"


def variance(part: Part, measure: str) -> list[statistics.Share]:
    """What the differences between the part's runs go with."""
    rows, values = [], []
    for key, seeds in part.table(measure).items():
        rows += [part.levels[key]] * len(seeds)
        values += seeds.values()
    if len(part.keys) < 2 or len(values) < 4:
        return []
    return statistics.shares(rows, values)


def variance_sentence(part: Part, measure: str) -> str:
    """The shares of the variance in words."""
    found = variance(part, measure)
    if not found:
        return ""
    told = [
        f"{s.name} {100 * s.share:.0f} %"
        + ("" if math.isnan(s.p) else f" ({probability(s.p)})")
        for s in found
    ]
    return f"What the variance of {measure} between runs goes with: {'; '.join(told)}."


def switches(part: Part, measure: str) -> list[str]:
    """For each key with two levels: what turning it does, all else being equal."""
    table, levels = part.table(measure), part.levels
    found = []
    for key in part.keys:
        values = sorted({levels[name][key] for name in table})
        if len(values) != 2:
            continue
        others = [k for k in part.keys if k != key]
        sides: list[dict] = [{}, {}]
        for name in table:
            place = tuple(levels[name][k] for k in others)
            sides[values.index(levels[name][key])][place] = table[name]
        both = sorted(sides[0].keys() & sides[1].keys())
        if not both:
            continue
        seeds = set.intersection(*(set(side[p]) for side in sides for p in both))
        means = [
            {s: sum(side[p][s] for p in both) / len(both) for s in seeds}
            for side in sides
        ]
        difference, p = statistics.paired(means[1], means[0])
        if not difference.n:
            continue
        found.append(
            f"{key} {values[1]} instead of {values[0]} changes {measure} by "
            f"{difference.mean:+.3g} ({from_to(difference)}, {probability(p)}; the "
            f"mean over {len(both)} pairs of settings that differ in nothing else)."
        )
    return found


def effects(part: Part, measure: str) -> list[str]:
    """What the factors do to a measure."""
    return [*filter(None, [variance_sentence(part, measure)]), *switches(part, measure)]


def costs(part: Part) -> list[str]:
    """The costs to set quality against that the runs have."""
    have = {name for r in part.results for name in r.cost}
    return [name for name in COSTS if name in have]


def facts(results: Sequence[Result]) -> str:
    """The provenance of the figures, where all runs share it."""
    evals = [r.evals[-1] for r in results if r.evals]
    names = ("split", "num_examples", "ema", "batch_norm")
    shared = {n: {str(e[n]) for e in evals if n in e} for n in names}
    return ", ".join(f"{n} {v.pop()}" for n, v in shared.items() if len(v) == 1)


def about_best(part: Part) -> str:
    """What the figures at the best step are; empty where they are the last ones."""
    if all(r.best_step in (0, r.evals[-1]["step"]) for r in part.done if r.evals):
        return ""
    names = sorted({r.monitor[0] for r in part.done if r.best_step})
    return (
        f"At each run's best evaluation by {' or '.join(names)}; it is chosen on the "
        "images it is measured on, which flatters it."
    )
