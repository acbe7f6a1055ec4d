"""What is said beside the verdict: what lacks, what the differences go with."""

import math
from collections.abc import Sequence

from deconvgen.metrics.measures import called
from deconvgen.report import statistics
from deconvgen.report.part import Part, figure
from deconvgen.report.results import Result
from deconvgen.report.variance import Share, lone, shares
from deconvgen.report.words import apart, listed, number, plural, probability, quality

COSTS = ("multiply_adds_sample", "seconds")
MEASURED = ("seconds",)
"""Those that the machine, and whatever else it did, have a part in."""
LEAST = 0.05
"""Of the dearest: a smaller difference in cost is none to choose by."""


def remarks(part: Part) -> list[str]:
    """What is not in the figures: measures and values that lack, collapses."""
    found = list(part.uncounted)
    if part.missing:
        found.append(f"Not measured here: {', '.join(map(called, part.missing))}.")
    if part.never:
        found.append(
            f"Not finite in any finished run: {', '.join(map(called, part.never))}."
        )
    for measure in part.measures:
        if lacking := part.lacking(measure):
            runs = listed([told(part, r) for r in lacking])
            found.append(
                f"{plural(len(lacking), 'finished run')} without a finite "
                f"{called(measure)}, not counted there: {runs}."
            )
    found += filter(None, (trusted(part, measure) for measure in part.measures))
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


def trusted(part: Part, measure: str) -> str:
    """What a Frechet distance is to be held against, where the runs say it."""
    mean = lambda name: statistics.interval(
        [v for r in part.done if math.isfinite(v := figure(r, f"{measure}_{name}"))]
    )
    floor, sd = mean("floor"), mean("sd")
    parts = []
    if floor.n:
        parts.append(f"is {number(floor.mean)} between two sets of real images")
    if sd.n:
        parts.append(
            f"changes by {number(sd.mean)} (one standard deviation, mean over the "
            "runs) with other images of the same network"
        )
    return f"{called(measure)} {' and '.join(parts)}." if parts else ""


def told(part: Part, result: Result) -> str:
    """A run by its setting and seed."""
    return f"{part.label(result)}, seed {result.seed}"


def variance(
    part: Part, measure: str
) -> tuple[list[dict[str, str]], list[int], list[float | int]]:
    """The part's runs as an analysis of variance takes them: levels, seeds, values.

    Empty where there are not two keys, or too few runs.
    """
    rows, seeds, values = [], [], []
    for key, found in part.table(measure).items():
        rows += [part.levels[key]] * len(found)
        seeds += found
        values += found.values()
    if len(part.keys) < 2 or len(values) < 4:
        return [], [], []
    return rows, seeds, values


def variance_sentences(part: Part, measure: str) -> list[str]:
    """The shares of the variance in words, and whether one level makes them."""
    rows, seeds, values = variance(part, measure)
    found = shares(rows, seeds, values) if rows else []
    if not found:
        return []
    judged = measure == part.primary
    told = _shared(found, judged)
    text = f"What the variance of {called(measure)} between runs goes with: {told}."
    if single := lone(rows, seeds, values):
        factor, level, rest = single
        text += (
            f" Most of that of {factor} is its value {level} alone; without it: "
            f"{_shared(rest, judged)}."
        )
    return [text]


def _shared(found: Sequence[Share], judged: bool) -> str:
    return "; ".join(
        f"{s.name} {100 * s.share:.0f} %"
        + (f" ({probability(s.p)})" if judged and not math.isnan(s.p) else "")
        for s in found
    )


def switches(part: Part, measure: str) -> list[str]:
    """For each key with two values: what one does against the other, all else equal."""
    found = []
    for key in part.keys:
        if len({levels[key] for levels in part.levels.values()}) != 2:
            continue
        analysis = part.between(measure, key)
        for other, gap in analysis.against.items():
            found.append(
                f"{quality(measure, part.measures[measure])}: {key} {other} "
                f"{apart(gap, analysis.logged)} against {key} {analysis.best}, in the "
                f"mean over {plural(analysis.crossed, 'pair')} of settings that differ "
                f"in nothing else, {plural(analysis.seeds, 'seed')}."
            )
    return found


def effects(part: Part, measure: str) -> list[str]:
    """What the factors do to a measure."""
    return [*variance_sentences(part, measure), *switches(part, measure)]


def costs(part: Part) -> list[str]:
    """The costs to set quality against that the runs have."""
    have = {name for r in part.results for name in r.cost}
    return [name for name in COSTS if name in have]


def differs(part: Part, cost: str) -> bool:
    """Whether the settings differ in a cost by more than seeds and machines do."""
    found = [statistics.interval(v.values()) for v in part.table(cost).values()]
    means = [each.mean for each in found]
    if len(found) < 2 or not max(means) - min(means) > LEAST * max(means):
        return False
    if cost not in MEASURED:
        return True
    spread = [each.sd for each in found if each.n > 1]
    return bool(spread) and max(means) - min(means) > 3 * max(spread)


def facts(results: Sequence[Result]) -> str:
    """The provenance of the figures, where all runs share it."""
    evals = [r.evals[-1] for r in results if r.evals]
    tests = [record for r in results for record in r.tests]
    names = ("split", "num_examples", "ema", "batch_norm")
    same = lambda records: {n: {str(e[n]) for e in records if n in e} for n in names}
    tested = dict(list(same(tests).items())[:2]) if tests else {}
    shared = [*tested.items(), *same(evals).items()]
    return ", ".join(f"{n} {v.pop()}" for n, v in shared if len(v) == 1)


def about_best(part: Part) -> str:
    """What the figures at the best step are; empty where they are the last ones."""
    if all(r.best_step in (0, r.evals[-1]["step"]) for r in part.done if r.evals):
        return ""
    names = sorted({r.monitor[0] for r in part.done if r.best_step})
    splits = {e.get("split") for r in part.done for e in r.evals[-1:]}
    return f"At each run's best evaluation by {' or '.join(map(called, names))}; " + (
        "it is chosen on the validation images, and test/ figures are of other ones."
        if splits == {"validation"}
        else "it is chosen on the images it is measured on, which flatters it."
    )
