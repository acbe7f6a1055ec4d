"""Image quality, one number per example.

Every function takes images in [-1, 1] and measures them in the units of [0, 1]: an
error of 1 is black for white. Integers are levels 0 .. 255. Two images have one shape,
with any number of batch axes in front.
"""

import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float

from deconvgen.core.errors import UserError
from deconvgen.core.registry import Registry
from deconvgen.ops.arguments import Images, takes
from deconvgen.ops.image import unit
from deconvgen.ops.spectrum import power_spectrum
from deconvgen.ops.structure import WINDOW, similarity

image_metrics = Registry("image metric")

PerExample = Float[Array, "*b"]
OF_ONE = takes("levels", images="h w c")
OF_TWO = takes("levels", images="h w c", targets="h w c")

MS_SSIM_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""Of the scales, finest first (Wang, Simoncelli and Bovik 2003, section 3.2)."""


@image_metrics.register
@OF_TWO
def mse(images: Images, targets: Images) -> PerExample:
    """Mean squared error of intensities in [0, 1].

    >>> mse(images, images)[0]
    Array(0., dtype=float32)
    """
    return jnp.mean(jnp.square(unit(images) - unit(targets)), axis=(1, 2, 3))


@image_metrics.register
@OF_TWO
def psnr(images: Images, targets: Images) -> PerExample:
    """Peak signal-to-noise ratio in dB, peak 1; at most 100, for equal images.

    >>> psnr(jnp.ones((1, 8, 8, 1)), jnp.zeros((1, 8, 8, 1))).round(2)
    Array([6.02], dtype=float32)
    """
    return -10 * jnp.log10(jnp.maximum(mse(images, targets), 1e-10))


@image_metrics.register
@OF_TWO
def ssim(images: Images, targets: Images) -> PerExample:
    """Structural similarity, 11 x 11 Gaussian window, sigma 1.5 (Wang et al. 2004).

    The mean over the channels; at most 1. Images have 11 x 11 pixels or more.

    >>> jax.jit(ssim)(images, images)[0].round(3)
    Array(1., dtype=float32)
    """
    return jnp.mean(similarity(unit(images), unit(targets))[0], axis=-1)


@image_metrics.register
@OF_TWO
def ms_ssim(images: Images, targets: Images, scales: int | None = None) -> PerExample:
    """Multi-scale structural similarity (Wang, Simoncelli and Bovik 2003, equation 7).

    `None` takes as many of the five scales as the window fits into (five from 176
    pixels on, two at 28) and rescales their weights to the sum 1. Negative
    contrast-structure counts as 0.

    Raises `UserError` where the images are too small for the scales.

    >>> jax.jit(ms_ssim)(images, images)[0].round(3)
    Array(1., dtype=float32)
    """
    x, y = unit(images), unit(targets)
    fitting = int(np.log2(max(min(x.shape[1:3]) / WINDOW, 1))) + 1
    if scales is not None and not 1 <= scales <= min(fitting, len(MS_SSIM_WEIGHTS)):
        raise UserError(
            f"ms_ssim: {scales} scales, but images of {x.shape[1]} x {x.shape[2]} "
            f"pixels have 1 to {min(fitting, len(MS_SSIM_WEIGHTS))}"
        )
    weights = np.array(MS_SSIM_WEIGHTS[: scales or fitting])
    weights = weights / weights.sum()
    value = jnp.ones((x.shape[0], x.shape[3]), x.dtype)
    for scale, weight in enumerate(weights):
        whole, structure = similarity(x, y)
        last = scale == len(weights) - 1
        value *= _root(whole if last else structure, float(weight))
        x, y = halve(x), halve(y)
    return jnp.mean(value, axis=-1)


def _root(x: Array, weight: float) -> Array:
    """x^weight, and 0 for what is not above 0; its slope is finite everywhere."""
    positive = ~(x <= 1e-30)  # NaN stays NaN
    return jnp.where(positive, jnp.where(positive, x, 1) ** weight, 0)


@takes("wide", x="h w c")
def halve(x: Images) -> Float[Array, "*b h2 w2 c"]:
    """The mean of each 2 x 2 block; an odd last row or column is dropped."""
    b, h, w, c = x.shape
    x = x[:, : h - h % 2, : w - w % 2]
    return x.reshape(b, h // 2, 2, w // 2, 2, c).mean((2, 4))


@OF_ONE
def high_band_energy(images: Images, cutoff: float = 0.5) -> PerExample:
    """Energy per pixel above `cutoff` times the Nyquist frequency (Hann window)."""
    _, h, w, _ = images.shape
    radius = np.hypot(np.fft.fftfreq(h)[:, None], np.fft.fftfreq(w)[None])
    high = (radius >= cutoff / 2).astype(np.float32)
    return jnp.mean(power_spectrum(unit(images)) * high, axis=(1, 2))


@image_metrics.register
@OF_TWO
def high_frequency_energy_kept(
    images: Images, targets: Images, cutoff: float = 0.5
) -> PerExample:
    """High-frequency energy over that of the target: 1 kept, 0 blurred, > 1 added.

    It does not ask whether the detail is the right one; noise raises it. Flat images
    have no detail to keep: 1 for two of them.

    >>> high_frequency_energy_kept(images, images)[0]
    Array(1., dtype=float32)
    """
    floor = 1e-9  # an amplitude of a 30000th, far below a grey level
    kept = high_band_energy(images, cutoff) + floor
    return kept / (high_band_energy(targets, cutoff) + floor)
