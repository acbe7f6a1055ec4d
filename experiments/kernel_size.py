"""Kernel sizes of the deconvolution that the stride divides, and that it does not.

    deconvgen sweep experiments/kernel_size.py --size=smoke --workdir=sweeps/kernels
    deconvgen report sweeps/kernels

Odena et al. 2016: with stride 2, the kernels 3 and 5 overlap unevenly, which shows as a
checkerboard; 2, 4 and 6 do not.
"""

from deconvgen.sweep import choose, product, seeds, smoke, widths

QUESTION = "Do kernels that the stride does not divide leave more checkerboard?"
BASE = "dcgan"
SETTINGS = product(
    choose("config", ["dcgan", "autoencoder"]),
    choose("model.kernel_size", [2, 3, 4, 5, 6]),
)
RUNS = {"smoke": seeds(SETTINGS, 3), "full": seeds(SETTINGS, 5)}
MEASURES = [
    "phase_detail_ratio_s2",
    "replica_db_s2",
    "psnr",
    "frechet_*",
    "spectrum_distance_db",
]
PRIMARY = "phase_detail_ratio_s2"
TEST = "tukey"
DESIGN = {"smoke": {"seeds": 3}, "full": {"seeds": 5}}
SIZES = {
    "smoke": [
        smoke(model__upsampler="conv_transpose"),
        *widths(dcgan=(32, 16), autoencoder=(16, 32)),
    ],
    "full": [{"model.upsampler": "conv_transpose"}],
}
