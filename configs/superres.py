"""Super-resolution: photographs enlarged 2, 3 or 4 times by one upsampling layer.

    deconvgen train --config=superres --workdir=runs/superres
    deconvgen evaluate --workdir=runs/superres
    deconvgen sample --workdir=runs/superres --kind=superres \\
        --input=photo.png --out=big.png

Two to five processor minutes (one to three on two cores). The four held-out
photographs, whole, one seed, data.validation=0: 31.91 dB PSNR of Y and 0.913 SSIM,
against 30.81 dB and 0.886 of bicubic: 1.09 dB gained (camera 0.86, chelsea 0.97, coffee
1.15, gravel 1.40). Grey ones (camera, gravel) are scored on their own 0 to 255, those
in colour on a Y of 16 to 235, as in the MATLAB scripts of the field.

Another factor, fine-tuning the last layer alone:

    deconvgen train --config=superres:x3 --workdir=runs/superres_x3 \\
        --config.init_from=runs/superres --config.model.freeze_trunk=true

Variants (`--config=superres:NAME`):
    (none)    factor 2, a small residual trunk and a deconvolution
    smoke     a few steps, to see that everything works
    x3, x4    the default with another factor
    fsrcnn    deconvolution 9x9, a tenth of the learning rate on it (Dong et al. 2016)
    espcn     sub-pixel convolution (Shi et al. 2016)
    edsr      a residual trunk of 16 blocks of 64, sub-pixel convolution
"""

from deconvgen.config import assign, defaults, optimizer, pick, smoke

VARIANTS = {
    "smoke": smoke(
        batch_size=4,
        model__features=8,
        model__depth=1,
        eval__num_examples=16,
        eval__batch_size=8,
        num_samples=4,
    ),
    "x3": dict(model__factor=3),
    "x4": dict(model__factor=4),
    "fsrcnn": dict(
        model__trunk="fsrcnn",
        model__features=56,
        model__depth=4,
        model__kernel_size=9,
        model__head_rate=0.1,
    ),
    "espcn": dict(
        model__trunk="espcn",
        model__features=64,
        model__depth=1,
        model__upsampler="depth_to_space",
    ),
    "edsr": dict(
        model__features=64,
        model__depth=16,
        model__upsampler="depth_to_space",
        steps=100_000,
    ),
}


def get_config(variant: str = ""):
    config = defaults(
        "superres",
        steps=2000,
        batch_size=16,
        optimizer=optimizer(learning_rate=1e-3, schedule="cosine"),
        data__name="photos",
        data__image_size=48,  # of the high-resolution patches
        data__flip=True,  # and turned by multiples of 90 degrees
        eval_every=500,
        sample_every=500,
        num_samples=16,
        monitor__metric="psnr_y",
        model__norm="none",
        eval__batch_size=25,
    )
    return assign(config, pick(VARIANTS, variant))
