"""What comes out has the size of what goes in, or one sentence says what would fit.

The kind of milesial/Pytorch-UNet#38: odd sizes broke the joins of a U-Net.
"""

import jax
import jax.numpy as jnp
import pytest

from deconvgen import config, tasks
from deconvgen.core.errors import UserError
from deconvgen.models.autoencoder import Autoencoder
from deconvgen.models.blocks import Blocks
from deconvgen.models.dcgan import Discriminator
from deconvgen.models.decoder import Decoder
from deconvgen.models.encoder import Encoder
from deconvgen.models.segmentation import segmenters
from deconvgen.models.superres import SuperResolution, trunks
from deconvgen.ops.image import shrink
from deconvgen.runs import setup as runs
from tests.tiny import SMALL

ODD = [(33, 35), (30, 32), (7, 9), (32, 33), (1, 1), (4, 64)]


def segmenter(name):
    own = Blocks(upsampler="max_unpool") if name == "segnet" else Blocks()
    features = (2, 3, 4, 5) if name == "unet" else (2, 3, 4)
    return segmenters[name](classes=4, features=features, blocks=own)


def autoencoder(size):
    encoder, decoder = Encoder((2, 3), (2, 4)), Decoder((2, 3), (4, 2))
    return Autoencoder(encoder, decoder, (size[0] // 8, size[1] // 8), latent=2)


def models(size):
    found = {name: segmenter(name) for name in segmenters}
    found["autoencoder"] = autoencoder(size)
    found["critic"] = Discriminator(Encoder((2, 3, 4), (2, 2, 2)))
    return found


def out(model, size):
    x = jnp.zeros((1, *size, 3))
    run = lambda key: model.init_with_output(key, x, train=False)
    return jax.eval_shape(run, jax.random.key(0))[0].shape


@pytest.mark.parametrize("size", ODD)
@pytest.mark.parametrize("name", list(models((8, 8))))
def test_a_size_that_cannot_be_given_back_is_told_with_what_fits(name, size):
    with pytest.raises(UserError, match="should be a multiple of 8"):
        out(models(size)[name], size)


@pytest.mark.parametrize("size", [(8, 8), (16, 40), (8, 24)])
@pytest.mark.parametrize("name", list(models((8, 8))))
def test_multiples_are_given_back_square_or_not(name, size):
    shape = out(models(size)[name], size)
    assert shape == (1,) if name == "critic" else shape[:3] == (1, *size)


def test_a_decoder_that_starts_from_another_size_is_told():
    with pytest.raises(UserError, match=r"makes \(2, 2\) .* starts from \(1, 1\)"):
        out(autoencoder((8, 8)), (16, 16))


def test_super_resolution_enlarges_any_size_and_shrinks_what_has_a_pixel():
    net = SuperResolution(trunks["residual"](features=2, depth=1), 3)
    for h, w in [*ODD, (5, 2)]:
        assert out(net, (h, w)) == (1, 3 * h, 3 * w, 3)
    assert shrink(jnp.zeros((1, 33, 35, 3)), 4).shape == (1, 8, 8, 3)
    with pytest.raises(UserError, match="an image of 7x3 has no whole pixel"):
        shrink(jnp.zeros((1, 7, 3, 3)), 4)


@pytest.mark.parametrize("task", ["gan", "autoencoder", "vae", "segmentation"])
@pytest.mark.parametrize("size", [(33, 35), (7, 9), (28, 30)])
def test_a_config_of_such_images_is_told(task, size):
    name, *small = SMALL[task]
    if task == "segmentation":
        small = ["model.features=2,2,2"]
    loaded = config.load(f"{name}:smoke", (*small, "eval.extractor=random"))
    made = runs.describe(loaded, (*size, 3), 3, tuple("abc"))
    with pytest.raises(UserError, match="should be a multiple of 4"):
        tasks.make(made, None)


def test_super_resolution_of_images_without_an_inside_is_told():
    name, *small = SMALL["superres"]
    loaded = config.load(f"{name}:smoke", (*small, "model.factor=4"))
    with pytest.raises(UserError, match="should be 12 or more"):
        tasks.make(runs.describe(loaded, (11, 48, 3)), None)
    tasks.make(runs.describe(loaded, (12, 48, 3)), None)
