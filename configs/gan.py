"""A plain generative adversarial network: Radford's recipe of 2016, small, unlabelled.

    deconvgen train --config=gan --workdir=runs/gan

What experiments compare layers in, so that it stays as it is: Adam at 2e-4, batch norm,
every loss and block at its first choice. For pictures take `dcgan`. Frechet distance of
the shipped classifier's features at the end: 0.97 (2,000 test and 2,000 drawn images,
data.validation=0, one seed; 38 minutes, half of them on one core).

Variants (`--config=gan:NAME`):
    (none)    28x28 grey, the embedded Fashion-MNIST
    smoke     a few steps, to see that everything works
    wgan_gp   with Wasserstein loss, gradient penalty, 5 critic steps
"""

from deconvgen.config import assign, defaults, optimizer, pick, smoke

VARIANTS = {
    "smoke": smoke(model__features=(16, 8)),
    "wgan_gp": dict(
        loss__name="wasserstein",
        loss__gradient_penalty=10.0,
        model__critic_norm="none",
        critic_steps=5,
    ),
}


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
