"""Every loss has a finite gradient wherever its value is finite.

Where derivatives are 0/0 or infinite although the value is not: roots and powers of 0
(jorge-pessoa/pytorch-msssim#2, VainF/pytorch-msssim#7: MS-SSIM of anti-correlated
images), logarithms of 0, norms of 0, 0 over 0.
"""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from deconvgen.losses.gan import gan_losses, gradient_penalty, r1
from deconvgen.losses.latent import free_bits, gaussian_kl
from deconvgen.losses.likelihoods import likelihoods
from deconvgen.losses.reconstruction import reconstruction_losses
from deconvgen.losses.segmentation import segmentation_losses
from deconvgen.metrics.image import image_metrics
from deconvgen.ops.spectrum import azimuthal_average, power_spectrum

SIZE = 24  # MS-SSIM has two scales
NOISE = np.tanh(np.random.default_rng(0).normal(size=(1, SIZE, SIZE, 1)))
IMAGES = {
    "noise": NOISE,
    "negative": -NOISE,
    "zero": 0 * NOISE,
    "grey": 0 * NOISE + 0.3,
    "black": 0 * NOISE - 1,
    "white": 0 * NOISE + 1,
    "step": np.sign(NOISE),
    "one pixel": np.where(np.arange(NOISE.size) == 99, 1, -1).reshape(NOISE.shape),
}
IMAGES = {name: jnp.asarray(x, jnp.float32) for name, x in IMAGES.items()}


def finite_slopes(loss, *inputs):
    """The value's, and that of its gradient in every input."""
    total = lambda *x: jnp.sum(loss(*x))
    slopes_of = jax.value_and_grad(total, argnums=tuple(range(len(inputs))))
    value, slopes = jax.jit(slopes_of)(*inputs)
    assert np.isfinite(value)
    return [bool(np.isfinite(slope).all()) for slope in slopes]


def over_pairs(one, *rest):
    """`one(x, y, *rest)` for every x and every y of IMAGES: leaves [x, y, ...]."""
    stacked = jnp.stack(list(IMAGES.values()))
    nones = (None,) * len(rest)
    over = jax.vmap(jax.vmap(one, (None, 0, *nones)), (0, None, *nones))
    return jax.jit(over)(stacked, stacked, *rest)


def of_two_images():
    """Every registered one."""
    for registry in (reconstruction_losses, image_metrics):
        for name in registry:
            yield pytest.param(registry[name], id=f"{registry.kind} {name}")


@pytest.mark.parametrize("loss", list(of_two_images()))
def test_of_two_images(loss):
    pairs = list(itertools.product(IMAGES, repeat=2))
    x, y = (jnp.concatenate([IMAGES[pair[i]] for pair in pairs]) for i in (0, 1))

    @jax.jit
    def check(x, y):
        value, slopes_of = jax.vjp(loss, x, y)
        return value, slopes_of(jnp.ones_like(value))

    value, slopes = check(x, y)
    assert np.isfinite(value).all()
    for i, names in enumerate(pairs):
        assert all(np.isfinite(slope[i]).all() for slope in slopes), names


@pytest.mark.parametrize("name", likelihoods)
@pytest.mark.parametrize("log_scale", [-20.0, -6.0, 0.0, 6.0])
def test_likelihoods(name, log_scale):
    def one(mean, image, scale):
        image = jnp.round((image + 1) * 127.5) / 127.5 - 1
        of = lambda mean, scale: likelihoods[name](mean, scale, image)[0]
        return jax.value_and_grad(of, argnums=(0, 1))(mean, scale)

    value, slopes = over_pairs(one, jnp.full(1, log_scale))
    finite = np.isfinite(value)
    assert all(np.isfinite(slope[finite]).all() for slope in slopes)


LOGITS = [-100.0, -1.0, 0.0, 1.0, 100.0]


@pytest.mark.parametrize("name", gan_losses)
def test_gan_losses(name):
    real, fake = map(jnp.ravel, jnp.meshgrid(jnp.array(LOGITS), jnp.array(LOGITS)))
    assert finite_slopes(gan_losses[name].critic, real, fake) == [True, True]
    assert finite_slopes(gan_losses[name].generator, fake) == [True]


def test_penalties_of_critics_without_slope():
    keys = jax.random.split(jax.random.key(0), 1)
    for critic in (
        lambda x: 0 * jnp.sum(x, (1, 2, 3)),
        lambda x: jnp.sum(x**2, (1, 2, 3)),
    ):
        between = lambda x, y, c=critic: gradient_penalty(c, x, y, keys)[0]
        at_real = lambda x, y, c=critic: r1(c, x)[0]
        for penalty in (between, at_real):
            one = jax.value_and_grad(penalty, argnums=(0, 1))
            assert all(np.isfinite(x).all() for x in jax.tree.leaves(over_pairs(one)))


@pytest.mark.parametrize("name", segmentation_losses)
@pytest.mark.parametrize("weights", [None, (1.0, 0.0, 2.0), (0.0, 0.0, 0.0)])
def test_segmentation_losses(name, weights):
    weights = None if weights is None else jnp.array(weights)
    maps = [jnp.full((1, 2, 2), c) for c in (0, 2, 255)]
    maps += [jnp.array([[[0, 255], [2, 1]]])]
    cases = [
        (sign * logits, classes)
        for size, sign, classes in itertools.product((0.0, 1.0, 100.0), (-1, 1), maps)
        for logits in (jnp.full((1, 2, 2, 3), size), size * jax.nn.one_hot(classes, 3))
    ]
    one = lambda x, c: segmentation_losses[name](x, c, weights)[0]
    logits, classes = map(jnp.stack, zip(*cases, strict=True))
    check = jax.jit(jax.vmap(jax.value_and_grad(one)))
    assert all(np.isfinite(x).all() for x in check(logits, classes))


@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 2.0])
def test_focal_loss_of_certainty(gamma):
    loss = lambda x: segmentation_losses["focal"](
        x, jnp.zeros((1, 1, 1), int), gamma=gamma
    )
    for size in LOGITS:
        assert finite_slopes(loss, jnp.array([size, -size]).reshape(1, 1, 1, 2)) == [
            True
        ]


def test_latent_costs():
    mean, log_variance = jnp.array([[0.0, 1e3, -5]]), jnp.array([[0.0, -80.0, 80.0]])
    assert finite_slopes(gaussian_kl, mean, log_variance) == [True, True]
    kl = lambda m, v: free_bits(gaussian_kl(m, v), 0.5)
    assert finite_slopes(kl, mean, log_variance) == [True, True]


@pytest.mark.parametrize("shape", [(1, 16), (16, 1), (1, 1), (2, 2), (3, 5), (16, 16)])
def test_spectra_of_any_size_and_of_nothing(shape):
    for scale in (0.0, 1.0):
        x = scale * jax.random.normal(jax.random.key(0), (2, *shape, 3))
        for windowed in (True, False):
            loss = lambda x, w=windowed: azimuthal_average(power_spectrum(x, w))
            assert finite_slopes(loss, x) == [True]
