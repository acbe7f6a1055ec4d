"""The loop, and what a train step, a checkpoint and a record are made of.

>>> own = make_optimizer("adam", 1e-3)
>>> step = supervised(lambda *_: ..., own, decay=0.999, axis=None)
>>> state, scalars = jax.jit(step)(state, batch, keys)  # doctest: +SKIP
"""

from typing import TYPE_CHECKING

from deconvgen.core.lazy import lazy

if TYPE_CHECKING:
    from deconvgen.training import checkpoint
    from deconvgen.training.log import Log
    from deconvgen.training.logger import Logger, loggers
    from deconvgen.training.loop import fit
    from deconvgen.training.optim import make_optimizer, optimizers, schedules
    from deconvgen.training.steps import average, descend, supervised

PLACES = {
    "Log": "deconvgen.training.log:Log",
    "Logger": "deconvgen.training.logger:Logger",
    "average": "deconvgen.training.steps:average",
    "checkpoint": "deconvgen.training.checkpoint",
    "descend": "deconvgen.training.steps:descend",
    "fit": "deconvgen.training.loop:fit",
    "loggers": "deconvgen.training.logger:loggers",
    "make_optimizer": "deconvgen.training.optim:make_optimizer",
    "optimizers": "deconvgen.training.optim:optimizers",
    "schedules": "deconvgen.training.optim:schedules",
    "supervised": "deconvgen.training.steps:supervised",
}

__all__ = [
    "Log",
    "Logger",
    "average",
    "checkpoint",
    "descend",
    "fit",
    "loggers",
    "make_optimizer",
    "optimizers",
    "schedules",
    "supervised",
]

__getattr__, __dir__ = lazy(__name__, PLACES)
