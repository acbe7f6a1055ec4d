"""Variational autoencoder: new images from a normal prior, by upsampling blocks.

    deconvgen train --config=vae --workdir=runs/vae

The likelihood is that of the 8-bit image, so the bounds (ELBO, and the
importance-weighted one with `eval.importance_samples` draws) compare between models.

In each pixel the decoder gives a mixture of five logistics. With data.validation=0, on
the 2000 test images: ELBO -1886 nats (3.470 bits a dimension), importance-weighted
bound with 10 draws -1875 nats (3.450), KL 41.2 nats, PSNR of reconstructions 19.5 dB,
Frechet distance of images from the prior 3.64: the code says much, and they are ragged
(one seed; 25 minutes on two cores with other work beside). One logistic around each
pixel, of one scale for all (`one_scale`), had 4.161 bits, 20.4 dB and 6.44.

Variants (`--config=vae:NAME`):
    (none)       28x28 grey, the embedded Fashion-MNIST
    smoke        a few steps, to see that everything works
    beta4        the KL divergence counts four times (Higgins et al. 2017)
    free_bits    0.5 nats for each latent dimension are free (Kingma et al. 2016)
    mirrored     the decoder starts as the adjoint of the encoder
    one_scale    a logistic around each pixel, of one scale for all of them
"""

from deconvgen.config import assign, defaults, optimizer, pick, smoke

VARIANTS = {
    "smoke": smoke(model__features=(8, 16), eval__importance_samples=3),
    "beta4": dict(loss__beta=4.0),
    "free_bits": dict(loss__free_bits=0.5),
    "mirrored": dict(
        model__initializer="mirrored", model__kernel_size=4, loss__components=0
    ),
    "one_scale": dict(loss__components=0),
}


def get_config(variant: str = ""):
    config = defaults(
        "vae",
        steps=6000,
        batch_size=64,
        optimizer=optimizer(learning_rate=1e-3, schedule="cosine"),
        eval_every=1000,
        sample_every=1000,
        loss__components=5,
        monitor__metric="elbo_nats",
    )
    return assign(config, pick(VARIANTS, variant))
