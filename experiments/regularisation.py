"""Dropout, weight decay and norms, each alone, in a generator and an autoencoder.

deconvgen sweep experiments/regularisation.py --size=smoke --workdir=sweeps/regular
deconvgen report sweeps/regular
"""

from deconvgen.sweep import chain, choose, product, seeds, smoke, widths

QUESTION = "Which regularisation helps a decoder of deconvolutions?"
BASE = "gan"
ADAMW = choose("optimizer.name", ["adamw"])
SETTINGS = product(
    choose("config", ["gan", "autoencoder"]),
    chain(
        [{}],
        choose("model.dropout", [0.1, 0.3]),
        product(ADAMW, choose("optimizer.weight_decay", [1e-4, 1e-2])),
        choose("model.norm", ["none", "group", "instance"]),
    ),
)
RUNS = {"smoke": seeds(SETTINGS, 3), "full": seeds(SETTINGS, 5)}
MEASURES = ["psnr", "frechet_*", "kid_*_mean", "ssim", "spectrum_distance_db"]
PRIMARY = {"gan": "frechet_*", "autoencoder": "psnr"}
TEST = "tukey"
DESIGN = {"smoke": {"seeds": 3}, "full": {"seeds": 5}}
SIZES = {
    "smoke": [
        smoke(eval_every=150),
        *widths(gan=(32, 16), autoencoder=(16, 32)),
    ],
    "full": [{"config": "gan", "steps": 20_000}],
}
