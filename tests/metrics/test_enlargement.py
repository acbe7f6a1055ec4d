"""Super-resolution is scored as in the field's MATLAB scripts."""

import jax.numpy as jnp
import numpy as np
import pytest

from deconvgen.metrics.enlargement import compared, figures

DRAW = np.random.default_rng(0)
LEVELS = DRAW.integers(0, 256, (2, 20, 24, 3)).astype("f4")
NOISE = DRAW.integers(-6, 7, (2, 20, 24, 3))


def images(levels):
    return jnp.asarray(levels / 127.5 - 1, "f4")


def psnr(a, b):
    return 10 * np.log10(255**2 / np.mean((a - b) ** 2, (1, 2)))


@pytest.mark.parametrize("channels", [1, 3])
def test_a_grey_image_is_scored_on_its_own_levels(channels):
    """MATLAB has no `rgb2ycbcr` of it: by hand, PSNR of the 8-bit levels themselves."""
    truth = np.repeat(LEVELS[..., :1], channels, -1)
    made = np.repeat(np.clip(LEVELS + NOISE, 0, 255)[..., :1], channels, -1)
    found = figures(images(made), images(truth), 2)
    inner = np.s_[:, 2:-2, 2:-2, 0]
    np.testing.assert_allclose(found["psnr"], psnr(made[inner], truth[inner]), 1e-4)


def test_one_in_colour_is_scored_on_y_and_each_image_by_itself():
    """Y = 16 + (65.481 R + 128.553 G + 24.966 B) / 255 (ITU-R BT.601)."""
    truth, made = LEVELS.copy(), np.clip(LEVELS + NOISE, 0, 255)
    truth[1] = truth[1, ..., :1]  # grey beside one in colour; what is made of it is not
    y = lambda x: x @ np.array([65.481, 128.553, 24.966]) / 255
    inner = np.s_[:, 2:-2, 2:-2]
    found = figures(images(made), images(truth), 2)["psnr"]
    expected = psnr(y(made)[inner], y(truth)[inner])
    assert found[0] == pytest.approx(expected[0], abs=1e-3)
    assert found[1] == pytest.approx(expected[1] - 20 * np.log10(255 / 219), abs=1e-3)


def test_the_gain_is_that_of_either_scale():
    truth = np.repeat(LEVELS[..., :1], 3, -1)
    one, two = (images(np.clip(truth + k * NOISE[..., :1], 0, 255)) for k in (1, 3))
    found = compared(one, two, images(truth), 2)
    tinted = truth + np.array([0, 0, 1.0])  # the same in colour, by a level of blue
    other = compared(one, two, images(np.clip(tinted, 0, 255)), 2)
    np.testing.assert_allclose(found["gain_db"], other["gain_db"], atol=0.3)
    assert (found["psnr_y"] < other["psnr_y"]).all()
