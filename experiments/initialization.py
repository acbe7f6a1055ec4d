"""Where a deconvolution and a sub-pixel convolution start, in a DCGAN.

deconvgen sweep experiments/initialization.py --size=smoke --workdir=sweeps/starts
deconvgen report sweeps/starts
"""

from deconvgen.sweep import choose, product, seeds, smoke, where

QUESTION = "How should the kernels of an upsampling layer start?"
BASE = "gan"
ANY = [
    "default",
    "dcgan",
    "lecun_normal",
    "lecun_uniform",
    "glorot_normal",
    "glorot_uniform",
    "he_normal",
    "he_uniform",
    "orthogonal",
]
OWN = {
    "conv_transpose": [
        "bilinear",
        "nearest_equivalent",
        "bilinear_equivalent",
        "mirrored",
    ],
    "depth_to_space": ["icnr"],
}


def fits(setting):
    start = setting["model.initializer"]
    return start in ANY or start in OWN[setting["model.upsampler"]]


SETTINGS = where(
    product(
        choose("model.upsampler", OWN),
        choose("model.initializer", [*ANY, *OWN["conv_transpose"], "icnr"]),
    ),
    fits,
)
RUNS = {"smoke": seeds(SETTINGS, 3), "full": seeds(SETTINGS, 5)}
MEASURES = ["frechet_*", "kid_*_mean", "spectrum_distance_db", "phase_detail_ratio_s2"]
PRIMARY = "frechet_*"
TEST = "tukey"
DESIGN = {"smoke": {"seeds": 3}, "full": {"seeds": 5}}
SIZES = {
    "smoke": [smoke(model__features=(32, 16), model__kernel_size=0)],
    "full": [{"model.kernel_size": 0, "steps": 20_000}],
}
