"""Losses, one number per example, and their registries.

The module `likelihoods` holds those of a decoder, in the registry of that name.
"""

from deconvgen.losses import likelihoods
from deconvgen.losses.gan import gan_losses, gradient_penalty, r1
from deconvgen.losses.latent import free_bits, gaussian_kl
from deconvgen.losses.reconstruction import reconstruction_losses
from deconvgen.losses.segmentation import segmentation_losses
from deconvgen.losses.terms import mixture

__all__ = [
    "free_bits",
    "gan_losses",
    "gaussian_kl",
    "gradient_penalty",
    "likelihoods",
    "mixture",
    "r1",
    "reconstruction_losses",
    "segmentation_losses",
]
