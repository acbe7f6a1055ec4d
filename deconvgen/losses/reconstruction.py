"""How far a reconstruction is from its target, one number per example.

Every loss is `loss(images, targets)` on images in [-1, 1], zero for equal images and
a mean over pixels and channels (not a sum: its size does not grow with the image).
Both have one shape, with any number of batch axes; integers are levels 0 .. 255.
The spectral ones are differentiable all the way through the Fourier transform.
"""

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from deconvgen.core.errors import UserError
from deconvgen.core.registry import Registry
from deconvgen.ops.arguments import Images, takes
from deconvgen.ops.spectrum import azimuthal_average
from deconvgen.ops.structure import similarity

reconstruction_losses = Registry("reconstruction loss")

PerExample = Float[Array, "*b"]
OF_TWO = takes("levels", images="h w c", targets="h w c")


@reconstruction_losses.register
@OF_TWO
def l1(images: Images, targets: Images) -> PerExample:
    """Mean absolute error."""
    return jnp.mean(jnp.abs(images - targets), axis=(1, 2, 3))


@reconstruction_losses.register
@OF_TWO
def l2(images: Images, targets: Images) -> PerExample:
    """Mean squared error."""
    return jnp.mean(jnp.square(images - targets), axis=(1, 2, 3))


@reconstruction_losses.register
@OF_TWO
def log_l2(images: Images, targets: Images) -> PerExample:
    """log10(1 + 1e4 mean squared error) / 4: the mean of the PSNRs, turned over.

    Weighs each example's error by what is left of it, where `l2` attends to the worst
    examples. Below an error of 1e-4 (46 dB) it is `l2` again.
    """
    return jnp.log10(1 + 1e4 * l2(images, targets)) / 4


@reconstruction_losses.register
@OF_TWO
def binary_cross_entropy(images: Images, targets: Images) -> PerExample:
    """Nats per value, intensities read as probabilities; above its minimum.

    (1 + x)/2 is the probability of a white pixel. The entropy of the target, the
    least that can be reached, is taken off: that leaves every gradient as it is.
    """
    p, t = _probability(images), _probability(targets)
    bits = t * (jnp.log(t) - jnp.log(p)) + (1 - t) * (jnp.log1p(-t) - jnp.log1p(-p))
    return jnp.mean(bits, axis=(1, 2, 3))


def _probability(images: Images) -> Images:
    # Squeezed, not clipped: even a saturated pixel keeps a gradient.
    return 0.5 + (1 - 1e-4) * jnp.clip(images, -1, 1) / 2


@reconstruction_losses.register
@OF_TWO
def ssim(images: Images, targets: Images) -> PerExample:
    """1 - SSIM (Wang et al. 2004), for images of 11 x 11 pixels or more."""
    x, y = (images + 1) / 2, (targets + 1) / 2
    return 1 - jnp.mean(similarity(x, y)[0], axis=-1)


@reconstruction_losses.register
@OF_TWO
def azimuthal(images: Images, targets: Images) -> PerExample:
    """Cross-entropy of the azimuthal spectra (Durall, Keuper and Keuper 2020).

    Blind to where things are: to be added to a loss that is not.
    """
    return spectral_divergence(azimuthal_profile(images), azimuthal_profile(targets))


@takes("levels", images="h w c")
def azimuthal_profile(images: Images) -> Float[Array, "*b r"]:
    """The azimuthal average of the power in [0, 1]: 0 at -80 dB, 1 at 0 dB.

    0 dB is the power of frequency 0, which none exceeds where intensities lie in
    [0, 1]. On the logarithmic scale every band counts, as in that paper's own
    experiments; -80 dB is about the rounding noise of 8-bit images.
    """
    spectrum = jnp.fft.fft2((images + 1) / 2, axes=(1, 2), norm="ortho")
    power = jnp.mean(jnp.square(spectrum.real) + jnp.square(spectrum.imag), axis=-1)
    profile = azimuthal_average(power)
    share = profile / (profile[:, :1] + 1e-6)
    return 1 + jnp.log10(share + 1e-8) / 8


def spectral_divergence(
    profile: Float[Array, "b r"], target: Float[Array, "#b q"]
) -> PerExample:
    """Binary cross-entropy of two profiles in [0, 1], above its minimum.

    The target may be one mean profile of real images: the loss of a generator.
    """
    if profile.shape[-1] != target.shape[-1]:
        raise UserError(
            f"spectra of {profile.shape[-1]} and of {target.shape[-1]} radii do not "
            "compare: the images should have one size"
        )
    squeeze = lambda x: 1e-4 + (1 - 2e-4) * jnp.clip(x, 0, 1)
    p, t = squeeze(profile[:, 1:]), squeeze(target[:, 1:])
    terms = t * (jnp.log(t) - jnp.log(p)) + (1 - t) * (jnp.log1p(-t) - jnp.log1p(-p))
    return jnp.mean(terms, axis=-1)


@reconstruction_losses.register
@OF_TWO
def focal_frequency(images: Images, targets: Images, alpha: float = 1.0) -> PerExample:
    """Focal frequency loss (Jiang et al. 2021).

    Mean over the frequencies of w |F - F_target|^2, where the weight w is the
    distance's own power `alpha`, scaled to a largest value of 1 per channel, and is
    held constant in the backward pass.
    """
    difference = jnp.fft.fft2(images - targets, axes=(1, 2), norm="ortho")
    squared = jnp.square(difference.real) + jnp.square(difference.imag)
    weight = jax.lax.stop_gradient(squared) ** (alpha / 2)
    largest = jnp.max(weight, axis=(1, 2), keepdims=True)
    weight = jnp.where(largest > 0, weight / jnp.where(largest > 0, largest, 1), 1)
    return jnp.mean(weight * squared, axis=(1, 2, 3))


@reconstruction_losses.register
@OF_TWO
def fft(images: Images, targets: Images) -> PerExample:
    """Mean squared difference of the amplitudes of all frequencies.

    Of the amplitudes, because by Parseval's theorem the squared difference of the
    complex spectra would be `l2` again.
    """
    return jnp.mean(
        jnp.square(_amplitude(images) - _amplitude(targets)), axis=(1, 2, 3)
    )


def _amplitude(images: Images) -> Images:
    spectrum = jnp.fft.fft2(images, axes=(1, 2), norm="ortho")
    # The root of zero has no slope.
    return jnp.sqrt(jnp.square(spectrum.real) + jnp.square(spectrum.imag) + 1e-10)
