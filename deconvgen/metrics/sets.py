"""What the evaluation of any task adds up about real and generated images.

Both records are made inside jit from one batch of each (`of`), added over devices and
batches, and finish as a flat dict of floats.
"""

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np
from flax import struct
from jax import Array
from jaxtyping import Float

from deconvgen.core.errors import UserError
from deconvgen.core.types import Images
from deconvgen.metrics import distances as fidelity
from deconvgen.metrics import neighbours, spectra
from deconvgen.metrics.artifacts import phase_variance_ratio, phase_variances
from deconvgen.metrics.features import Extractor
from deconvgen.metrics.sums import Collection, Summed
from deconvgen.ops.class_maps import certainty, most_likely
from deconvgen.ops.spectrum import azimuthal_average, power_spectrum, radial_bins

Others = Float[Array, "n i j k"]  # told by `_same` where it is no such set
Mask = Float[Array, " b"]

LEAST = 6
"""Images of either kind that neighbourhoods of the 5th nearest other take."""

LEAST_CERTAIN = 100
"""Images of either kind of which a share of 1 % can be told."""
UNSURE = 0.01
"""Share of the real images that count as unrecognized."""

LEAST_SPECTRA = 4
"""Images of either kind that two halves of two spectra take."""


def _same(what: str, *sizes: Any) -> None:
    if len(set(sizes)) > 1:
        told = " and ".join(map(str, sizes))
        raise UserError(f"a set is measured against one like it, not {what} {told}")


@struct.dataclass
class Fidelity(Summed):
    """Features of real and generated images, and the classes that they seem to show.

    >>> sums = Fidelity.of(extractors["random"](), images, images, jnp.ones(8))
    >>> sums.result()["coverage_random"]
    1.0
    """

    real: Collection  # rows [n, d]
    fake: Collection  # rows [n, d]
    classes: Collection  # rows [n, 2]: of the real, of the generated; [n, 0]: not known
    certainty: Collection  # rows [n, 2]: how sure the classifier is; [n, 0]: none is
    extractor: str = struct.field(pytree_node=False)

    @classmethod
    def of(
        cls,
        extractor: Extractor,
        real: Images,
        fake: Others,
        mask: Mask,
        known: Mapping[str, Array] | None = None,
    ) -> "Fidelity":
        """From as many generated as real images; `mask` [b] goes for both.

        `known` may hold `real_features`, `real_classes` and `real_certainty` of the
        extractor, which it is then not asked for.
        """
        _same("numbers of images", len(real), len(fake), len(mask))
        # Said explicitly, because compiled maxima may lose a NaN on their way.
        spoilt = lambda x: ~jnp.isfinite(x).all(axis=(1, 2, 3))[:, None]
        through = lambda network, x: jnp.where(spoilt(x), jnp.nan, network(x))
        known, guess = known or {}, jnp.zeros((len(mask), 0), jnp.int32)
        sure = jnp.zeros((len(mask), 0), jnp.float32)
        rows = known.get("real_features")
        if rows is None:
            rows = through(extractor.features, real)
        if (logits := extractor.logits) is not None:
            of_real, own = known.get("real_classes"), known.get("real_certainty")
            if of_real is None or own is None:
                of_it = through(logits, real)
                of_real, own = most_likely(of_it), certainty(of_it)
            made = through(logits, fake)
            guess = jnp.stack([of_real, most_likely(made)], 1)
            sure = jnp.stack([own, certainty(made)], 1)
        return cls(
            Collection.of(rows, mask),
            Collection.of(through(extractor.features, fake), mask),
            Collection.of(guess, mask),
            Collection.of(sure, mask),
            extractor.name,
        )

    def histograms(self) -> tuple[np.ndarray, np.ndarray]:
        """Images per class [k], of the real and of the generated.

        NaN where an image has no class, because the classifier made NaN of it.
        """
        rows = self.classes.rows()
        k = max(int(rows.max(initial=-1)) + 1, 0)
        count = lambda classes: (
            np.bincount(classes, minlength=k)
            if (classes >= 0).all()
            else np.full(k, np.nan)
        )
        return count(rows[:, 0]), count(rows[:, 1])

    def result(self) -> dict[str, float]:
        """The measures of `metrics.distances`, by names that carry the extractor's.

        frechet_NAME (fid for Inception), kid_NAME_mean and _std, precision_NAME,
        recall_NAME, density_NAME, coverage_NAME, images_real_NAME, images_fake_NAME;
        with a classifier modes_covered_NAME, modes_kl_NAME and unrecognized_NAME. NaN
        where there are too few images, or a generated one has no finite features.
        """
        real, fake, name = self.real.rows(), self.fake.rows(), self.extractor
        counts = {f"images_real_{name}": len(real), f"images_fake_{name}": len(fake)}
        if len(real) >= LEAST:
            frechet = fidelity.frechet_distance(real, fake)
            kid = fidelity.kernel_distance(real, fake)
            near = neighbours.manifolds(real, fake)
        else:
            nan = float("nan")
            frechet, kid = nan, fidelity.KernelDistance(nan, nan, 0)
            near = neighbours.Manifolds(nan, nan, nan, nan)
        found = {
            "fid" if name == "inception" else f"frechet_{name}": frechet,
            f"kid_{name}_mean": kid.mean,
            f"kid_{name}_std": kid.std,
            **{f"{key}_{name}": value for key, value in near._asdict().items()},
        }
        if self.classes.rows().shape[1]:
            modes = fidelity.mode_coverage(*self.histograms())
            found[f"modes_covered_{name}"] = modes.covered
            found[f"modes_kl_{name}"] = modes.divergence
            found[f"unrecognized_{name}"] = unrecognized(*self.certainty.rows().T)
        return {key: float(value) for key, value in (found | counts).items()}


def unrecognized(real: Any, fake: Any) -> float:
    """The share of generated images that a classifier is unsure of, unlike real ones.

    `real` [n] and `fake` [m] are its certainties; unsure is below what all but 1 % of
    the real images have, so that they have 0.01 themselves. NaN of fewer than 100 of
    either kind, and where one is NaN.
    """
    finite = np.isfinite(real).all() and np.isfinite(fake).all()
    if min(len(real), len(fake)) < LEAST_CERTAIN or not finite:
        return float("nan")
    return float(np.mean(fake < np.quantile(real, UNSURE)))


@struct.dataclass
class Side(Summed):
    """Spectra and phase variances of one kind of images."""

    count: Any  # []
    power: Any  # [h, w], summed
    evened: Any  # {stride: [h, w]}, summed, of images given equal high-band energy
    phases: Any  # {stride: [s, s]}, summed
    details: Any  # {stride: [s, s]}, summed, of the Laplacian

    @classmethod
    def of(
        cls, images: Images, power: Array, mask: Mask, strides: tuple[int, ...]
    ) -> "Side":
        """From images, and their power spectra [b, h, w]."""
        total = lambda x: jnp.einsum("b...,b->...", x, mask, precision="highest")
        phases = {s: total(phase_variances(images, s)) for s in strides}
        details = {s: total(phase_variances(images, s, detail=True)) for s in strides}
        evened = {}
        for s in strides:
            whole = spectra.whole_periods(images, s)
            found = power if whole.shape == images.shape else power_spectrum(whole)
            # Else the replicas of a set would be those of its few most detailed images.
            high = radial_bins(*found.shape[1:]) >= min(found.shape[1:]) / 4
            energy = jnp.mean(found * high, axis=(1, 2), keepdims=True)
            evened[s] = total(found / jnp.maximum(energy, 1e-9))
        return cls(jnp.sum(mask), total(power), evened, phases, details)

    def result(self) -> dict[str, float]:
        """phase_variance_ratio_sS, phase_detail_ratio_sS, replica_db_sS, slope."""
        count = float(self.count) or np.nan  # of no image, NaN
        power = np.asarray(self.power, np.float64) / count
        profile = np.asarray(azimuthal_average(jnp.asarray(power)[None])[0], np.float64)
        found = {}
        for stride in self.phases:
            for name, sums in (("variance", self.phases), ("detail", self.details)):
                mean = np.asarray(sums[stride], np.float64) / count
                ratio = phase_variance_ratio(jnp.asarray(mean, jnp.float32))
                found[f"phase_{name}_ratio_s{stride}"] = float(ratio)
            evened = np.asarray(self.evened[stride], np.float64) / count
            replicas = spectra.replica_energy(evened, stride)
            found[f"replica_db_s{stride}"] = float(np.max(list(replicas.values())))
        found["high_band_slope"] = spectra.high_band_slope(profile, min(power.shape))
        return found


@struct.dataclass
class Artifacts(Summed):
    """What upsampling left in generated images, next to the real ones' own figures.

    >>> sums = jax.jit(Artifacts.of)(images, images, jnp.ones(8))
    >>> "high_band_slope_real" in sums.result()
    True
    """

    real: Side
    fake: Side
    profiles: Collection  # rows [n, 2, r]: azimuthal spectra of the real, the generated

    @classmethod
    def of(
        cls, real: Images, fake: Others, mask: Mask, strides: tuple[int, ...] = (2, 4)
    ) -> "Artifacts":
        """From as many generated as real images of one size; `mask` [b] goes for both.

        `strides` are periods of artefacts to look for: those of one upsampling layer
        and of several in a row. Those that the images are too small for are left out.
        """
        _same("shapes of images", real.shape, fake.shape)
        fitting = tuple(s for s in strides if 4 * s <= min(real.shape[1:3]))
        # Padding may be anything, even NaN.
        keep = lambda x: jnp.where(mask[:, None, None, None] > 0, x, 0)
        pair = [keep(x).astype(jnp.float32) for x in (real, fake)]
        powers = [power_spectrum(x) for x in pair]
        profiles = jnp.stack([azimuthal_average(power) for power in powers], axis=1)
        return cls(
            Side.of(pair[0], powers[0], mask, fitting),
            Side.of(pair[1], powers[1], mask, fitting),
            Collection.of(profiles, mask),
        )

    def result(self) -> dict[str, float]:
        """Figures of the generated images, and with `_real` those of the real ones.

        For each stride S: phase_variance_ratio_sS and phase_detail_ratio_sS (1: no
        checkerboard), replica_db_sS (0: none, of the strongest replica frequency).
        high_band_slope; spectrum_distance_db between the mean azimuthal spectra;
        spectrum_accuracy, 0.5 where spectra do not tell generated from real.
        """
        rows = self.profiles.rows().astype(np.float64)
        real, fake = rows[:, 0], rows[:, 1]
        distance, told = float("nan"), float("nan")
        if len(rows) >= LEAST_SPECTRA:
            distance = spectra.spectrum_distance(real.mean(0), fake.mean(0))
            told = spectra.separability(real, fake)
        return {
            **self.fake.result(),
            **{f"{name}_real": value for name, value in self.real.result().items()},
            "spectrum_distance_db": distance,
            "spectrum_accuracy": told,
        }


@struct.dataclass
class Gradients(Summed):
    """What input gradients have of a checkerboard; each image's counts the same.

    >>> sums = jax.jit(Gradients.of)(images, jnp.ones(8))
    >>> sorted(sums.result())[0]
    'gradient_phase_variance_ratio_s2'
    """

    side: Side

    @classmethod
    def of(cls, gradients: Images, mask: Mask, strides: tuple = (2, 4)) -> "Gradients":
        """From dLoss/dInput, scaled to a mean square of 1 for each image."""
        x = jnp.where(mask[:, None, None, None] > 0, gradients, 0).astype(jnp.float32)
        scaled = lambda x, by: x / jnp.where(by == 0, 1, by)
        # By the largest first, since the squares of what is tiny would be 0.
        x = scaled(x, jnp.max(jnp.abs(x), (1, 2, 3), keepdims=True))
        power = jnp.mean(jnp.square(x), (1, 2, 3), keepdims=True)
        x = scaled(x, jnp.sqrt(power))
        fitting = tuple(s for s in strides if 4 * s <= min(x.shape[1:3]))
        return cls(Side.of(x, power_spectrum(x), mask, fitting))

    def result(self) -> dict[str, float]:
        """gradient_phase_variance_ratio_sS (1: even), gradient_replica_db_sS (0: none).

        For each stride S, of the gradients at all images together (see `Side`).
        """
        wanted = ("phase_variance", "replica")
        found = self.side.result().items()
        return {f"gradient_{k}": v for k, v in found if k.startswith(wanted)}
