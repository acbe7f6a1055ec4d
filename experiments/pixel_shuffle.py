"""Sub-pixel convolution against transposed convolution, at equal multiply-adds.

    deconvgen sweep experiments/pixel_shuffle.py --size=study --workdir=sweeps/shuffle
    deconvgen report sweeps/shuffle

Shi et al. (2016) put it in the place of deconvolution in super-resolution, as better at
the same cost; Odena et al. (2016) advise resizing before the convolution instead of
either in generators. Widths are solved for (`model.equal`), so that all have the
multiply-adds of plain `conv_transpose` (66 runs, twenty minutes).
"""

from deconvgen.sweep import choose, claim, product, seeds, smoke, widths

QUESTION = "At equal multiply-adds, is pixel shuffle better than deconvolution?"
FINDING = "At equal cost pixel shuffle enlarges better than deconvolution; in "
FINDING += "generators resizing before the convolution is better"
SOURCE = "Shi et al. 2016; Odena et al. 2016"
BASE = "superres"
LAYERS = choose("model.upsampler", ["conv_transpose", "depth_to_space", "nearest_conv"])


def runs(count):
    return seeds(product(choose("config", ["superres", "gan"]), LAYERS), count)


RUNS = {"smoke": runs(2), "study": runs(11), "full": runs(5)}
TRANSPOSED, SHUFFLE, RESIZE = LAYERS
CLAIMS = [claim(SHUFFLE, TRANSPOSED, "superres"), claim(RESIZE, TRANSPOSED, "gan")]
MEASURES = ["psnr_y", "frechet_*", "ssim_y", "phase_detail_ratio_s2"]
PRIMARY = {"superres": "psnr_y", "gan": "frechet_*"}
TEST = "tukey"
DESIGN = {
    "smoke": {"seeds": 2},
    "study": {"seeds": 11, "tells": {"psnr_y": 0.1, "frechet_*": 0.4}},
    "full": {"seeds": 5},
}
EQUAL = {"model.equal": "multiply_adds", "model.kernel_size": 0}


def small(steps):
    often = dict(eval_every=steps // 2, checkpoint_every=steps // 2, log_every=100)
    trunk = {"config": "superres", "model.features": 16, "model.depth": 2}
    return [smoke(steps, **often), EQUAL, *widths(gan=(32, 16)), trunk]


SIZES = {"smoke": small(100), "study": small(800), "full": [EQUAL]}
