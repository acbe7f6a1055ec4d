"""Deconvolution-based generative models in JAX/Flax: layers, measures, experiments.

>>> import deconvgen
>>> run = deconvgen.train("dcgan:smoke", "runs/x", model__upsampler="nearest_conv")
>>> run.sample(64).shape  # [n, h, w, c] in [-1, 1]
(64, 28, 28, 1)

What is named here is the public interface, and what its packages name in their
`__all__`; other modules may move. Nothing is imported before it is asked for: layers
alone should not load a training stack.
"""

from typing import TYPE_CHECKING

from deconvgen.core.errors import UserError
from deconvgen.core.lazy import lazy

if TYPE_CHECKING:
    from deconvgen import (
        audit,
        config,
        data,
        losses,
        metrics,
        models,
        nn,
        ops,
        report,
        sweep,
        tasks,
        training,
    )
    from deconvgen.core.runtime import configure
    from deconvgen.metrics.compare import measure
    from deconvgen.runs.entry import train
    from deconvgen.runs.run import load

__version__ = "0.2.0.dev0"

PLACES = {
    "configure": "deconvgen.core.runtime:configure",
    "load": "deconvgen.runs.run:load",
    "train": "deconvgen.runs.entry:train",
    "measure": "deconvgen.metrics.compare:measure",
    "audit": "deconvgen.audit",
    "config": "deconvgen.config",
    "data": "deconvgen.data",
    "losses": "deconvgen.losses",
    "metrics": "deconvgen.metrics",
    "models": "deconvgen.models",
    "nn": "deconvgen.nn",
    "ops": "deconvgen.ops",
    "report": "deconvgen.report",
    "sweep": "deconvgen.sweep",
    "tasks": "deconvgen.tasks",
    "training": "deconvgen.training",
}
"""Where each public name lies."""

__all__ = [
    "UserError",
    "__version__",
    "audit",
    "config",
    "configure",
    "data",
    "load",
    "losses",
    "measure",
    "metrics",
    "models",
    "nn",
    "ops",
    "report",
    "sweep",
    "tasks",
    "train",
    "training",
]

__getattr__, __dir__ = lazy(__name__, PLACES)
