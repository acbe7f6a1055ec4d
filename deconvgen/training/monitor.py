"""How soon a run was good."""

import math
from typing import Any

SHARE = 0.1
"""Of the best value's size: what is no further from it counts as good."""


def time_to_quality(
    records: list[dict[str, Any]], metric: str, mode: str
) -> dict[str, float | int]:
    """Seconds and steps until `metric` first came within 10 % of the run's best value.

    From the records of a metrics.jsonl: the first evaluation whose value is no further
    from the best one than a tenth of its size, and the seconds of training, evaluations
    included, that had passed then. The grain is that of the evaluations. Empty where
    there are no values.
    """
    seconds = {r["step"]: r["seconds"] for r in records if "seconds" in r}
    evals = [r for r in records if r["kind"] == "eval"]
    values = [(r["step"], r.get(metric)) for r in evals]
    values = [
        (step, value)
        for step, value in values
        if isinstance(value, int | float) and math.isfinite(value)
    ]
    if not values:
        return {}
    best = {"min": min, "max": max}[mode](value for _, value in values)
    near = lambda value: abs(value - best) <= SHARE * abs(best)
    step = next(step for step, value in values if near(value))
    found: dict[str, float | int] = {"steps_to_within_10_percent_of_best": step}
    if step in seconds:
        found = {"seconds_to_within_10_percent_of_best": seconds[step]} | found
    return found
