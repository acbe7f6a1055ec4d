"""Upsampling layers times their initializations, on a generator and an autoencoder.

    deconvgen sweep experiments/upsampling_x_initialization.py --size=smoke \\
        --workdir=sweeps/both
    deconvgen report sweeps/both

The smoke size takes four layers and six starts, the study two starts and the seeds that
a verdict takes (192 runs, half an hour on two cores) at equal widths; `study_cost` is
the same at equal multiply-adds; the full one all that there are.
"""

from deconvgen.sweep import choose, product, seeds, smoke, where, widths

QUESTION = (
    "Which upsampling layer, started how, should a decoder have: "
    "in a generator, and in an autoencoder?"
)
BASE = "gan"
DECONVOLUTIONS = [
    "conv_transpose",
    "decomposed_conv_transpose",
    "separable_conv_transpose",
]
OTHERS = [
    "fir_conv_transpose",
    "depth_to_space",
    "nearest_conv",
    "bilinear_conv",
    "bicubic_conv",
    "bilinear_separable_conv",
    "bilinear_additive",
    "carafe",
    "dysample",
]
ANY = ["default", "dcgan", "orthogonal", "lecun_normal", "glorot_uniform", "he_normal"]
ONLY = {  # what the other starts make sense for
    "bilinear": DECONVOLUTIONS,
    "nearest_equivalent": DECONVOLUTIONS,
    "bilinear_equivalent": DECONVOLUTIONS,
    "mirrored": ["conv_transpose"],
    "icnr": ["depth_to_space"],
}


def fits(setting):
    layers = ONLY.get(setting["model.initializer"])
    return layers is None or setting["model.upsampler"] in layers


def runs(layers, starts, count):
    both = product(
        choose("config", ["gan", "autoencoder"]),
        choose("model.upsampler", layers),
        choose("model.initializer", starts),
    )
    return seeds(where(both, fits), count)


FOUR = ["conv_transpose", "depth_to_space", "nearest_conv", "bilinear_additive"]
STUDY = runs(FOUR, ["default", "orthogonal"], 12)
RUNS = {
    "smoke": runs(FOUR, [*ANY[:3], "bilinear", "nearest_equivalent", "icnr"], 3),
    "study": STUDY,
    "study_cost": STUDY,
    "full": runs([*DECONVOLUTIONS, *OTHERS], [*ANY, *ONLY], 5),
}
MEASURES = [
    "psnr",
    "frechet_*",
    "kid_*_mean",
    "ssim",
    "spectrum_distance_db",
    "phase_detail_ratio_s2",
]
PRIMARY = {"gan": "frechet_*", "autoencoder": "psnr"}
TEST = "tukey"
TOLD = {"seeds": 12, "tells": {"frechet_*": 0.33, "psnr": 0.06}}
DESIGN = {
    "smoke": {"seeds": 3},
    "study": TOLD,
    "study_cost": TOLD,
    "full": {"seeds": 5},
}
SMALL = [
    smoke(
        800,
        model__kernel_size=0,
        log_every=50,
        eval_every=200,
        checkpoint_every=200,
    ),
    *widths(gan=(32, 16), autoencoder=(16, 32)),
]
SIZES = {
    "smoke": SMALL,
    "study": SMALL,
    "study_cost": [*SMALL, {"model.equal": "multiply_adds"}],
    "full": [{"model.kernel_size": 0}, {"config": "gan", "steps": 20_000}],
}
