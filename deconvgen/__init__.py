"""Deconvolution-based generative models in JAX/Flax: layers, measures, experiments."""

from typing import Any

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name == "load":  # not at import: layers alone should not load a training stack
        from deconvgen.runs.run import load

        return load
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
