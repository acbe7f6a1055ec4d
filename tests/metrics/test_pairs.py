"""Two images have to fit: one shape, integers as levels, and any number of batch axes.

PyTorch only warns of shapes that broadcast (pytorch/pytorch#16045), and PSNR of uint8
images read as [-1, 1] is negative.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio

from deconvgen.core.errors import UserError
from deconvgen.losses.gan import gan_losses, gradient_penalty
from deconvgen.losses.latent import gaussian_kl
from deconvgen.losses.likelihoods import likelihoods
from deconvgen.losses.reconstruction import (
    azimuthal_profile,
    reconstruction_losses,
    spectral_divergence,
)
from deconvgen.metrics.artifacts import phase_variances
from deconvgen.metrics.image import high_band_energy, image_metrics
from deconvgen.metrics.sets import Artifacts
from deconvgen.ops import image

SHAPE = (2, 14, 13, 3)
RNG = np.random.default_rng(0)
LEVELS = [RNG.integers(60, 190, SHAPE) + RNG.integers(-9, 9, SHAPE) for _ in "xy"]
LEVELS[1] = LEVELS[0] + RNG.integers(-9, 9, SHAPE)
IMAGES = [jnp.asarray(x / 127.5 - 1, jnp.float32) for x in LEVELS]

PAIRS = {
    f"{registry.kind} {name}": registry[name]
    for registry in (reconstruction_losses, image_metrics)
    for name in registry
}
PAIRS |= {
    name: lambda x, y, loss=loss: loss(x, jnp.zeros(x.shape[-1]), y)
    for name, loss in likelihoods.items()
}


@pytest.mark.parametrize("name", PAIRS)
def test_shapes_that_differ_are_refused(name):
    x = jnp.zeros((4, 16, 16, 3))
    others = [x[:1], x[..., :1], x[:, :1], x[:, :, :1], x[0], x[None], x[:, :12]]
    for other in others:
        for pair in ((x, other), (other, x)):
            with pytest.raises(UserError, match="need the same"):
                PAIRS[name](*pair)
    with pytest.raises(UserError, match="not an array of shape"):
        PAIRS[name](x[0, 0], x[0, 0])


@pytest.mark.parametrize("dtype", ["uint8", "int16", "int32"])
@pytest.mark.parametrize("name", PAIRS)
def test_integers_are_levels(name, dtype):
    x, y = (v.astype(dtype) for v in LEVELS)
    expected = PAIRS[name](*IMAGES)
    for pair in ((x, y), (jnp.asarray(x), jnp.asarray(y)), (x, IMAGES[1])):
        np.testing.assert_allclose(PAIRS[name](*pair), expected, rtol=1e-4, atol=1e-5)


def test_psnr_of_uint8_is_scikit_images():
    x, y = (v.astype(np.uint8) for v in LEVELS)
    expected = [peak_signal_noise_ratio(a, b) for a, b in zip(x, y, strict=True)]
    assert 30 < expected[0] < 40
    np.testing.assert_allclose(image_metrics["psnr"](x, y), expected, rtol=1e-5)


@pytest.mark.parametrize("name", PAIRS)
def test_one_number_for_each_leading_index(name):
    x, y = IMAGES
    expected = PAIRS[name](x, y)
    assert expected.shape == (2,)
    np.testing.assert_allclose(PAIRS[name](x[0], y[0]), expected[0], rtol=1e-5)
    video = [v.reshape(1, 2, 1, *SHAPE[1:]) for v in (x, y)]
    got = PAIRS[name](*video)
    assert got.shape == (1, 2, 1)
    np.testing.assert_allclose(got.ravel(), expected, rtol=1e-5)
    assert PAIRS[name](x[:0], y[:0]).shape == (0,)


def test_functions_of_one_image():
    x, levels = IMAGES[0], LEVELS[0].astype(np.uint8)
    of_one = {
        image.unit: (),
        image.luma: (),
        image.quantize: (),
        image.shrink: (2,),
        high_band_energy: (),
        azimuthal_profile: (),
        phase_variances: (2,),
    }
    for function, settings in of_one.items():
        expected = function(x, *settings)
        got = function(levels, *settings)
        np.testing.assert_allclose(got, expected, rtol=1e-3, atol=1e-5)
        alone = function(x[0], *settings)
        np.testing.assert_allclose(alone, expected[0], rtol=1e-4, atol=1e-6)
    assert image.crop(levels[0], 2).dtype == jnp.uint8
    np.testing.assert_array_equal(image.crop(levels[0], 2), levels[0, 2:-2, 2:-2])


@pytest.mark.parametrize("border", [-1, 7, 100])
def test_crops_that_leave_nothing_or_add_something_are_refused(border):
    with pytest.raises(UserError, match="should be 0 to 6"):
        image.crop(IMAGES[0], border)


def test_images_smaller_than_the_window_are_told():
    for size in ((10, 16), (16, 1), (1, 1), (0, 0)):
        x = jnp.zeros((1, *size, 1))
        for loss in (v for k, v in PAIRS.items() if "ssim" in k):
            with pytest.raises(UserError, match="11 x 11"):
                loss(x, x)
    with pytest.raises(UserError, match="colour"):
        image.luma(jnp.zeros((1, 4, 4, 1)))


def test_other_things_that_have_to_fit():
    one, many = jnp.zeros(1), jnp.zeros(4)
    for loss in gan_losses.values():
        for real, fake in ((one, many), (many[:, None], many)):
            with pytest.raises(UserError, match="need the same"):
                loss.critic(real, fake)
        assert loss.critic(many, many).shape == loss.generator(many).shape == (4,)
    x, keys = IMAGES[0], jax.random.split(jax.random.key(0), 2)
    with pytest.raises(UserError, match="need the same"):
        gradient_penalty(lambda x: jnp.sum(x, (1, 2, 3)), x, x[:, :1], keys)
    with pytest.raises(UserError, match="need the same"):
        gaussian_kl(jnp.zeros((2, 3)), jnp.zeros((2, 1)))
    with pytest.raises(UserError, match="radii"):
        spectral_divergence(jnp.zeros((2, 5)), jnp.zeros((2, 6)))
    with pytest.raises(UserError, match="shapes"):
        Artifacts.of(x, x[:, 2:], jnp.ones(2))
