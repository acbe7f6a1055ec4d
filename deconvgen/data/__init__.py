"""Images as batches that are pure functions of (seed, step)."""

from deconvgen.data.photos import photographs
from deconvgen.data.pipeline import Dataset, summary
from deconvgen.data.sources import datasets, load

__all__ = ["Dataset", "datasets", "load", "photographs", "summary"]
