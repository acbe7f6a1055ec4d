"""Semantic segmentation: the class of every pixel, by upsampling what a network sees.

    deconvgen train --config=segmentation --workdir=runs/segmentation
    deconvgen sample --workdir=runs/segmentation --kind=segmentation --input=photo.png

Eighteen processor minutes (10.6 minutes on two shared cores). On 500 test pictures,
data.validation=0: mIoU 0.727, pixel accuracy 0.950, boundary IoU 0.494, boundary F1
0.832; mIoU is 0.704 after half of it and 0.718 after two thirds. Sandals (0.548) and
dresses (0.602) are the hardest. In trials of a fifth of the steps, one seed each, depth
in the encoder told most for its work; a wider deepest block, and pictures of 64 pixels
behind a strided first layer, told nothing.

Variants (`--config=segmentation:NAME`):
    (none)    U-Net with 2x2 deconvolutions on clothing laid over photographs; shirts,
              T-shirts, pullovers and coats are one class, so there are seven
    ten_classes              the classes of Fashion-MNIST
    smoke     a few steps, to see that everything works
    fcn32s, fcn16s, fcn8s    FCN with deconvolutions that start as bilinear
    fcn8s_fixed              likewise, and stay so
    segnet    max-unpooling at the indices of the encoder's pooling
    pets      U-Net on Oxford-IIIT Pet (TFDS, 128x128)
"""

from deconvgen.config import assign, defaults, optimizer, pick, smoke

FCN = dict(
    data__image_size=64,
    model__name="fcn",
    model__features=(16, 32, 64, 128, 128),
    model__convs=1,
    model__initializer="bilinear",
    model__kernel_size=0,
)
VARIANTS = {
    "ten_classes": dict(data__name="clothes_on_textures"),
    "smoke": smoke(
        batch_size=4,
        data__image_size=32,
        model__features=(8, 8, 16),
        model__convs=1,
        eval__num_examples=16,
        eval__batch_size=8,
        num_samples=4,
    ),
    "fcn32s": FCN | dict(model__fuse=0),
    "fcn16s": FCN | dict(model__fuse=1),
    "fcn8s": FCN | dict(model__fuse=2),
    "fcn8s_fixed": FCN | dict(model__fuse=2, model__freeze_upsampling=True),
    "segnet": dict(
        model__name="segnet",
        model__features=(16, 32, 64, 256),
        model__convs=1,
        model__upsampler="max_unpool",
        model__kernel_size=0,
    ),
    "pets": dict(
        data__name="oxford_iiit_pet",
        data__image_size=128,
        data__flip=True,
        batch_size=16,
        eval_every=1000,
        sample_every=1000,
        model__features=(32, 64, 128, 256, 256),
        model__convs=2,
        model__decoder_convs=2,
        model__join="concat",
        steps=20_000,
    ),
}


def get_config(variant: str = ""):
    config = defaults(
        "segmentation",
        steps=18_000,
        batch_size=8,
        optimizer=optimizer(learning_rate=2e-3, schedule="cosine"),
        data__name="clothes_on_textures_coarse",
        data__image_size=32,
        eval_every=3000,
        sample_every=6000,
        num_samples=16,
        monitor__metric="miou",
        model__kernel_size=2,
        eval__batch_size=50,
        eval__num_examples=500,
    )
    return assign(config, pick(VARIANTS, variant))
