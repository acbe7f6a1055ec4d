"""DCGAN: a generator of upsampling blocks against its mirror of strided convolutions.

    deconvgen train --config=dcgan --workdir=runs/dcgan
    deconvgen train --config=dcgan:demo --workdir=runs/demo

38 minutes (half of them on one core), and about 3 minutes for the demo, on two cores
with other work beside. Frechet distance of the shipped classifier's features at the
end, 2,000 + 2,000 images, one seed: 0.97 by the default (data.validation=0), on test
images; 0.78 by the demo's recipe, on images held out of the training ones.

Variants (`--config=dcgan:NAME`):
    (none)    28x28 grey, the embedded Fashion-MNIST
    demo      the same, smaller, told classes, at 2e-3 down a cosine: `make demo`
    smoke     a few steps, to see that everything works
    64        PyTorch's example at 64x64 in colour: CelebA, kernel 4, a normal latent,
              and half the paper's width
    64k5      likewise with the paper's kernel 5
    cifar10   32x32 in colour, class-conditional, hinge loss, spectral norm
    wgan_gp   the default with Wasserstein loss, gradient penalty, 5 critic steps
"""

from deconvgen.config import assign, defaults, optimizer, pick, smoke

OPTIMIZERS = ("optimizer", "critic_optimizer")
VARIANTS = {
    "demo": dict(
        steps=3500,
        model__features=(64, 32),
        model__conditional=True,
        **{f"{group}__learning_rate": 2e-3 for group in OPTIMIZERS},
        **{f"{group}__schedule": "cosine" for group in OPTIMIZERS},
        num_samples=80,
        eval_every=1000,
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
    "wgan_gp": dict(
        loss__name="wasserstein",
        loss__gradient_penalty=10.0,
        model__critic_norm="none",
        critic_steps=5,
    ),
}
VARIANTS["64k5"] = VARIANTS["64"] | dict(
    model__kernel_size=5, model__critic_kernel_size=5
)


def get_config(variant: str = ""):
    adam = optimizer(learning_rate=2e-4, b1=0.5)
    config = defaults(
        "gan",
        steps=10_000,
        batch_size=64,
        optimizer=adam,
        critic_optimizer=dict(adam),
        eval_every=1000,
        monitor__metric="frechet",  # of the extractor's features
        model__initializer="dcgan",
        model__kernel_size=4,
    )
    return assign(config, pick(VARIANTS, variant))
