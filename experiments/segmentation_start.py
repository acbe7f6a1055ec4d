"""Where the deconvolutions of a segmentation start: at random, or as interpolation.

    deconvgen sweep experiments/segmentation_start.py --size=study --workdir=sweeps/fcn
    deconvgen report sweeps/fcn

FCN-8s (Long, Shelhamer and Darrell 2015), whose deconvolutions enlarge class scores,
so that a bilinear start is a sensible map of classes from the first step on; the paper
keeps the last one fixed so. Who starts faster shows in the mean of `miou` over the
steps, the area under its curve; who ends better, in the last `miou`. A start may be
slow for the learning rate's sake, so the study has three of them, and compares the
starts each at its best (108 runs, a quarter of an hour).
"""

from deconvgen.sweep import chain, choose, claim, product, seeds

QUESTION = (
    "Does a bilinear start of the deconvolutions speed up the start of a "
    "segmentation, and does it still matter at the end?"
)
FINDING = "Deconvolutions of a segmentation start as bilinear enlargement, the last "
FINDING += "one for good"
SOURCE = "Long et al. 2015, as a practice"
BASE = "segmentation:fcn8s"
FROZEN = product(
    choose("model.initializer", ["bilinear"]),
    choose("model.freeze_upsampling", [True]),
)
STARTS = chain(choose("model.initializer", ["default", "dcgan", "bilinear"]), FROZEN)
STUDY = product(
    chain(
        product(
            choose("model.initializer", ["default", "bilinear"]),
            choose("model.freeze_upsampling", [False]),
        ),
        FROZEN,
    ),
    choose("optimizer.learning_rate", [3e-4, 1e-3, 3e-3]),
)
RUNS = {
    "smoke": seeds(STARTS, 3),
    "study": seeds(STUDY, 12),
    "full": seeds(STARTS, 5),
}
DEFAULT, BILINEAR = choose("model.initializer", ["default", "bilinear"])
FREE = {"model.freeze_upsampling": False}
CLAIMS = [claim(BILINEAR | FREE, DEFAULT), claim(FROZEN[0], DEFAULT)]
MEASURES = ["area(miou)", "miou", "pixel_accuracy", "boundary_iou"]
PRIMARY = "area(miou)"
TEST = "tukey"
DESIGN = {
    "smoke": {"seeds": 3},
    "study": {"seeds": 12, "tells": 0.03},
    "full": {"seeds": 5},
}
SMALL = {
    "steps": 300,
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
SIZES = {
    "smoke": [SMALL],
    "study": [SMALL | {"eval.num_examples": 500}],
    "full": [
        {
            "steps": 10_000,
            "data.name": "clothes_on_textures",  # ten classes
            "optimizer.schedule": "constant",
            "ema": 0.99,
            "eval_every": 250,
        }
    ],
}
