"""Kernel sizes of the deconvolution that the stride divides, and that it does not.

    deconvgen sweep experiments/kernel_size.py --size=study --workdir=sweeps/kernels
    deconvgen report sweeps/kernels

With stride 2 the kernels 3 and 5 overlap unevenly, 4 and 6 do not. The study asks
whether that is still to be seen after training (80 runs, a quarter of an hour).
"""

from deconvgen.sweep import choose, claim, product, seeds, smoke, widths

QUESTION = "Do kernels that the stride does not divide leave more checkerboard?"
FINDING = "Kernels that the stride does not divide leave a checkerboard"
SOURCE = "Odena et al. 2016"
BASE = "gan"
TASKS = ["gan", "autoencoder"]


def runs(kernels, count):
    tasks = choose("config", TASKS)
    return seeds(product(tasks, choose("model.kernel_size", kernels)), count)


RUNS = {
    "smoke": runs([2, 3, 4, 5, 6], 3),
    "study": runs([3, 4, 5, 6], 10),
    "full": runs([2, 3, 4, 5, 6], 5),
}
CLAIMS = [
    claim({"model.kernel_size": even}, {"model.kernel_size": uneven}, config)
    for config in TASKS
    for even, uneven in ((4, 3), (6, 5))
]
MEASURES = [
    "phase_detail_ratio_s2",
    "replica_db_s2",
    "psnr",
    "frechet_*",
    "spectrum_distance_db",
]
PRIMARY = "phase_detail_ratio_s2"
TEST = "tukey"
DESIGN = {
    "smoke": {"seeds": 3},
    "study": {"seeds": 10, "tells": 0.1},
    "full": {"seeds": 5},
}


def small(steps, **more):
    shared = smoke(steps, model__upsampler="conv_transpose", **more)
    return [shared, *widths(gan=(32, 16), autoencoder=(16, 32))]


SIZES = {
    "smoke": small(300),
    "study": small(800, eval_every=400, checkpoint_every=400, log_every=100),
    "full": [{"model.upsampler": "conv_transpose"}],
}
