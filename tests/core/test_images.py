"""[-1, 1] and uint8, grids and files."""

import numpy as np
import pytest
from PIL import Image

from deconvgen.core import images
from deconvgen.core.errors import UserError


def test_uint8_and_back_is_the_identity_on_uint8():
    every = np.arange(256, dtype=np.uint8)
    np.testing.assert_array_equal(images.to_uint8(images.to_float(every)), every)


def test_out_of_range_is_clipped_and_nan_is_black():
    values = np.array([-3.0, -1.0, 1.0, 7.0, np.nan])
    np.testing.assert_array_equal(images.to_uint8(values), [0, 0, 255, 255, 0])


def test_a_grid_holds_each_picture_in_reading_order():
    batch = np.linspace(-1, 1, 6).reshape(6, 1, 1, 1) * np.ones((6, 4, 5, 3))
    sheet = images.grid(batch, columns=3, gap=2)
    assert sheet.shape == (2 * 4 + 2, 3 * 5 + 2 * 2, 3)
    np.testing.assert_array_equal(sheet[6:10, 7:12], images.to_uint8(batch[4]))
    assert (sheet[4:6] == 255).all()


@pytest.mark.parametrize("channels", [1, 3])
def test_a_saved_png_is_the_picture(tmp_path, channels):
    pixels = np.random.default_rng(0).integers(0, 256, (5, 7, channels), np.uint8)
    path = images.save(pixels, tmp_path / "new" / "a.png")
    again = images.load(path, channels)
    np.testing.assert_array_equal(images.to_uint8(again), pixels)


def test_small_pictures_are_enlarged_by_a_whole_factor(tmp_path):
    path = images.save(np.zeros((5, 10, 1), np.uint8), tmp_path / "a.png", smallest=64)
    with Image.open(path) as picture:
        assert picture.size == (70, 35)


def test_an_animation_has_its_frames(tmp_path):
    frames = np.random.default_rng(0).integers(0, 256, (4, 8, 8, 3), np.uint8)
    path = images.save_animation(frames, tmp_path / "a.gif")
    with Image.open(path) as animation:
        assert animation.n_frames == 4


def test_what_is_no_picture_is_told(tmp_path):
    with pytest.raises(UserError, match="there is no picture"):
        images.load(tmp_path / "none.png")
    (tmp_path / "text.png").write_text("no picture")
    with pytest.raises(UserError, match="cannot be read as a picture"):
        images.load(tmp_path / "text.png")
    with pytest.raises(UserError, match="no picture format's ending"):
        images.save(np.zeros((2, 2, 1), np.uint8), tmp_path / "a.xyz")


def test_a_photo_is_read_upright_unclipped_and_without_what_alpha_hides(
    tmp_path, monkeypatch
):
    path = tmp_path / "a.png"
    exif = Image.Exif()
    exif[0x0112] = 6  # lies on its side
    Image.new("RGB", (8, 4)).save(path, exif=exif)
    assert images.load(path).shape == (8, 4, 3)
    Image.fromarray(np.full((4, 4), 128 * 256, np.uint16)).save(path)
    np.testing.assert_array_equal(images.to_uint8(images.load(path)), 128)
    Image.new("RGBA", (4, 4), (255, 0, 0, 0)).save(path)
    np.testing.assert_array_equal(images.load(path), 1)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 4)
    with pytest.raises(UserError, match="cannot be read as a picture"):
        images.load(path)
