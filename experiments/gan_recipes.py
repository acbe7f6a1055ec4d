"""Recipes of a GAN at the cost of the demo: what is worth changing in `dcgan:demo`?

    deconvgen sweep experiments/gan_recipes.py --size=smoke --workdir=sweeps/recipes
    deconvgen sweep experiments/gan_recipes.py --size=full --workdir=sweeps/told
    deconvgen report sweeps/told

`full` changes one thing after the other in what the demo was before this search, and
in the same with a critic that is told the label on all of its features. What it found
is in `results/gan_recipes.full.csv`, and is `dcgan:demo` now. `untold` is that without
labels: told nothing, or clusters; `critic` is of critics without a norm over the batch,
`few` of 500 images, in three times the demo's steps.
A setting is chosen by the figure on validation images; reports tell the test figure
beside it. Steps are such that a setting costs about what the demo does.
"""

from deconvgen.sweep import chain, choose, product, seeds, smoke, together

QUESTION = "Which recipe makes the best pictures at the cost of the demo?"
BASE = "dcgan:demo"
NETS = ("optimizer", "critic_optimizer")


def both(name, values):
    """The same value for the generator's and the critic's optimizer."""
    return together(*(choose(f"{net}.{name}", values) for net in NETS))


def one(**values):
    """A setting of these values; two underscores are a dot."""
    named = {key.replace("__", "."): [value] for key, value in values.items()}
    return together(*(choose(key, value) for key, value in named.items()))


LOSSES = choose("loss.name", ["hinge", "least_squares"])
RATES = chain(
    both("learning_rate", [1e-3, 4e-3]),
    choose("critic_optimizer.learning_rate", [1e-3, 4e-3]),
)
MOMENTS = chain(
    both("b1", [0.0]),
    both("b2", [0.99]),
    product(both("b1", [0.0]), both("b2", [0.99])),
)
BATCHES = together(choose("batch_size", [32, 128]), choose("steps", [7000, 1750]))
WIDTHS = chain(
    one(model__features=(96, 32)),
    one(model__features=(48, 24), steps=5000),
    one(model__critic_features=(24, 48), steps=4500),
    one(model__critic_features=(48, 96), steps=2400),
)
AVERAGES = choose("ema_half_life", [5_000, 20_000])
LABELS = chain(
    choose("model.critic_condition", ["one_hot"]),
    choose("model.class_gains", [True]),
)
NO_NORM = {"model__critic_norm": "none", "model__critic_initializer": "he_normal"}
PENALIZED = chain(
    one(**NO_NORM, model__spectral_norm=True, loss__name="hinge"),
    *(
        one(**NO_NORM, loss__r1=weight, loss__penalty_every=every, steps=steps)
        for weight in (0.02, 0.1, 0.5)
        for every, steps in ((1, 2300), (8, 3300))
    ),
    *(
        one(
            **NO_NORM,
            loss__name="relativistic",
            loss__r1=weight,
            loss__r2=weight,
            loss__penalty_end=end,
            steps=1800,
        )
        for weight in (0.02, 0.1)
        for end in (1.0, 0.1)
    ),
    choose("model.critic_deviation", [True]),
)
ALL = choose("model.critic_condition", ["features"])
TOGETHER = chain(
    product(both("b1", [0.0]), both("b2", [0.99]), BATCHES),
    choose("model.class_gains", [True]),
)
COMMON = chain([{}], LOSSES, RATES, MOMENTS, BATCHES, WIDTHS, AVERAGES)
UNTOLD = chain(
    one(model__conditional=False, model__critic_condition="projection"),
    choose("data.clusters", [10, 20, 50, 100]),
)
# 5 % of the training images are 500. What `dcgan:few` is, and with less of it.
ADAPTED = dict(augment__target=0.6, augment__ramp_images=200_000)
FEW = product(
    choose("data.validation", [0.95]),
    chain(
        choose("data.clusters", [0, 10]),
        one(data__clusters=10, augment__policy="color,translation,cutout"),
        one(data__clusters=10, augment__policy="translation,cutout", **ADAPTED),
        one(data__clusters=10, augment__policy="color,translation,cutout", **ADAPTED),
    ),
)

RUNS = {
    "smoke": seeds(chain([{}], LABELS, LOSSES), 3),
    "full": seeds(chain([{}], LABELS, product(ALL, chain(COMMON, TOGETHER))), 5),
    "untold": seeds(UNTOLD, 5),
    "critic": seeds(product(choose("model.conditional", [True, False]), PENALIZED), 5),
    "few": seeds(FEW, 5),
}
MEASURES = ["frechet_*", "precision_*", "recall_*", "coverage_*", "modes_kl_*"]
PRIMARY = "frechet_*"
TEST = "tukey"
DESIGN = {size: {"seeds": 3 if size == "smoke" else 5} for size in RUNS}
BEFORE = {  # this search changed the demo
    "eval_every": 7000,
    "steps": 3500,
    "model.critic_condition": "projection",
    "model.critic_features": (),
}
SIZES = {
    "smoke": [smoke(model__features=(16, 8))],
    **{size: [BEFORE] for size in ("full", "critic")},
    "untold": [{"eval_every": 2700}],
    "few": [{"steps": 8000, "eval_every": 2000}],
}
