"""Autoencoder: images through a code of 32 numbers and back by upsampling blocks.

    deconvgen train --config=autoencoder --workdir=runs/autoencoder

Five to eight processor minutes (two to six on two cores). With data.validation=0, on
the 2000 test images: PSNR 22.43 dB as the mean over the images, 20.94 dB of their mean
squared error (range 2 in [-1, 1]), SSIM 0.757. For comparison, PCA: 18.97 and 18.41 dB
with 32 components, 20.79 and 20.09 with 64, 23.16 and 22.27 with 128.

Variants (`--config=autoencoder:NAME`):
    (none)       28x28 grey, the embedded Fashion-MNIST
    smoke        a few steps, to see that everything works
    gaussian     denoising: normal noise of standard deviation 0.5 (Vincent et al. 2010)
    salt_and_pepper, masking    a quarter of the pixels black or white, or grey
    inpainting   a quarter of the area is a grey hole
    mirrored     the decoder starts as the adjoint of the encoder
    unpool       max-pooling, and max-unpooling at its indices: these tell where things
                 are, so the code is not all that the decoder knows
    spectral     l1 and the focal frequency loss
"""

from deconvgen.config import assign, defaults, optimizer, pick, smoke

VARIANTS = {
    "smoke": smoke(model__features=(8, 16)),
    "gaussian": dict(corruption__name="gaussian", corruption__amount=0.5),
    "salt_and_pepper": dict(
        corruption__name="salt_and_pepper", corruption__amount=0.25
    ),
    "masking": dict(corruption__name="masking", corruption__amount=0.25),
    "inpainting": dict(corruption__name="hole", corruption__amount=0.25),
    "mirrored": dict(model__initializer="mirrored", model__kernel_size=4),
    "unpool": dict(model__upsampler="max_unpool", model__pool=True),
    "spectral": dict(loss__name="l1 + focal_frequency"),
}


def get_config(variant: str = ""):
    config = defaults(
        "autoencoder",
        steps=8000,
        batch_size=64,
        optimizer=optimizer(learning_rate=2e-3, schedule="cosine"),
        eval_every=1000,
        sample_every=1000,
        num_samples=32,
        monitor__metric="psnr",
    )
    return assign(config, pick(VARIANTS, variant))
