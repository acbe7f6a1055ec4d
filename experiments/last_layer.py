"""Swap the last upsampling layer alone, as Chandrasegaran et al. (CVPR 2021) did.

    deconvgen sweep experiments/last_layer.py --size=study --workdir=sweeps/last
    deconvgen report sweeps/last

Their finding: where only the last layer is nearest or bilinear, the gap between the
spectra of generated and real images at high frequencies is gone. It is one of decay, so
the slope of the upper octave answers, by its distance from the real images'.
`conv_transpose` with kernel 4 has hardly a gap to close on these images, with kernel 3
it has one: the study has both, and as many seeds as a verdict on the decay takes.
"""

from deconvgen.sweep import chain, choose, claim, product, seeds

QUESTION = "Does another last upsampling layer alone close the gap between the spectra?"
FINDING = "Another last upsampling layer closes the spectral gap of deconvolution"
SOURCE = "Chandrasegaran et al. 2021"
REMARK = """\
Real images have a slope of -2.29. Deconvolution throughout has -2.69 (kernel 3) and
-2.32 (4), so there was little of a gap; a last `nearest_conv` has -2.94 and -2.78, a
last `bilinear_conv` -4.87 and -4.39: they smooth. By the Frechet distance the images
are better with `nearest_conv` last (5.06 for 6.39, and 4.28 for 5.67)."""
BASE = "gan"
LAST = ["nearest_conv", "bilinear_conv", "depth_to_space", "fir_conv_transpose"]


def swapped(first, last):
    return product(
        choose("model.upsampler", [first]), choose("model.last_upsampler", last)
    )


BOTH = ["conv_transpose", "nearest_conv"]
SETTINGS = chain(
    swapped("conv_transpose", ["conv_transpose", *LAST]), swapped("nearest_conv", BOTH)
)
STUDY = chain(
    product(
        chain(
            swapped("conv_transpose", [*BOTH, "bilinear_conv"]),
            swapped("nearest_conv", ["conv_transpose"]),
        ),
        choose("model.kernel_size", [3, 4]),
    ),
    product(
        swapped("nearest_conv", ["nearest_conv"]), choose("model.kernel_size", [3])
    ),
)
RUNS = {
    "smoke": seeds(SETTINGS, 3),
    "study": seeds(STUDY, 10),
    "full": seeds(SETTINGS, 5),
}
CLAIMS = [
    claim(
        {"model.upsampler": BOTH[0], "model.last_upsampler": new, **kernel},
        {"model.upsampler": BOTH[0], "model.last_upsampler": BOTH[0], **kernel},
    )
    for kernel in choose("model.kernel_size", [3, 4])
    for new in ("nearest_conv", "bilinear_conv")
]
MEASURES = [
    "high_band_slope",
    "spectrum_distance_db",
    "spectrum_accuracy",
    "frechet_*",
    "replica_db_s2",
]
PRIMARY = "high_band_slope"
TEST = "tukey"
DESIGN = {
    "smoke": {"seeds": 3},
    "study": {"seeds": 10, "tells": 0.3},
    "full": {"seeds": 5},
}
FEW = {
    "batch_size": 32,
    "ema": 0.995,
    "model.features": (32, 16),
    "eval.num_examples": 500,
    "log_every": 50,
}
OFTEN = {"eval_every": 500, "checkpoint_every": 500, "sample_every": 1500}
SIZES = {
    "smoke": [FEW | OFTEN | {"steps": 1500, "model.kernel_size": 0}],
    "study": [FEW | OFTEN | {"steps": 1500}],
    "full": [{"model.kernel_size": 0, "steps": 20_000}],
}
