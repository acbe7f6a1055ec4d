"""Pictures of what upsampling left behind: spectra, and the images with most of it."""

import math
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from deconvgen.metrics.spectra import decibels, replica_energy, whole_periods
from deconvgen.ops.spectrum import azimuthal_average, power_spectrum

Images = Float[np.ndarray, "n h w c"]

BATCH = 256
REAL, FAKE = "#555555", "#d1495b"


def spectrum_pictures(
    real: Images,
    fake: Float[np.ndarray, "m h w c"],
    folder: str | Path,
    title: str = "",
    strides: tuple[int, ...] = (2, 4),
    worst: int = 24,
) -> list[Path]:
    """Three PNG files in `folder`; `title` should name the model and the numbers.

    azimuthal.png: azimuthal spectra, mean and middle 80 %, real and generated.
    spectra.png: the mean 2-d spectra in dB, frequency 0 in the middle, and their
    difference. worst.png: the `worst` generated images with most energy at the replica
    frequencies of the strides, most first, in dB over their neighbourhood. None of no
    images.
    """
    if not len(fake):
        return []
    room = [s for s in strides if 4 * s <= min(real.shape[1:3])]
    whole = (whole_periods(x, math.lcm(*room)) for x in (real, fake))
    powers = [_powers(np.asarray(images)) for images in whole]
    usual = np.percentile(replica_scores(powers[0], strides), 95)
    figures = {
        "azimuthal": (
            azimuthal_picture(*powers),
            "mean power, band: 80 % of the images",
        ),
        "spectra": (spectra_picture(*powers), "mean power spectra"),
        "worst": (
            worst_picture(fake, powers[1], strides, worst),
            "generated images with most energy at the replicas of strides "
            f"{' and '.join(map(str, strides))},\nin dB over its neighbourhood "
            f"(95 % of {len(real)} real images: below {usual:.0f} dB)",
        ),
    }
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, (figure, about) in figures.items():
        figure.suptitle("\n".join(filter(None, (title, about))), fontsize=9)
        written.append(folder / f"{name}.png")
        figure.savefig(written[-1])
    return written


def azimuthal_picture(
    real: Float[np.ndarray, "n h w"], fake: Float[np.ndarray, "m h w"]
) -> Figure:
    """Azimuthal spectra of two sets of power spectra, over the radius of frequency."""
    figure, axes = _figure(1, (5.6, 3.6))
    h, w = real.shape[1:]
    for powers, name, colour in ((real, "real", REAL), (fake, "generated", FAKE)):
        rings = np.asarray(azimuthal_average(jnp.asarray(powers)))
        levels = decibels(rings)[:, 1:]
        radius = np.arange(1, levels.shape[1] + 1) / min(h, w)
        low, high = np.percentile(levels, (10, 90), axis=0)
        mean = decibels(np.mean(10 ** (levels / 10), axis=0))
        axes[0].fill_between(radius, low, high, color=colour, alpha=0.15, lw=0)
        axes[0].plot(radius, mean, color=colour, label=f"{name} ({len(powers)})")
    axes[0].axvline(0.5, color="k", lw=0.6, ls=":")
    axes[0].text(
        0.5, 0.98, " Nyquist", transform=axes[0].get_xaxis_transform(), va="top"
    )
    axes[0].set(xlabel="frequency (cycles per pixel)", ylabel="power (dB)")
    axes[0].legend(frameon=False, loc="lower left")
    return figure


def spectra_picture(
    real: Float[np.ndarray, "n h w"], fake: Float[np.ndarray, "m h w"]
) -> Figure:
    """The mean 2-d spectra in dB of two sets of power spectra, and their difference."""
    figure, axes = _figure(3, (9.6, 3.3))
    levels = [np.fft.fftshift(decibels(powers.mean(0))) for powers in (real, fake)]
    low, high = np.percentile(levels, (0.5, 99.8))
    shared = dict(vmin=low, vmax=high, cmap="magma")
    gap = levels[1] - levels[0]
    most = max(np.percentile(np.abs(gap), 99.8), 3)
    named = [
        (levels[0], f"real ({len(real)})", shared),
        (levels[1], f"generated ({len(fake)})", shared),
        (gap, "generated - real", dict(vmin=-most, vmax=most, cmap="RdBu_r")),
    ]
    for axis, (picture, name, settings) in zip(axes, named, strict=True):
        image = axis.imshow(picture, extent=(-0.5, 0.5, 0.5, -0.5), **settings)
        axis.set_title(name, fontsize=9)
        axis.set_xticks([-0.5, 0, 0.5])
        axis.set_yticks([-0.5, 0, 0.5])
        axis.set_xlabel("cycles per pixel", fontsize=8)
        figure.colorbar(image, ax=axis, shrink=0.8, label="dB")
    return figure


def worst_picture(
    images: Images,
    powers: Float[np.ndarray, "n h w"],
    strides: tuple[int, ...],
    count: int,
) -> Figure:
    """The images with most energy at the replica frequencies, most first."""
    scores = replica_scores(powers, strides)
    order = np.argsort(-scores)[:count]
    columns = min(8, len(order))
    rows = -(-len(order) // columns)
    figure, axes = _figure(rows * columns, (1.1 * columns, 1.25 * rows + 0.4), columns)
    for axis in axes:
        axis.set_axis_off()
    for axis, index in zip(axes, order, strict=False):
        picture = np.clip((images[index] + 1) / 2, 0, 1)
        grey = picture.shape[-1] == 1
        axis.imshow(picture[..., 0] if grey else picture, cmap="gray", vmin=0, vmax=1)
        axis.set_title(f"{scores[index]:.0f} dB", fontsize=7, pad=2)
    return figure


def replica_scores(
    powers: Float[np.ndarray, "n h w"], strides: tuple[int, ...]
) -> Float[np.ndarray, " n"]:
    """Each image's strongest replica in dB, of those strides that it has room for."""
    fitting = [s for s in strides if 4 * s <= min(powers.shape[1:])]
    levels = [v for s in fitting for v in replica_energy(powers, s).values()]
    return np.max(levels, axis=0) if levels else np.zeros(len(powers))


def _powers(images: np.ndarray) -> Float[np.ndarray, "n h w"]:
    spectrum = jax.jit(power_spectrum)
    parts = [
        np.asarray(spectrum(jnp.asarray(images[i : i + BATCH], jnp.float32)))
        for i in range(0, len(images), BATCH)
    ]
    return np.concatenate(parts).astype(np.float64)


def _figure(count: int, size: tuple[float, float], columns: int = 0):
    """A figure for files, of `count` axes in a row or in rows of `columns`."""
    figure = Figure(figsize=size, dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    columns = columns or count
    axes = figure.subplots(-(-count // columns), columns, squeeze=False)
    return figure, list(axes.flat)
