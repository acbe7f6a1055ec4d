"""Where the deconvolutions of a segmentation start: at random, or as interpolation.

    deconvgen sweep experiments/segmentation_start.py --size=smoke --workdir=sweeps/fcn
    deconvgen report sweeps/fcn

FCN-8s (Long, Shelhamer and Darrell 2015), whose deconvolutions enlarge class scores,
so that a bilinear start is a sensible map of classes from the first step on; the paper
keeps the last one fixed so. Each setting is trained twice, a few steps and many, with
the same seeds: the short runs tell who starts faster, the long ones who ends better.
The rate is constant, so that a short run is the beginning of the long one. `miou` over
the steps is among the learning curves too.
"""

from deconvgen.sweep import chain, choose, product, seeds

QUESTION = (
    "Does a bilinear start of the deconvolutions speed up the start of a "
    "segmentation, and does it still matter at the end?"
)
BASE = "segmentation:fcn8s"
STARTS = chain(
    choose("model.initializer", ["default", "dcgan", "bilinear"]),
    product(
        choose("model.initializer", ["bilinear"]),
        choose("model.freeze_upsampling", [True]),
    ),
)


def runs(early, late):
    return seeds(product(STARTS, choose("steps", [early, late])), 3)


RUNS = {"smoke": runs(60, 300), "full": runs(500, 10_000)}
MEASURES = {"miou": "max", "pixel_accuracy": "max", "boundary_iou": "max"}
SIZES = {
    "smoke": [
        {
            "batch_size": 8,
            "data.name": "clothes_on_textures",  # ten classes
            "data.image_size": 32,
            "model.features": (8, 16, 32, 32),
            "optimizer.schedule": "constant",
            "ema": 0.9,  # a long average would hide the start
            "log_every": 10,
            "eval_every": 20,
            "sample_every": 300,
            "checkpoint_every": 100,
            "eval.num_examples": 100,
        }
    ],
    "full": [
        {
            "data.name": "clothes_on_textures",  # ten classes
            "optimizer.schedule": "constant",
            "ema": 0.99,
            "eval_every": 250,
        }
    ],
}
