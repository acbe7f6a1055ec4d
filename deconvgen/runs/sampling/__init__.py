"""Pictures drawn from a checkpoint, by kind; a kind is one decorated function."""

# In the order in which the kinds are listed.
from deconvgen.runs.sampling import plain, latent, pictures, views  # isort: skip
from deconvgen.runs.sampling.base import COLUMNS, Kind, kinds, latents, slerp
from deconvgen.runs.sampling.write import draw

__all__ = [
    "COLUMNS",
    "Kind",
    "draw",
    "kinds",
    "latent",
    "latents",
    "pictures",
    "plain",
    "slerp",
    "views",
]
