"""Sizes, channels and crops of single images."""

import numpy as np
import pytest
from PIL import Image

from deconvgen.data import transform


@pytest.mark.parametrize("size", [(30, 20), (20, 30), (7, 7)])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("crop", ["center", "stretch"])
def test_the_size_is_the_one_asked_for(size, channels, crop):
    image = Image.new("RGB", size, (10, 200, 30))
    pixels = transform.fit(image, 12, channels, crop)
    assert pixels.shape == (12, 12, channels) and pixels.dtype == np.uint8
    assert np.ptp(pixels, axis=(0, 1)).max() == 0  # one colour remains one colour


@pytest.mark.parametrize(
    "mode, channels",
    [
        ("L", 1),
        ("1", 1),
        ("LA", 1),
        ("I;16", 1),
        ("RGB", 3),
        ("RGBA", 3),
        ("P", 3),
        ("CMYK", 3),
    ],
)
def test_as_stored_is_grey_or_rgb(mode, channels):
    pixels = transform.fit(Image.new(mode, (5, 4)), 0, 0, "center")
    assert pixels.shape == (4, 5, channels)


def test_the_middle_is_cut_out():
    ramp = np.tile(np.arange(0, 240, 4, dtype=np.uint8), (20, 1))
    image = Image.fromarray(ramp)
    middle = transform.fit(image, 20, 1, "center")[..., 0]
    assert np.array_equal(middle, ramp[:, 20:40])
    stretched = transform.fit(image, 20, 1, "stretch")[..., 0]
    assert stretched[0, 0] < 10 and stretched[0, -1] > 225


def test_shrinking_is_antialiased():
    stripes = np.zeros((64, 64), np.uint8)
    stripes[:, ::2] = 255
    small = transform.fit(Image.fromarray(stripes), 16, 1, "center")
    assert np.abs(small.astype(int) - 127).max() < 20


def test_transparency_becomes_white_and_sixteen_bits_eight():
    clear = Image.new("RGBA", (3, 3), (200, 0, 0, 0))
    assert (transform.fit(clear, 0, 3, "center") == 255).all()
    deep = Image.fromarray(np.full((3, 3), 40_000, np.uint16))
    assert (transform.fit(deep, 0, 1, "center") == 40_000 // 256).all()


def test_a_photograph_is_turned_upright(tmp_path):
    image = Image.fromarray(np.arange(6, dtype=np.uint8).reshape(2, 3))
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held sideways
    image.save(tmp_path / "a.png", exif=exif)
    pixels = transform.fit(Image.open(tmp_path / "a.png"), 0, 1, "center")
    assert pixels.shape == (3, 2, 1)


def test_masks_are_never_mixed():
    mask = Image.fromarray(np.array([[0, 9], [255, 4]], np.uint8))
    big = transform.fit_mask(mask, 7, "center")
    assert big.shape == (7, 7) and set(np.unique(big)) == {0, 4, 9, 255}


def test_random_crops_reach_every_corner_and_stay_inside():
    image = np.arange(5 * 5).reshape(1, 5, 5, 1)
    chance = np.random.default_rng(0).random((400, 3))
    chance[0], chance[1] = 0.0, np.nextafter(1, 0)
    cut = transform.augment(np.repeat(image, 400, 0), 3, False, chance)
    corners = {int(c) for c in cut[:, 0, 0, 0]}
    assert corners == {0, 1, 2, 5, 6, 7, 10, 11, 12}
    assert (cut[:, 1, 2, 0] - cut[:, 0, 0, 0] == 7).all()
    middle = transform.augment(image, 3, True, None)
    assert middle[0, 0, 0, 0] == 6


def test_half_of_the_images_are_mirrored():
    images = np.tile(np.arange(4).reshape(1, 1, 4, 1), (1000, 2, 1, 1))
    chance = np.random.default_rng(1).random((1000, 3))
    turned = transform.augment(images, 0, True, chance)[:, 0, 0, 0] == 3
    assert np.array_equal(turned, chance[:, 2] < 0.5) and 400 < turned.sum() < 600
    assert np.array_equal(transform.augment(images, 0, True, None), images)
