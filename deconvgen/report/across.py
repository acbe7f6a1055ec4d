"""Settings over several configs: interquartile means and probabilities of improvement.

After Agarwal et al. (2021), "Deep reinforcement learning at the edge of the statistical
precipice": few runs of several tasks are summed up by statistics that one outlying run
or task does not decide, with intervals by a bootstrap that draws within each task.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import stats

from deconvgen.report.part import Part
from deconvgen.report.statistics import Interval
from deconvgen.sweep.design import ENOUGH

DRAWS = 2000
"""Of the bootstrap."""


class Standing(NamedTuple):
    """A setting over all tasks."""

    setting: str
    score: Interval  # interquartile mean of its runs, in standard deviations of a task
    wins: Interval  # how likely a run of it beats one of another setting


def standings(parts: Sequence[Part]) -> list[Standing]:
    """The settings that all parts have with five seeds or more, best score first.

    A run's value is standardised within its task, by the mean over the settings and the
    pooled standard deviation of a setting's runs; up is good. Empty for fewer than two
    tasks or settings.
    """
    parts = [part for part in parts if part.primary]
    scored = [part.scored(part.primary) for part in parts]
    names = [
        name
        for name in (scored[0][0] if scored else {})
        if all(len(table.get(name, {})) >= ENOUGH for table, _ in scored)
    ]
    if len(parts) < 2 or len(names) < 2:
        return []
    tasks = []
    for table, mode in scored:
        seeds = sorted(set.intersection(*(set(table[name]) for name in names)))
        values = np.array([[table[name][s] for s in seeds] for name in names], float)
        if len(seeds) < ENOUGH or not (spread := values.std(axis=1, ddof=1).mean()) > 0:
            return []
        sign = {"min": -1, "max": 1}[mode]
        tasks.append(sign * (values - values.mean()) / spread)
    rng = np.random.default_rng(0)
    drawn = [_drawn(values, rng) for values in tasks]
    tasks = [values[None] for values in tasks]
    scores = _interval(_score(tasks)[0], _score(drawn))
    wins = _interval(_wins(tasks)[0], _wins(drawn))
    found = [Standing(n, s, w) for n, s, w in zip(names, scores, wins, strict=True)]
    return sorted(found, key=lambda each: -each.score.mean)


def _drawn(values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """[draws, settings, seeds]: the seeds of a task, drawn again with replacement."""
    picks = rng.integers(values.shape[1], size=(DRAWS, values.shape[1]))
    return values[:, picks].transpose(1, 0, 2)


def _score(tasks: Sequence[np.ndarray]) -> np.ndarray:
    """[draws, settings]: the mean of the middle half of all tasks' runs."""
    return stats.trim_mean(np.concatenate(tasks, axis=2), 0.25, axis=2)


def _wins(tasks: Sequence[np.ndarray]) -> np.ndarray:
    """[draws, settings]: how often a run is above another setting's; half for a tie."""
    found = []
    for values in tasks:
        draws, settings, seeds = values.shape
        ranks = stats.rankdata(values.reshape(draws, -1), axis=1).reshape(values.shape)
        below = (ranks - stats.rankdata(values, axis=2)).sum(2)
        found.append(below / (seeds * seeds * (settings - 1)))
    return np.mean(found, axis=0)


def _interval(points: np.ndarray, draws: np.ndarray) -> list[Interval]:
    low, high = np.percentile(draws, [2.5, 97.5], axis=0)
    ends = zip(points.tolist(), low.tolist(), high.tolist(), strict=True)
    return [Interval(mean, a, b, len(draws)) for mean, a, b in ends]
