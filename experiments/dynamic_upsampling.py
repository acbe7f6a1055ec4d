"""Upsampling that looks at its input against bilinear enlargement, in segmentation.

    deconvgen sweep experiments/dynamic_upsampling.py --size=study \\
        --workdir=sweeps/dynamic
    deconvgen report sweeps/dynamic

CARAFE (Wang et al. 2019) and DySample (Liu et al. 2023) report about one point of mIoU
more than bilinear upsampling on large images, by one run a cell. Here a small U-Net on
pieces of clothing, with the deconvolution that their tables put last (60 runs, three
hours of a core).
"""

from deconvgen.sweep import choose, claim, seeds, smoke

QUESTION = "Does upsampling that looks at its input segment better than bilinear?"
FINDING = "CARAFE and DySample segment better than bilinear upsampling, and it better "
FINDING += "than deconvolution"
SOURCE = "Wang et al. 2019; Liu et al. 2023"
BASE = "segmentation"
LAYERS = ["bilinear_conv", "carafe", "dysample", "dysample_plus", "conv_transpose"]
SETTINGS = choose("model.upsampler", LAYERS)
RUNS = {"smoke": seeds(SETTINGS, 3), "study": seeds(SETTINGS, 12)}
RUNS["full"] = seeds(SETTINGS, 5)
CLAIMS = [
    claim({"model.upsampler": one}, {"model.upsampler": two})
    for one, two in (
        ("carafe", "bilinear_conv"),
        ("dysample", "bilinear_conv"),
        ("bilinear_conv", "conv_transpose"),
    )
]
MEASURES = ["miou", "boundary_iou", "pixel_accuracy"]
PRIMARY = "miou"
TEST = "tukey"
DESIGN = {
    "smoke": {"seeds": 3},
    "study": {"seeds": 12, "tells": 0.01},
    "full": {"seeds": 5},
}
CLOTHES = {
    "data.name": "clothes_on_textures",  # ten classes
    "model.kernel_size": 0,
    "monitor.metric": "miou",
}
SMALL = {"data.image_size": 32, "model.features": (8, 16, 32), "model.convs": 1}
SIZES = {
    "smoke": [CLOTHES | SMALL | smoke(300, eval__num_examples=100)],
    "study": [CLOTHES | SMALL | smoke(1200, eval_every=600, checkpoint_every=600)],
    "full": [CLOTHES],
}
