"""Anybody's pictures: what is recognized, and what is refused aloud."""

import numpy as np
import pytest
from PIL import Image

from deconvgen.core import images
from deconvgen.core.errors import UserError
from deconvgen.data.picture_files import picture_set

RNG = np.random.default_rng(0)
LEVELS = RNG.integers(0, 256, (7, 12, 10, 3)).astype(np.uint8)
FLOATS = LEVELS / np.float32(127.5) - 1


def read(found, size=3):
    batches = list(found.read(size))
    assert [len(b) for b in batches[:-1]] == [size] * (len(batches) - 1)
    assert all(b.dtype == np.float32 for b in batches)
    return np.concatenate(batches)


@pytest.mark.parametrize(
    ("array", "units"),
    [
        (LEVELS, "0 .. 255"),
        (LEVELS.astype(np.int64), "0 .. 255"),
        (LEVELS.astype(np.uint16) * 257, "0 .. 65535"),
        (FLOATS, "[-1, 1]"),
        ((FLOATS.astype(np.float64) + 1) / 2, "[0, 1]"),
        (LEVELS.astype(np.float32), "[0, 255]"),
        (LEVELS.transpose(0, 3, 1, 2), "[n, c, h, w]"),
    ],
)
def test_arrays_are_the_same_pictures_however_they_are_stored(array, units, tmp_path):
    np.save(tmp_path / "x.npy", array)
    np.savez_compressed(tmp_path / "x.npz", images=array, y=np.arange(7))
    for source in (array, tmp_path / "x.npy", tmp_path / "x.npz"):
        found = picture_set(source)
        assert found.shape == (12, 10, 3) and found.num == 7
        assert units in found.notes[0]
        np.testing.assert_allclose(read(found), FLOATS, atol=1e-5)
    assert found.labels.tolist() == list(range(7))
    np.testing.assert_allclose(found.picked([5, 1]), FLOATS[[5, 1]], atol=1e-5)


def test_folders_have_labels_by_subfolder_and_one_size(tmp_path):
    for i, pixels in enumerate(LEVELS):
        images.save(pixels, tmp_path / "ab"[i % 2] / f"{i}.png")
    found = picture_set(tmp_path)
    order = [0, 2, 4, 6, 1, 3, 5]
    np.testing.assert_allclose(read(found), FLOATS[order], atol=1e-5)
    assert found.labels.tolist() == [0] * 4 + [1] * 3
    np.testing.assert_allclose(found.picked([4])[0], FLOATS[1], atol=1e-5)
    images.save(LEVELS[0, :8], tmp_path / "b" / "small.png")
    with pytest.raises(UserError, match=r"small\.png is 8 x 10 pixels"):
        picture_set(tmp_path)
    cut = picture_set(tmp_path, crop=True)
    assert cut.shape == (8, 10, 3) and "of 2 sizes" in cut.notes[1]
    np.testing.assert_allclose(read(cut)[0], FLOATS[0, :8], atol=1e-5)


def test_frames_that_are_not_read_are_told(tmp_path):
    frames = [Image.new("L", (8, 8), i) for i in (0, 200, 90)]
    for name in ("a.gif", "b.tiff"):
        frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:])
    frames[1].save(tmp_path / "c.png")
    assert (
        "only the first frame of a.gif and 1 more files" in picture_set(tmp_path).notes
    )


def test_a_part_of_a_set_and_grey_ones():
    grey = picture_set(LEVELS[..., 0])
    assert grey.shape == (12, 10, 1)
    three = grey.limited(4).in_channels(3)
    np.testing.assert_allclose(read(three)[..., 2], FLOATS[:4, ..., 0], atol=1e-6)
    assert three.num == 4 and any("first 4 of 7" in note for note in three.notes)
    with pytest.raises(UserError, match="3 channels, not 1"):
        picture_set(LEVELS).in_channels(1)


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (FLOATS * 3, "values from -3 to 3"),
        (LEVELS.astype(np.int32) - 5, "levels from 0 to 255"),
        (np.full((2, 8, 8, 3), np.nan), "not finite"),
        (np.zeros((2, 3, 8, 3)), "either axis"),
        (np.zeros((2, 8, 8, 4)), "alpha channel"),
        (np.zeros((2, 8, 8, 5)), "no axis can be the channels"),
        (np.zeros((2, 8)), r"not \[2, 8\]"),
        (np.zeros((2, 8, 8, 3), bool), "not bool"),
    ],
)
def test_what_is_not_clear_is_refused(array, words):
    with pytest.raises(UserError, match=words):
        picture_set(array, "mine")


def test_files_that_are_none(tmp_path):
    (tmp_path / "x.npz").write_bytes(b"nothing")
    (tmp_path / "x.npy").write_bytes(b"nothing")
    (tmp_path / "x.txt").write_text("nothing")
    (tmp_path / "empty").mkdir()
    np.savez(tmp_path / "two.npz", a=LEVELS, b=LEVELS)
    for name, words in {
        "x.npz": "cannot be read as .npz",
        "x.npy": "cannot be read as .npy",
        "x.txt": "should be a folder",
        "empty": "no pictures in it",
        "two.npz": "one array of pictures, it has a",
        "none": "there is no",
    }.items():
        with pytest.raises(UserError, match=words):
            picture_set(tmp_path / name)
