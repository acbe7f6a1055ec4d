"""What a run is watched for: its best figure, how soon it was good, what goes wrong."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from deconvgen.core.errors import KNOBS
from deconvgen.training import checkpoint

COLLAPSED = 0.2
"""Deviation of the generated over that of the real images, per pixel over a batch."""

MEMORIZED = 0.7
"""Distance to the nearest training image, over that of real images."""

EARLY = 200
"""Steps before which a generator that draws little variety has merely not begun."""

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


class Goal(NamedTuple):
    """What "best" means, and when to stop early."""

    metric: str
    mode: str  # min or max
    patience: int = 0  # evaluations without a new best; 0: never stop early

    def best(self, evals: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """The evaluation with the best figure, the earliest of equals; or none."""
        sign = {"min": 1, "max": -1}[self.mode]
        value = lambda record: record.get(self.metric, math.nan)
        finite = [r for r in evals if isinstance(value(r), float | int)]
        finite = [r for r in finite if math.isfinite(value(r))]
        return min(finite, key=lambda r: sign * value(r)) if finite else {}

    def exhausted(self, evals: Sequence[dict[str, Any]]) -> bool:
        """Whether `patience` evaluations have passed without a new best."""
        best = self.best(evals) if self.patience else {}
        return bool(best) and list(evals)[::-1].index(best) >= self.patience

    def __str__(self) -> str:
        return f"no better {self.metric} in {self.patience} evaluations"


def not_finite(
    rows: Mapping[str, np.ndarray], done: int
) -> tuple[str, float, int] | None:
    """(name, value, step) of the first scalar that is not finite.

    `rows` holds the scalars [k] of the k steps that ended at step `done`.
    """
    for name, values in rows.items():
        wrong = np.flatnonzero(~np.isfinite(values))
        if wrong.size:
            first = int(wrong[0])
            return name, float(values[first]), done - len(values) + 1 + first
    return None


def is_collapsed(step: int, scalars: Mapping[str, Any]) -> bool:
    """Whether the scalars of a step call for the warning `collapsed`."""
    return step >= EARLY and scalars.get("diversity", 1.0) < COLLAPSED


def collapsed(diversity: float, step: int, knobs: str) -> str:
    """The warning about a generator that draws the same image again and again."""
    return (
        f"warning: at step {step} the generated images vary {diversity:.2f} times as "
        f"much as the real ones, as after a mode collapse. Likely knobs: {knobs}"
    )


def memorized(figures: Mapping[str, Any], step: int) -> str:
    """The warning about generated images that are near to training images; or "".

    `memorization_ratio_*` is about 1 or more of new images.
    """
    found = [v for k, v in figures.items() if k.startswith("memorization_ratio")]
    if not found or not min(found) < MEMORIZED:  # NaN is not known
        return ""
    return (
        f"warning: at step {step} the generated images are {min(found):.2f} times as "
        "far from their nearest training image as real ones are, as after learning "
        "some by heart; deconvgen sample --kind=neighbours shows them. Likely knobs: "
        "augment.policy=color,translation,cutout with model.critic_norm=none, more "
        "images, fewer steps, an earlier --checkpoint"
    )


def diverged(name: str, value: float, step: int, workdir: Path) -> str:
    """The sentence about a loss that is no longer finite."""
    good = checkpoint.steps(workdir)
    kept = (
        f"the last good checkpoint is step {good[-1]} ({workdir})"
        if good
        else "there is no checkpoint yet"
    )
    return f"{name} became {value} at step {step}; {kept}. {KNOBS}"
