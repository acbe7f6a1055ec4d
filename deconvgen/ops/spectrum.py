"""Power spectra of images and their average over the directions."""

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float, Int, Shaped

from deconvgen.ops.arguments import Given, Images, takes


def hann(n: int) -> Float[np.ndarray, " n"]:
    """The periodic Hann window, with mean square 1: it keeps the power of noise.

    1 for a single sample, which has no neighbour to be kept apart from.
    """
    if n == 1:
        return np.ones(1)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n) / n)
    return window / np.sqrt(np.mean(window**2))


@takes("wide", images="h w c")
def power_spectrum(images: Images, windowed: bool = True) -> Float[Array, "*b h w"]:
    """|FFT|^2 / (h w), the mean over the channels; frequency 0 at index [0, 0].

    Each channel's mean is taken off first. The Hann window keeps the jump between
    opposite borders out of the high frequencies. White noise of variance v has the
    power v at every frequency but the lowest.

    >>> power_spectrum(images).shape
    (8, 16, 16)
    """
    _, h, w, _ = images.shape
    x = images - jnp.mean(images, axis=(1, 2), keepdims=True)
    if windowed:
        window = np.outer(hann(h), hann(w))[..., None]
        x = x * window.astype(x.dtype)
    spectrum = jnp.fft.fft2(x, axes=(1, 2), norm="ortho")
    return jnp.mean(jnp.square(spectrum.real) + jnp.square(spectrum.imag), axis=-1)


def radial_bins(h: int, w: int) -> Int[np.ndarray, "h w"]:
    """The frequency's radius at each index of an FFT, in steps of 1/min(h, w).

    Corners are kept: the checkerboard of period 2 lies there, at sqrt(2) Nyquist.
    """
    radius = np.hypot(np.fft.fftfreq(h)[:, None], np.fft.fftfreq(w)[None])
    return np.rint(radius * min(h, w)).astype(np.int32)


@takes("wide", power="h w")
def azimuthal_average(
    power: Shaped[Given, "*b h w"],
) -> Float[Array, "*b r"]:
    """The mean power at each radius of frequency, r = 0 .. (Durall et al. 2020).

    Radii in cycles per pixel: `r / min(h, w)`, up to the corners of the spectrum.

    >>> azimuthal_average(power_spectrum(images)).shape
    (8, 12)
    """
    b, h, w = power.shape
    bins = radial_bins(h, w).reshape(-1)
    count = np.bincount(bins)
    sums = jax.ops.segment_sum(power.reshape(b, h * w).T, bins, len(count))
    return sums.T / np.maximum(count, 1).astype(power.dtype)
