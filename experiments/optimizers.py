"""Adam, RMSProp and gradient descent with momentum, and schedules of the rate.

    deconvgen sweep experiments/optimizers.py --size=smoke --workdir=sweeps/optimizers
    deconvgen report sweeps/optimizers

Gradient descent gets a rate of its own; the others share the config's.
"""

from deconvgen.sweep import chain, choose, product, seeds, smoke, together, widths

QUESTION = "Which optimizer and schedule train a decoder of deconvolutions best?"
BASE = "gan"
SCHEDULES = choose("optimizer.schedule", ["constant", "cosine", "linear"])


def runs(config, rates):
    sgd = product(
        choose("optimizer.name", ["sgd"]), choose("optimizer.learning_rate", rates)
    )
    warmed = together(
        choose("optimizer.name", ["adam"]),
        choose("optimizer.schedule", ["cosine"]),
        choose("optimizer.warmup_steps", [50]),
    )
    adaptive = product(choose("optimizer.name", ["adam", "rmsprop"]), SCHEDULES)
    return product(
        choose("config", [config]), chain(adaptive, warmed, product(sgd, SCHEDULES))
    )


SETTINGS = chain(runs("gan", [1e-2]), runs("autoencoder", [1e-1]))
RUNS = {"smoke": seeds(SETTINGS, 3), "full": seeds(SETTINGS, 5)}
MEASURES = ["psnr", "frechet_*", "kid_*_mean", "ssim"]
PRIMARY = {"gan": "frechet_*", "autoencoder": "psnr"}
TEST = "tukey"
DESIGN = {"smoke": {"seeds": 3}, "full": {"seeds": 5}}
SIZES = {
    "smoke": [
        smoke(),
        *widths(gan=(32, 16), autoencoder=(16, 32)),
    ],
    "full": [{"config": "gan", "steps": 20_000}],
}
