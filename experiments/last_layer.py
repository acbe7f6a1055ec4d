"""Swap the last upsampling layer alone, as Chandrasegaran et al. (CVPR 2021) did.

    deconvgen sweep experiments/last_layer.py --size=smoke --workdir=sweeps/last
    deconvgen report sweeps/last

Their finding: where only the last layer is nearest or bilinear, the gap between the
spectra of generated and real images at high frequencies is gone. `conv_transpose` with
kernel 4 has no such gap on these images, so that what can be seen to vanish here is the
repeated spectrum alone (`replica_db`).
"""

from deconvgen.sweep import chain, choose, product, seeds, smoke

QUESTION = "Does another last upsampling layer alone close the gap between the spectra?"
BASE = "dcgan"
LAST = ["", "nearest_conv", "bilinear_conv", "depth_to_space", "fir_conv_transpose"]
RUNS = seeds(
    chain(
        product(
            choose("model.upsampler", ["conv_transpose"]),
            choose("model.last_upsampler", LAST),
        ),
        product(
            choose("model.upsampler", ["nearest_conv"]),
            choose("model.last_upsampler", ["", "conv_transpose"]),
        ),
    ),
    3,
)
MEASURES = {
    "spectrum_distance_db": "min",
    "spectrum_accuracy": "min",
    "frechet_*": "min",
    "replica_db_s2": "real",
}
SIZES = {
    "smoke": [
        smoke(
            1500,
            model__features=(32, 16),
            model__kernel_size=0,
            ema=0.995,
            log_every=50,
            eval_every=500,
            checkpoint_every=500,
        )
    ],
    "full": [{"model.kernel_size": 0, "steps": 20_000}],
}
