"""DCGAN: a generator of upsampling blocks against its mirror of strided convolutions.

    deconvgen train --config=dcgan --workdir=runs/dcgan

The recipe that `experiments/gan_recipes.py` found, longer: told classes, 2e-3 down a
cosine. The plain recipe of 2016, in which experiments compare layers, is `gan`.
11 minutes of one core, the demo about two of two. Frechet distance of the shipped
classifier's features at the end, 2,000 test and 2,000 drawn images: 0.16 (one seed);
the demo's 0.42 and 0.33 (two), 0.27 to 0.31 with steps=3500 (three); 0.23 untold
(one), where a generator that is told nothing comes to 0.95.

Variants (`--config=dcgan:NAME`; r3gan, 64, 64k5, radford2016 and cifar10 change `gan`,
the others this recipe):
    (none)    28x28 grey, the embedded Fashion-MNIST, told its classes
    demo      the same in fewer steps: `make demo`
    untold    the same for images without labels: told which of 100 clusters they are in
    smoke     a few steps of `gan`, to see that everything works
    few       hundreds of images of one's own: data.folder=PATH, 32x32, told which of 10
              clusters, augmented the more the critic learns them by heart
    avatars   the same recipe at 64x64 in colour, on the drawn faces in the package;
              48 minutes of one core
    r3gan     R3GAN's parts: relativistic pairing, both penalties, residual blocks
              without norms, augmentation
    64        PyTorch's example at 64x64 in colour: CelebA, kernel 4, a normal latent,
              and half the paper's width
    64k5      likewise with the paper's kernel 5
    radford2016  the paper's own recipe at 64x64: its widths, kernel 5, no average
    cifar10   32x32 in colour, class-conditional, hinge loss, spectral norm
"""

from deconvgen.config import assign, load, pick, smoke

OPTIMIZERS = ("optimizer", "critic_optimizer")
NO_NORM = dict(model__norm="none", model__critic_norm="none")
RECIPE = dict(  # as experiments/gan_recipes.py found it
    steps=12_000,
    model__conditional=True,
    model__critic_condition="features",
    model__features=(64, 32),
    model__critic_features=(24, 48),
    **{f"{group}__learning_rate": 2e-3 for group in OPTIMIZERS},
    **{f"{group}__schedule": "cosine" for group in OPTIMIZERS},
    num_samples=80,
    eval_every=2000,
)
VARIANTS = {
    "demo": RECIPE | dict(steps=2700, eval_every=1000),
    "untold": RECIPE | dict(data__clusters=100, num_samples=100),
    # Zhao et al. 2020 (DiffAugment), as likely as Karras et al. 2020 (ADA) make them.
    "few": RECIPE
    | dict(
        data__image_size=32,
        data__clusters=10,
        augment__policy="color,translation,cutout",
        augment__target=0.6,
        augment__ramp_images=200_000,
    ),
    "avatars": RECIPE
    | dict(
        data__name="avatars",
        model__features=(128, 96, 48, 24),
        model__critic_features=(16, 32, 64, 96),
        model__factors=(2, 2, 2, 2),
        steps=6000,
        eval_every=1000,
        eval__num_examples=1000,
    ),
    "smoke": smoke(model__features=(16, 8)),
    "64": dict(
        data__name="celeb_a",
        data__image_size=64,
        data__flip=True,
        model__features=(512, 256, 128, 64),
        model__factors=(2, 2, 2, 2),
        batch_size=128,
        steps=100_000,
        eval_every=5000,
        sample_every=2000,
        checkpoint_every=2000,
        eval__num_examples=10_000,
    ),
    "cifar10": dict(
        data__name="cifar10",
        data__flip=True,
        model__features=(256, 128, 64),
        model__factors=(2, 2, 2),
        model__conditional=True,
        model__spectral_norm=True,
        model__critic_norm="none",
        loss__name="hinge",
        steps=50_000,
        eval_every=5000,
        sample_every=1000,
        eval__num_examples=10_000,
    ),
}
# Huang et al. 2024: rates, b1, b2 and penalties of their CIFAR-10, as are the parts;
# widths, batch and steps are for two cores. Their weight gamma is loss.r1 and loss.r2.
VARIANTS["r3gan"] = NO_NORM | dict(
    model__upsampler="conv_fir",
    model__initializer="default",
    model__kernel_size=0,
    model__start="learned",
    model__latent=64,
    model__depth=1,
    model__critic_depth=1,
    model__group_width=16,
    model__critic_initializer="default",
    model__factors=(2, 2, 1),
    model__features=(96, 64, 32),
    loss__name="relativistic",
    loss__r1=0.05,
    loss__r2=0.05,
    loss__penalty_end=0.1,
    augment__policy="translation,cutout",
    augment__p=0.3,
    ema_half_life=20_000,
    **{f"{group}__b1": 0.0 for group in OPTIMIZERS},
    **{f"{group}__b2": 0.9 for group in OPTIMIZERS},
    **{f"{group}__b2_end": 0.99 for group in OPTIMIZERS},
    **{f"{group}__schedule": "cosine" for group in OPTIMIZERS},
    **{f"{group}__rate_end": 0.25 for group in OPTIMIZERS},
)
VARIANTS["radford2016"] = VARIANTS["64"] | dict(
    model__features=(1024, 512, 256, 128),
    model__kernel_size=5,
    model__critic_kernel_size=5,
    ema=0.0,
)
VARIANTS["64k5"] = VARIANTS["64"] | dict(
    model__kernel_size=5, model__critic_kernel_size=5
)


def get_config(variant: str = ""):
    return assign(load("gan"), pick(VARIANTS, variant) if variant else RECIPE)
