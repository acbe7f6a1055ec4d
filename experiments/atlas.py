"""The atlas: every layer at its default start and at its best-known one, in five tasks.

    deconvgen sweep atlas --size=smoke --workdir=sweeps/atlas
    deconvgen atlas sweeps/atlas --out=results
    deconvgen advise --task=segmentation

What `results/atlas.csv` and `.json` hold is its smoke size, ten seeds a cell: some
hours on two cores, stopped and continued at will. The full size trains longer, for a
GPU. The VAE is that of one scale for all pixels. Layers that need an encoder's help
(`max_unpool`) are in no generator, so not here.
"""

from deconvgen.sweep import chain, choose, product, smoke, widths

QUESTION = "Which upsampling layer, started how, suits which task, and at what cost?"
BASE = "gan"
TASKS = ["gan", "autoencoder", "vae:one_scale", "superres", "segmentation"]
LAYERS = {  # each with the start that the literature gives it, or else orthogonal
    "conv_transpose": "bilinear",
    "decomposed_conv_transpose": "bilinear",
    "separable_conv_transpose": "bilinear",
    "depth_to_space": "icnr",
    "fir_conv_transpose": "orthogonal",
    "nearest_conv": "orthogonal",
    "bilinear_conv": "orthogonal",
    "bicubic_conv": "orthogonal",
    "bilinear_separable_conv": "orthogonal",
    "bilinear_additive": "orthogonal",
    "large_kernel_conv_transpose": "orthogonal",
    "conv_fir": "orthogonal",
    "eucb": "orthogonal",
    "dc_up": "zero_last",
    "haar": "details_zero",
    "phase_mlp": "orthogonal",
    "carafe": "orthogonal",
    "carafe_hamming": "orthogonal",
    "dysample": "orthogonal",
    "dysample_plus": "orthogonal",
    "dysample_pl": "orthogonal",
    "dysample_pl_plus": "orthogonal",
}
CELLS = [
    {"model.upsampler": layer, "model.initializer": start}
    for layer, best in LAYERS.items()
    for start in ("default", best)
]


def runs(count):
    """Seed after seed, so that a sweep that is stopped has something of every cell."""
    return product(choose("seed", range(count)), choose("config", TASKS), chain(CELLS))


RUNS = {"smoke": runs(10), "full": runs(10)}
MEASURES = {
    "miou": "max",
    "psnr_y": "max",
    "psnr": "max",
    "frechet_*": "min",
    "elbo_bits_per_dim": "min",
    "spectrum_distance_db": "min",
    "phase_detail_ratio_s2": "real",
}
PRIMARY = {
    "gan": "frechet_*",
    "autoencoder": "psnr",
    "vae": "elbo_bits_per_dim",
    "superres": "psnr_y",
    "segmentation": "miou",
}
TEST = "tukey"
DESIGN = {
    "smoke": {"seeds": 10, "tells": {"frechet_*": 0.5, "psnr": 0.1}},
    "full": {"seeds": 10},
}
SMALL = smoke(
    600, model__kernel_size=0, log_every=100, eval_every=600, checkpoint_every=600
)
SIZES = {
    "smoke": [
        SMALL,
        *widths(gan=(32, 16), autoencoder=(16, 32)),
        {"config": "vae:one_scale", "model.features": (16, 32)},
        {"config": "superres", "model.features": 16, "model.depth": 2},
        {"config": "segmentation", "model.features": (8, 16, 32), "model.convs": 1},
        {"config": "segmentation", "data.name": "clothes_on_textures"},
        {"config": "segmentation", "data.image_size": 32, "eval.num_examples": 100},
    ],
    "full": [
        {"model.kernel_size": 0},
        {"config": "segmentation", "data.name": "clothes_on_textures"},
    ],
}
