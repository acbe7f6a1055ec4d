"""The decoders of "The Devil is in the Decoder" over four tasks (Wojna et al. 2019).

    deconvgen sweep experiments/decoder_tasks.py --size=study --workdir=sweeps/tasks
    deconvgen report sweeps/tasks

Each with and without the residual path: bilinear additive upsampling of the block's
own input, added to its output. Their finding: it helps, and with it deconvolution,
sub-pixel convolution and bilinear additive upsampling are best overall. The study is of
the path alone, that of the paper (which sums channels) and one that averages them
(144 runs, 25 minutes).
"""

from deconvgen.sweep import chain, choose, claim, product, seeds

QUESTION = "Which decoder suits which task, and does the residual path help?"
FINDING = "The residual path helps"
SOURCE = "Wojna et al. 2019"
BASE = "autoencoder"
DECODERS = [
    "conv_transpose",
    "depth_to_space",
    "bilinear_additive",
    "separable_conv_transpose",
    "decomposed_conv_transpose",
    "bilinear_conv",
    "bilinear_separable_conv",
]
TASKS = ["gan", "autoencoder", "superres", "segmentation"]


def runs(decoders, count):
    return seeds(
        product(
            choose("config", TASKS),
            choose("model.upsampler", decoders),
            choose("model.residual", [False, True]),
        ),
        count,
    )


PATHS = chain(
    choose("model.residual", [False]),
    product(
        choose("model.residual", [True]), choose("model.reduction", ["mean", "sum"])
    ),
)
STUDY = product(
    choose("config", ["autoencoder", "superres"]),
    choose("model.upsampler", ["conv_transpose", "depth_to_space"]),
    PATHS,
)
CLAIMS = [
    claim(layer | path, layer | {"model.residual": False}, config)
    for config in ("autoencoder", "superres")
    for path in PATHS[:0:-1]
    for layer in choose("model.upsampler", ["conv_transpose", "depth_to_space"])
]
REMARK = "The paper's path sums channels; averaging them is this project's variant."
RUNS = {
    "smoke": runs(DECODERS[:4], 2),
    "study": seeds(STUDY, 12),
    "full": runs(DECODERS, 5),
}
MEASURES = [
    "miou",
    "psnr_y",
    "psnr",
    "frechet_*",
    "ssim",
    "boundary_iou",
    "spectrum_distance_db",
    "phase_detail_ratio_s2",
]
PRIMARY = {
    "gan": "frechet_*",
    "autoencoder": "psnr",
    "superres": "psnr_y",
    "segmentation": "miou",
}
TEST = "tukey"
DESIGN = {
    "smoke": {"seeds": 2},
    "study": {"seeds": 12, "tells": {"psnr": 0.2, "psnr_y": 0.2}},
    "full": {"seeds": 5},
}
SMALL = [
    {
        "steps": 200,
        "model.kernel_size": 0,
        "ema": 0.98,
        "log_every": 20,
        "eval_every": 100,
        "sample_every": 200,
        "checkpoint_every": 100,
    },
    {"config": "gan", "model.features": (32, 16), "eval.num_examples": 500},
    {"config": "autoencoder", "model.features": (16, 32)},
    {"config": "autoencoder", "eval.num_examples": 500},
    {"config": "superres", "model.features": 16, "model.depth": 2},
    {"config": "segmentation", "model.features": (8, 16, 32), "model.convs": 1},
    {"config": "segmentation", "data.name": "clothes_on_textures"},
    {"config": "segmentation", "data.image_size": 32, "eval.num_examples": 100},
]
SIZES = {
    "smoke": SMALL,
    "study": [*SMALL, {"steps": 800, "sample_every": 800}],
    "full": [
        {"model.kernel_size": 0},
        {"config": "gan", "steps": 20_000},
        {"config": "segmentation", "data.name": "clothes_on_textures"},
    ],
}
