"""What a part of a sweep says, in sentences that carry their uncertainty."""

import math
from collections.abc import Sequence

from deconvgen import statistics
from deconvgen.results import Part, Result
from deconvgen.statistics import Comparison, Interval

CHANCE = 0.05
COSTS = ("multiply_adds_sample", "multiply_adds_train", "seconds")


def number(value: float | int) -> str:
    """Four digits, and no exponent where one can do without."""
    if math.isnan(value):
        return "-"
    if value and not 1e-3 <= abs(value) < 1e6:
        return f"{value:.3g}"
    digits = 4 if value == 0 else max(0, 3 - math.floor(math.log10(abs(value))))
    return f"{value:,.{min(digits, 5)}f}"


def plus_minus(found: Interval) -> str:
    """`mean ± half` of a 95 % interval, or the bare value of one seed."""
    if found.n == 0:
        return ""
    mean = number(found.mean)
    if found.n == 1:
        return f"{mean} (1 seed)"
    if "e" in mean:
        return f"{mean} ± {found.half:.2g}"
    return f"{mean} ± {found.half:,.{len(mean.partition('.')[2])}f}"


def from_to(found: Interval) -> str:
    """`95 % interval low to high`, or that there is none."""
    if found.n < 2:
        return "one seed, so no interval"
    return f"95 % interval {number(found.low)} to {number(found.high)}"


def worse(comparison: Comparison) -> bool:
    """Whether the best setting beats this one by more than chance."""
    return comparison.corrected < CHANCE


def listed(names: Sequence[str], most: int = 4) -> str:
    """Names in a sentence; after the first few only their number."""
    names = [f"“{name}”" for name in names]
    if len(names) > most + 1:
        names = [*names[:most], f"{len(names) - most} more"]
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def answer(part: Part) -> str:
    """The part's answer by its most telling measure."""
    done = [r for r in part.results if r.state == "finished"]
    if not done or not part.measures:
        return "No run is finished yet, so there is no answer."
    measure, mode = next(iter(part.measures.items()))
    table = part.table(measure)
    order = statistics.ranking(table, mode)
    if not order:
        return f"No finished run has the measure {measure}."
    best = statistics.interval(list(table[order[0]].values()))
    word = {"min": "lowest", "max": "highest"}[mode]
    steps = sorted({r.step for r in done})
    seeds = f"{best.n} seed" + "s" * (best.n != 1)
    text = (
        f"“{order[0]}” has the {word} {measure}: {number(best.mean)} ({from_to(best)}; "
        f"{seeds}, {' or '.join(map(str, steps))} steps)."
    )
    versus = statistics.against_best(table, mode)
    if versus:
        beaten = [key for key, c in versus.items() if worse(c)]
        alike = [key for key in versus if key not in beaten]
        if all(math.isnan(c.p) for c in versus.values()):
            text += " With one seed nothing can be said about chance."
        elif beaten and alike:
            text += (
                f" It is better than {len(beaten)} of the {len(versus)} other settings "
                f"by more than chance, but not to be told from {listed(alike)}."
            )
        elif beaten:
            text += " It is better than every other setting by more than chance."
        else:
            text += (
                f" Chance may have put it first: none of the {len(versus)} other "
                "settings differs from it significantly."
            )
    gone = len(part.results) - len(done)
    if gone:
        text += f" {gone} of {len(part.results)} runs are not finished and not counted."
    return text


def variance(part: Part, measure: str) -> list[statistics.Share]:
    """What the differences between the part's runs go with."""
    table, levels = part.table(measure), part.levels()
    rows, values = [], []
    for key, seeds in table.items():
        rows += [levels[key]] * len(seeds)
        values += seeds.values()
    if len(part.keys) < 2 or len(values) < 4:
        return []
    rows = [{short(key): level for key, level in row.items()} for row in rows]
    return statistics.shares(rows, values)


def short(key: str) -> str:
    """The last word of a config's key."""
    return key.rpartition(".")[2]


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


def probability(p: float | int) -> str:
    """`p = 0.012`."""
    if math.isnan(p):
        return "p unknown"
    return "p < 0.001" if p < 0.001 else f"p = {p:.2g}"


def switches(part: Part, measure: str) -> list[str]:
    """For each key with two levels: what turning it does, all else being equal."""
    table, levels = part.table(measure), part.levels()
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
            f"{short(key)} {values[1]} instead of {values[0]} changes {measure} by "
            f"{difference.mean:+.3g} ({from_to(difference)}, {probability(p)}; the "
            f"mean over {len(both)} pairs of settings that differ in nothing else)."
        )
    return found


def colours(part: Part, measure: str, mode: str, best: str, alike: str, other: str):
    """A colour for each setting: the best, those not to be told from it, the rest."""
    table = part.table(measure)
    versus = statistics.against_best(table, mode)
    found = {key: other if worse(c) else alike for key, c in versus.items()}
    return {statistics.ranking(table, mode)[0]: best} | found if table else {}


def cost_name(part: Part) -> str:
    """The cost to set quality against: the first that the runs have."""
    have = {name for r in part.results for name in r.cost}
    return next((name for name in COSTS if name in have), "")


def facts(results: Sequence[Result]) -> str:
    """The provenance of the figures, where all runs share it."""
    evals = [r.evals[-1] for r in results if r.evals]
    names = ("split", "num_examples", "ema", "batch_norm")
    shared = {n: {str(e[n]) for e in evals if n in e} for n in names}
    return ", ".join(f"{n} {v.pop()}" for n, v in shared.items() if len(v) == 1)
