"""Upsampling by 8 in three steps, in two, and at once.

    deconvgen sweep experiments/factor.py --size=smoke --workdir=sweeps/factors
    deconvgen report sweeps/factors

Images are 32 x 32. The critic and the encoder are the decoder's mirror images, so they
change with it.
"""

from deconvgen.sweep import chain, choose, product, seeds, smoke, together

QUESTION = "Is it better to upsample in small steps or in one large one?"
BASE = "gan"
FACTORS = [(2, 2, 2), (4, 2), (2, 4), (8,)]


def runs(widths, count):
    generator = product(
        choose("config", ["gan"]),
        together(
            choose("model.factors", FACTORS),
            choose("model.features", [widths[: len(f)] for f in FACTORS]),
        ),
    )
    autoencoder = product(
        choose("config", ["autoencoder"]),
        together(
            choose("model.factors", [f[::-1] for f in FACTORS]),  # the encoder's order
            choose("model.features", [widths[: len(f)][::-1] for f in FACTORS]),
        ),
    )
    layers = choose("model.upsampler", ["conv_transpose", "nearest_conv"])
    return seeds(product(chain(generator, autoencoder), layers), count)


RUNS = {"smoke": runs((32, 16, 8), 3), "full": runs((256, 128, 64), 5)}
MEASURES = [
    "psnr",
    "frechet_*",
    "phase_detail_ratio_s4",
    "replica_db_s4",
    "spectrum_distance_db",
]
PRIMARY = {"gan": "frechet_*", "autoencoder": "psnr"}
TEST = "tukey"
DESIGN = {"smoke": {"seeds": 3}, "full": {"seeds": 5}}
SIZES = {
    "smoke": [smoke(data__image_size=32, model__kernel_size=0, eval_every=150)],
    "full": [{"data.image_size": 32, "model.kernel_size": 0}],
}
