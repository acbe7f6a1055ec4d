"""A run folder, and what can be done with it.

>>> raise Diverged("the loss is nan")
Traceback (most recent call last):
deconvgen.core.errors.Diverged: the loss is nan
"""

from typing import TYPE_CHECKING

from deconvgen.core.lazy import lazy

if TYPE_CHECKING:
    from deconvgen.runs.run import Run, load
    from deconvgen.runs.train import Diverged, Outcome, Stopped, train_together

PLACES = {
    "Diverged": "deconvgen.runs.train:Diverged",
    "Outcome": "deconvgen.runs.train:Outcome",
    "Run": "deconvgen.runs.run:Run",
    "Stopped": "deconvgen.runs.train:Stopped",
    "load": "deconvgen.runs.run:load",
    "train_together": "deconvgen.runs.train:train_together",
}

__all__ = ["Diverged", "Outcome", "Run", "Stopped", "load", "train_together"]

__getattr__, __dir__ = lazy(__name__, PLACES)
