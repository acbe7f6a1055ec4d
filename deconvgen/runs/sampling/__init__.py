"""Pictures drawn from a checkpoint, by kind; a kind is one decorated function."""

# In the order in which the kinds are listed.
from deconvgen.runs.sampling import plain, latent, views  # isort: skip
from deconvgen.runs.sampling.base import COLUMNS, every, kinds, latents, slerp
from deconvgen.runs.sampling.write import draw

__all__ = [
    "COLUMNS",
    "draw",
    "every",
    "kinds",
    "latent",
    "latents",
    "plain",
    "slerp",
    "views",
]
