"""Experiments: the functions that their files are written with, and their start.

>>> layers = choose("model.upsampler", ["conv_transpose", "nearest_conv"])
>>> RUNS = seeds(layers, 3)
>>> start("experiments/mine.py", "runs/mine", size="smoke")  # doctest: +SKIP
>>> text((8, 4))
'8,4'
"""

from typing import TYPE_CHECKING

from deconvgen.core.lazy import lazy
from deconvgen.sweep.claims import claim
from deconvgen.sweep.settings import (
    LONGEST,
    Setting,
    chain,
    choose,
    matching,
    name,
    overrides,
    product,
    seeds,
    smoke,
    text,
    together,
    varying,
    where,
    widths,
)

if TYPE_CHECKING:
    from deconvgen.sweep.plan import Plan, Trial
    from deconvgen.sweep.run import sweep as start

PLACES = {
    "Plan": "deconvgen.sweep.plan:Plan",
    "Trial": "deconvgen.sweep.plan:Trial",
    "start": "deconvgen.sweep.run:sweep",
}

__all__ = [
    "LONGEST",
    "Plan",
    "Setting",
    "Trial",
    "chain",
    "choose",
    "claim",
    "matching",
    "name",
    "overrides",
    "product",
    "seeds",
    "smoke",
    "start",
    "text",
    "together",
    "varying",
    "where",
    "widths",
]

__getattr__, __dir__ = lazy(__name__, PLACES)
