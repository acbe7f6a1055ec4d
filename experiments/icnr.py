"""ICNR against training time: is the grid that it removes at the start gone for good?

    deconvgen sweep experiments/icnr.py --size=study --workdir=sweeps/icnr
    deconvgen report sweeps/icnr

Sub-pixel convolution with its kernels drawn one by one, with ICNR, and resizing before
the convolution, which has no grid by construction. The primary measure is the mean over
all of training of the detail's evenness, whose own value at the end is beside it (60
runs, twenty minutes).
"""

from deconvgen.sweep import chain, choose, claim, product, seeds, smoke, widths

QUESTION = "Does the evenness that ICNR gives at the start outlast the training?"
FINDING = "Sub-pixel convolution started by ICNR is free of checkerboards"
SOURCE = "Aitken et al. 2017"
REMARK = """\
Of the whole training; at the start ICNR has no grid by construction. Real images are at
1.054: in the generator the default is 0.147 away, ICNR 0.187, resizing 0.056; in the
autoencoder 0.091, 0.091 and 0.122, so that there was little to gain."""
BASE = "gan"
TASKS = ["gan", "autoencoder"]
SHUFFLE = choose("model.upsampler", ["depth_to_space"])
LAYERS = chain(
    product(SHUFFLE, choose("model.initializer", ["default", "icnr"])),
    product(
        choose("model.upsampler", ["nearest_conv"]),
        choose("model.initializer", ["default"]),
    ),
)


def runs(count):
    return seeds(product(choose("config", TASKS), LAYERS), count)


RUNS = {"smoke": runs(3), "study": runs(10), "full": runs(5)}
DEFAULT, ICNR = LAYERS[:2]
CLAIMS = [claim(ICNR, DEFAULT, config) for config in TASKS]
MEASURES = {
    "area(phase_detail_ratio_s2)": "real",
    "phase_detail_ratio_s2": "real",
    "psnr": "max",
    "frechet_*": "min",
    "spectrum_distance_db": "min",
}
PRIMARY = "area(phase_detail_ratio_s2)"
TEST = "tukey"
DESIGN = {
    "smoke": {"seeds": 3},
    "study": {"seeds": 10, "tells": 0.1},
    "full": {"seeds": 5},
}


def small(steps, every):
    often = dict(eval_every=every, checkpoint_every=steps // 2, log_every=100)
    shared = smoke(steps, model__kernel_size=0, **often)
    return [shared, *widths(gan=(32, 16), autoencoder=(16, 32))]


SIZES = {
    "smoke": small(300, 50),
    "study": small(1600, 200),
    "full": [{"model.kernel_size": 0, "steps": 20_000}],
}
