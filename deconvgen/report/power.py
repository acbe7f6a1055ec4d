"""What a design can tell: the difference that it finds, the seeds that one takes."""

import bisect
from typing import Any

import numpy as np
from scipy import optimize, stats

from deconvgen.report.blocks import LEVEL, Analysis, critical
from deconvgen.sweep.design import ENOUGH

POWER = 0.8
"""How surely a difference is to be found."""
MOST = 1000
"""Seeds, beyond which nobody need ask."""


def found(
    shift: float | int, count: int, freedom: float | int, pooled: bool = True
) -> float:
    """How surely the test of `count` means tells two that are `shift` apart.

    `shift` is in standard errors of a difference.
    """
    from statsmodels.stats.libqsturng import qsturng  # quick, to four digits

    if pooled:
        least = float(qsturng(1 - LEVEL, count, freedom)) / np.sqrt(2)
    else:
        least = critical(count, freedom, pooled)
    return float(stats.nct.sf(least, freedom, shift))


def tells(analysis: Analysis, power: float | int = POWER) -> float:
    """The difference that this design, with the spread of its runs, finds so surely.

    Of logarithms a factor. NaN where nothing is judged.
    """
    count, freedom = len(analysis.judged), analysis.freedom
    if not count or not analysis.error > 0:
        return float("nan")
    pooled = analysis.spread != "apart"
    high = 4 * critical(count, freedom, pooled)
    gap = lambda shift: found(shift, count, freedom, pooled) - power
    shift: Any = optimize.brentq(gap, 0.0, high, xtol=1e-3)
    least = float(shift) * analysis.error
    return float(np.exp(least)) if analysis.logged else least


def needed(
    analysis: Analysis, difference: float | int, power: float | int = POWER
) -> int:
    """The seeds that tell `difference` so surely, with the spread of these runs.

    At least those that a verdict takes. 0 where nobody knows, as with one seed, or
    where it is more than `MOST`.
    """
    count, pooled = len(analysis.against) + 1, analysis.spread != "apart"
    size = difference / (analysis.error * np.sqrt(analysis.seeds or np.nan))
    if not size > 0 or count < 2 or not np.isfinite(size):
        return 0

    def enough(n: int) -> bool:
        shift = float(size * np.sqrt(n))
        return found(shift, count, _freedom(analysis, n), pooled) >= power

    if not enough(MOST):
        return 0
    seeds = range(ENOUGH, MOST + 1)
    return seeds[bisect.bisect_left(seeds, True, key=enough)]


def _freedom(analysis: Analysis, seeds: int) -> float:
    """Of the error with so many seeds.

    Spreads drawn toward the usual one have each its own seeds', and what that adds.
    """
    rows = 2 if analysis.spread == "apart" else analysis.rows
    pooled = float((rows - 1) * (seeds - 1))
    if not analysis.spread.startswith("drawn"):
        return pooled
    return min(pooled, analysis.freedom + seeds - analysis.seeds)
