"""Whole pictures through a run, by the name that notebooks know it by."""

from deconvgen.tasks._photographs import bicubic, enlarged, figures, pair, photographs

__all__ = ["bicubic", "enlarged", "figures", "pair", "photographs"]
