"""Images as batches that are pure functions of (seed, step)."""

from deconvgen.data.photos import photographs
from deconvgen.data.pipeline import Dataset, summary
from deconvgen.data.sources import SPLITS, datasets, load

__all__ = ["SPLITS", "Dataset", "datasets", "load", "photographs", "summary"]
