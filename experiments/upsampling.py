"""Every upsampling layer in the generator of a DCGAN, at equal steps.

    deconvgen sweep experiments/upsampling.py --size=smoke --workdir=sweeps/upsampling
    deconvgen report sweeps/upsampling

`max_unpool` is left out: a generator has no encoder to take the indices from.
"""

from deconvgen.sweep import choose, seeds, smoke

QUESTION = "Which upsampling layer should the generator of a DCGAN have?"
BASE = "gan"
LAYERS = [
    "conv_transpose",
    "decomposed_conv_transpose",
    "separable_conv_transpose",
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
SETTINGS = choose("model.upsampler", LAYERS)
RUNS = {"smoke": seeds(SETTINGS, 3), "full": seeds(SETTINGS, 5)}
MEASURES = [
    "frechet_*",
    "kid_*_mean",
    "precision_*",
    "recall_*",
    "spectrum_distance_db",
    "phase_detail_ratio_s2",
]
PRIMARY = "frechet_*"
TEST = "tukey"
DESIGN = {"smoke": {"seeds": 3}, "full": {"seeds": 5}}
SIZES = {
    "smoke": [smoke(model__features=(32, 16), model__kernel_size=0, eval_every=150)],
    "full": [{"model.kernel_size": 0, "steps": 20_000}],
}
