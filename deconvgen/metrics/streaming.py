"""Measures that take images as they come: `update`, `compute`, `reset`.

They have torchmetrics' names and values where the definition is one. Images are
[b, h, w, c], floating-point in [-1, 1] or of levels 0 .. 255; what is kept is sums, on
the host in float64, and of the set measures of neighbours the rows of features.
"""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np

from deconvgen.core import images
from deconvgen.core.errors import UserError
from deconvgen.core.types import Sums
from deconvgen.metrics import image
from deconvgen.metrics.distances import (
    KernelDistance,
    frechet_of_moments,
    kernel_distance,
)
from deconvgen.metrics.features import Extractor, compiled, named
from deconvgen.metrics.neighbours import Manifolds, manifolds
from deconvgen.metrics.sums import Collection, Decibels, Mean, Moments, host


class OfPairs:
    """The mean of a measure of two images, over all pairs so far.

    >>> psnr = PeakSignalNoiseRatio()
    >>> psnr.update(jnp.ones((2, 8, 8, 1)), jnp.zeros((2, 8, 8, 1)))
    >>> round(psnr.compute(), 2)
    6.02
    """

    measure: Callable[..., Any] = staticmethod(image.mse)
    sums: type[Mean] = Mean

    def __init__(self, **options: Any):
        self.options = options
        self.reset()

    def reset(self) -> None:
        """As if nothing had come yet."""
        self.total: Mean | None = None

    def update(self, preds: Any, target: Any) -> None:
        """Some more images, and what they should be."""
        values = self.measure(_levels(preds), _levels(target), **self.options)
        new = self.sums.of(values, jnp.ones(len(values)))
        self.total = new if self.total is None else self.total + new

    def merge_state(self, other: "OfPairs") -> None:
        """What another one, of another process say, was given."""
        if other.total is not None:
            given = other.total
            self.total = given if self.total is None else self.total + given

    def compute(self) -> float:
        """The figure of all that came; NaN where nothing did."""
        return float("nan") if self.total is None else self.total.result()


class MeanSquaredError(OfPairs):
    """The mean of `metrics.mse`: of intensities in [0, 1].

    >>> mse = MeanSquaredError()
    >>> mse.update(jnp.ones((2, 8, 8, 1)), jnp.zeros((2, 8, 8, 1)))
    >>> mse.compute()
    0.25
    """


class PeakSignalNoiseRatio(OfPairs):
    """Of the mean squared error of all pixels of all images, peak 1, in dB.

    Not the mean of `metrics.psnr`, which is never the lower one.

    >>> psnr = PeakSignalNoiseRatio()
    >>> psnr.update(jnp.ones((2, 8, 8, 1)), jnp.zeros((2, 8, 8, 1)))
    >>> round(psnr.compute(), 2)
    6.02
    """

    sums = Decibels


class StructuralSimilarity(OfPairs):
    """The mean of `metrics.ssim`: of windows that fit into the image.

    That of pytorch-msssim and scikit-image; torchmetrics' measure of a longer name has
    windows over the border as well, and so other values.

    >>> found = StructuralSimilarity()
    >>> found.update(images, images)
    >>> round(found.compute(), 6)
    1.0
    """

    measure = staticmethod(image.ssim)


class MultiScaleStructuralSimilarity(OfPairs):
    """The mean of `metrics.ms_ssim`, as pytorch-msssim has it; `scales` as there.

    >>> found = MultiScaleStructuralSimilarity(scales=1)
    >>> found.update(images, images)
    >>> round(found.compute(), 6)
    1.0
    """

    measure = staticmethod(image.ms_ssim)


def _levels(x: Any) -> Any:
    """Images as they are; of a type that JAX has."""
    found = x if hasattr(x, "dtype") else np.asarray(x)
    if getattr(found, "ndim", 0) != 4:
        raise UserError(f"images should be [b, h, w, c], not {list(np.shape(found))}")
    return found


class OfSets:
    """Features of real and of generated images, for a figure of both sets.

    `feature` is one of `extractors` by its name, an `Extractor`, "MODULE:FUNCTION" or a
    function from images [b, h, w, c] in [-1, 1] to features [b, d], of JAX or not;
    `made` is what an extractor of that name is made with: dataset, weights.
    """

    def __init__(self, feature: Any = "inception", **made: str):
        self.extractor: Extractor = named(feature, **made)
        self.run: Callable[[Any], np.ndarray] | None = None
        self.reset()

    def reset(self) -> None:
        """As if nothing had come yet."""
        self.totals: dict[bool, Sums] = {}

    def update(self, imgs: Any, real: bool) -> None:
        """Some more images of either kind."""
        x = np.asarray(_levels(imgs))
        x = images.to_float(x) if x.dtype == np.uint8 else x.astype(np.float32)
        if np.abs(x).max(initial=0) > 1.001:
            raise UserError("images should be uint8 or floats in [-1, 1]")
        if self.run is None:
            self.run = compiled(self.extractor)
        new = self.kept(self.run(x))
        self.totals[real] = self.totals[real] + new if real in self.totals else new

    def merge_state(self, other: "OfSets") -> None:
        """What another one, of another process say, was given."""
        for real, sums in other.totals.items():
            mine = self.totals.get(real)
            self.totals[real] = sums if mine is None else mine + sums

    def kept(self, rows: np.ndarray) -> Any:
        """What is kept of the features of a batch: all of them."""
        return Collection.of(jnp.asarray(rows), jnp.ones(len(rows)))

    def both(self) -> tuple[Any, Any]:
        """Sums of the real and of the generated images; a `UserError` for one kind."""
        if {True, False} - self.totals.keys():
            raise UserError("update(..., real=True) and update(..., real=False) first")
        return self.totals[True], self.totals[False]


class FrechetInceptionDistance(OfSets):
    """`frechet_distance` of sums: its memory does not grow with the images.

    >>> fid = FrechetInceptionDistance("random")
    >>> fid.update(images, real=True), fid.update(images, real=False)
    (None, None)
    >>> round(fid.compute(), 6)
    0.0
    """

    def kept(self, rows: np.ndarray) -> Any:
        """Number, mean and scatter."""
        return Moments.of(jnp.asarray(rows), jnp.ones(len(rows)))

    def compute(self) -> float:
        """The distance of the two sets."""
        parts = ((host(m.mean), m.covariance()) for m in self.both())
        return frechet_of_moments(*(x for part in parts for x in part))


class KernelInceptionDistance(OfSets):
    """`kernel_distance`: KID of Inception's features.

    >>> kid = KernelInceptionDistance("random", subset_size=8)
    >>> kid.update(images, real=True), kid.update(0 * images, real=False)
    (None, None)
    >>> kid.compute().mean > 0
    True
    """

    def __init__(
        self,
        feature: Any = "inception",
        subsets: int = 100,
        subset_size: int = 1000,
        **made: str,
    ):
        super().__init__(feature, **made)
        self.subsets, self.subset_size = subsets, subset_size

    def compute(self) -> KernelDistance:
        """Mean and standard deviation over subsets."""
        real, fake = (sums.rows() for sums in self.both())
        return kernel_distance(real, fake, self.subsets, self.subset_size)


class PrecisionRecallDensityCoverage(OfSets):
    """`manifolds`; torchmetrics has none of them.

    >>> found = PrecisionRecallDensityCoverage("random")
    >>> found.update(images, real=True), found.update(images, real=False)
    (None, None)
    >>> found.compute().precision
    1.0
    """

    def compute(self) -> Manifolds:
        """The four shares."""
        return manifolds(*(sums.rows() for sums in self.both()))
