"""What images are worth: sums on the devices, figures on the host.

Distances are of features, rows of two sets of images:

>>> rows = np.random.default_rng(0).normal(size=(50, 3))
>>> round(frechet_distance(rows, rows + 2.0), 3)  # 3 * 2.0**2
12.0
>>> kernel_distance(rows, rows + 2.0).mean > 1, manifolds(rows, rows).precision
(True, 1.0)
>>> memorization_ratio(rows[:9], rows, rows + 1.0)  # they are copies
0.0
>>> mode_coverage(np.array([5, 5]), np.array([9, 0])).covered
0.5
"""

from deconvgen.metrics.artifacts import (
    input_gradient,
    phase_variance_ratio,
    phase_variances,
    polyphase_dc_gap,
)
from deconvgen.metrics.by_class import fidelity_by_class
from deconvgen.metrics.compare import measure
from deconvgen.metrics.distances import (
    frechet_distance,
    kernel_distance,
    mode_coverage,
)
from deconvgen.metrics.edges import EdgeResponse, edge_response
from deconvgen.metrics.features import Extractor, extractors
from deconvgen.metrics.gradients import gradient_checkerboard
from deconvgen.metrics.image import (
    high_frequency_energy_kept,
    image_metrics,
    ms_ssim,
    mse,
    psnr,
    ssim,
)
from deconvgen.metrics.neighbours import manifolds, memorization_ratio
from deconvgen.metrics.perceptual import perceptual_distance
from deconvgen.metrics.segmentation import Boundaries, Confusion
from deconvgen.metrics.sets import Artifacts, Fidelity, Gradients
from deconvgen.metrics.shifts import Shifts, shift_inconsistency
from deconvgen.metrics.spectra import replica_energy, separability, spectrum_distance
from deconvgen.metrics.streaming import (
    FrechetInceptionDistance,
    KernelInceptionDistance,
    MeanSquaredError,
    MultiScaleStructuralSimilarity,
    PeakSignalNoiseRatio,
    PrecisionRecallDensityCoverage,
    StructuralSimilarity,
)
from deconvgen.metrics.sums import (
    Collection,
    Decibels,
    Mean,
    Moments,
    Ratio,
    add,
    results,
)

__all__ = [
    "Artifacts",
    "Boundaries",
    "Collection",
    "Confusion",
    "Decibels",
    "EdgeResponse",
    "Extractor",
    "Fidelity",
    "FrechetInceptionDistance",
    "Gradients",
    "KernelInceptionDistance",
    "Mean",
    "MeanSquaredError",
    "Moments",
    "MultiScaleStructuralSimilarity",
    "PeakSignalNoiseRatio",
    "PrecisionRecallDensityCoverage",
    "Ratio",
    "Shifts",
    "StructuralSimilarity",
    "add",
    "edge_response",
    "extractors",
    "fidelity_by_class",
    "frechet_distance",
    "gradient_checkerboard",
    "high_frequency_energy_kept",
    "image_metrics",
    "input_gradient",
    "kernel_distance",
    "manifolds",
    "measure",
    "memorization_ratio",
    "mode_coverage",
    "ms_ssim",
    "mse",
    "perceptual_distance",
    "phase_variance_ratio",
    "phase_variances",
    "polyphase_dc_gap",
    "psnr",
    "replica_energy",
    "results",
    "separability",
    "shift_inconsistency",
    "spectrum_distance",
    "ssim",
]
