"""Augmentations against what they promise: draws, invariances, gradients."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from deconvgen.core.errors import UserError
from deconvgen.ops.augment import augment, augmentations

KEYS = jax.random.split(jax.random.key(0), 200)


def each(name, image):
    return np.asarray(jax.vmap(augmentations[name], (None, 0))(image, KEYS))


def test_color_moves_mean_saturation_and_contrast_within_their_ranges():
    image = jax.random.uniform(jax.random.key(1), (4, 4, 3), minval=-1.0)
    made = each("color", image)
    moved = made.mean((1, 2, 3)) - image.mean()
    assert -0.5 < moved.min() < -0.4 and 0.4 < moved.max() < 0.5
    grey, old = made.mean(-1, keepdims=True), image.mean(-1, keepdims=True)
    contrast = grey.std((1, 2, 3)) / old.std()
    assert 0.5 < contrast.min() < 0.6 and 1.4 < contrast.max() < 1.5
    colours = (made - grey).std((1, 2, 3)) / (image - old).std() / contrast
    assert 0 <= colours.min() < 0.1 and 1.9 < colours.max() < 2


def test_color_of_a_grey_image_stays_grey_and_keeps_its_order():
    image = jnp.linspace(-1, 1, 16).reshape(4, 4, 1)
    assert (np.diff(each("color", image).reshape(200, 16)) > 0).all()


def test_translation_moves_whole_pixels_and_fills_with_zeros():
    image = 1 + jnp.arange(16.0 * 8).reshape(16, 8, 1)
    seen = set()
    for made in each("translation", image):
        (y, x) = np.argwhere(made[..., 0] > 0)[0]
        value = int(made[y, x, 0]) - 1
        dy, dx = y - value // 8, x - value % 8
        wide = np.pad(image[..., 0], 2)
        same = wide[2 - dy : 18 - dy, 2 - dx : 10 - dx]
        np.testing.assert_array_equal(made[..., 0], same)
        seen.add((int(dy), int(dx)))
    assert seen == {(dy, dx) for dy in range(-2, 3) for dx in (-1, 0, 1)}


def test_cutout_takes_a_square_of_half_the_size_that_may_hang_over():
    holes = each("cutout", jnp.ones((8, 8, 1)))[..., 0] == 0
    sides = {(int(h.any(1).sum()), int(h.any(0).sum())) for h in holes}
    assert {max(pair) for pair in sides} == {2, 3, 4}  # 2: cut off at the border
    assert (holes.sum((1, 2)) == holes.any(1).sum(1) * holes.any(2).sum(1)).all()
    assert holes.any(0).all()  # no pixel is safe


def test_a_policy_draws_for_each_image_with_its_probability():
    images = jnp.ones((200, 8, 8, 1))
    for p, low, high in ((0.0, 0, 0), (0.5, 70, 130), (1.0, 200, 200)):
        made = augment(images, KEYS, "cutout", p)
        assert low <= int((made == 0).any((1, 2, 3)).sum()) <= high
    np.testing.assert_array_equal(augment(images, KEYS, ""), images)
    alone = augment(images[:1], KEYS[7:8], "color,translation")
    together = augment(images, KEYS, "color,translation")
    np.testing.assert_allclose(alone[0], together[7], rtol=1e-6)
    with pytest.raises(UserError, match="did you mean 'cutout'"):
        augment(images, KEYS, "cutuot")


def test_gradients_go_through_and_are_those_of_finite_differences():
    images = jax.random.normal(jax.random.key(2), (3, 6, 6, 2))
    way = jax.random.normal(jax.random.key(3), images.shape)
    value = lambda x: jnp.sum(jnp.sin(augment(x, KEYS[:3], "color,translation,cutout")))
    found = jnp.vdot(jax.grad(value)(images), way)
    step = 1e-2
    expected = (value(images + step * way) - value(images - step * way)) / (2 * step)
    np.testing.assert_allclose(found, expected, rtol=2e-2)
