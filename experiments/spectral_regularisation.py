"""A generator that is also trained on the spectrum of what it makes.

    deconvgen sweep experiments/spectral_regularisation.py --size=study \\
        --workdir=sweeps/spectral
    deconvgen report sweeps/spectral

Durall, Keuper and Keuper (2020): generators with upsampling fail to match the spectra
of real images at high frequencies; a loss on the azimuthal average makes them match.
`loss.spectral` is its weight, beside the critic's verdict (72 runs, twenty minutes).
"""

from deconvgen.sweep import choose, claim, product, seeds, smoke

QUESTION = "Does a loss on the spectrum bring a generator's spectrum to the real one?"
FINDING = "A spectral loss makes the spectra of generated images match the real ones"
SOURCE = "Durall et al. 2020"
REMARK = """\
At weight 10 the critic of `conv_transpose` wins (its loss ends at 0.03 in the mean of
the seeds, without the term at 0.54), and the images are noise with a grid. At weight 1
as well the mean distance of the spectra is larger than without the term. Weights below
1 are not tried."""
BASE = "gan"
SETTINGS = product(
    choose("model.upsampler", ["conv_transpose", "nearest_conv"]),
    choose("loss.spectral", [0.0, 1.0, 10.0]),
)
RUNS = {"smoke": seeds(SETTINGS, 2), "study": seeds(SETTINGS, 12)}
RUNS["full"] = seeds(SETTINGS, 5)
CLAIMS = [
    claim(
        {"model.upsampler": layer, "loss.spectral": 10.0},
        {"model.upsampler": layer, "loss.spectral": 0.0},
    )
    for layer in ("conv_transpose", "nearest_conv")
]
MEASURES = ["spectrum_distance_db", "high_band_slope", "spectrum_accuracy", "frechet_*"]
PRIMARY = "spectrum_distance_db"
TEST = "tukey"
DESIGN = {
    "smoke": {"seeds": 2},
    "study": {"seeds": 12, "tells": 0.8},
    "full": {"seeds": 5},
}


def small(steps):
    often = dict(eval_every=steps // 2, checkpoint_every=steps // 2, log_every=100)
    return [smoke(steps, model__kernel_size=0, model__features=(32, 16), **often)]


SIZES = {
    "smoke": small(100),
    "study": small(800),
    "full": [{"model.kernel_size": 0, "steps": 20_000}],
}
