"""Patches of photographs."""

import logging
from itertools import islice

import numpy as np
import pytest

from deconvgen.core.errors import UserError
from deconvgen.data import load, photographs, photos
from deconvgen.data.pipeline import to_float


def is_in(patch, pictures):
    """Whether a patch, as it is, is a part of one of the pictures."""
    side = len(patch)
    for picture in pictures:
        windows = np.lib.stride_tricks.sliding_window_view(picture, (side, side, 3))
        corner = (windows[:, :, 0, 0, 0, 0] == patch[0, 0, 0]).nonzero()
        if any((windows[y, x, 0] == patch).all() for y, x in zip(*corner)):
            return True
    return False


@pytest.fixture(scope="module")
def own(tmp_path_factory, paint):
    root = tmp_path_factory.mktemp("own")
    for i in range(6):
        paint(root / f"{i}.png", 40 + i, 50, seed=i)
    paint(root / "tiny.png", 8, 8)
    return root


def test_patches_are_parts_of_photographs_of_their_split(own):
    pictures = {
        s: photographs(s, str(own), image_size=16).values() for s in ("train", "test")
    }
    for split, other in (("train", "test"), ("test", "train")):
        data = load("photos", split, folder=str(own), image_size=16)
        for batch in [next(data.train_batches(0, 4)), next(data.eval_batches(4))]:
            for patch in np.rint((batch["image"] + 1) * 127.5).astype(np.uint8):
                assert is_in(patch, pictures[split])
                assert not is_in(patch, pictures[other])


def test_the_tiles_of_an_evaluation_cover_the_photographs(own):
    data = load("photos", "test", folder=str(own), image_size=16)
    shown = {bytes(p) for b in data.eval_batches(1) for p in b["image"].reshape(-1, 3)}
    for picture in photographs("test", str(own), image_size=16).values():
        assert {bytes(p) for p in to_float(picture.reshape(-1, 3))} <= shown


def test_an_epoch_of_training_reaches_all_parts_and_both_ends():
    room = 100 - 16
    begins = photos._grid(100, 16)
    assert begins[0] == 0 and begins[-1] == room and np.diff(begins).max() <= 16


def test_training_patches_differ_from_epoch_to_epoch_and_are_turned(own):
    settings = dict(folder=str(own), image_size=16, flip=True)
    data = load("photos", **settings)
    n = data.num_examples
    first, second = islice(data.train_batches(0, n), 2)
    seen = [{bytes(p) for p in batch["image"]} for batch in (first, second)]
    assert len(seen[0] & seen[1]) < n / 10
    patch = next(iter(photographs("test", str(own), image_size=16).values()))[:16, :16]
    assert len({photos._turn(patch, how).tobytes() for how in range(8)}) == 8


def test_reading_again_and_again_gives_the_same_patches(own):
    kept, read = (
        load("photos", folder=str(own), image_size=16, flip=True, memory=memory)
        for memory in (2**24, 0)
    )
    pairs = zip(kept.train_batches(2, 4, 7), read.train_batches(2, 4, 7))
    for a, b in islice(pairs, 5):
        assert np.array_equal(a["image"], b["image"])


def test_the_embedded_photographs_make_hundreds_of_patches():
    train, test = (load("photos", s) for s in ("train", "test"))
    assert train.image_shape == (96, 96, 3) and train.num_examples > 250
    assert test.num_examples > 100
    grey = load("photos", image_size=64, channels=1)
    assert next(grey.train_batches(0, 3))["image"].shape == (3, 64, 64, 1)


def test_what_is_too_small_is_named_and_a_size_too_large_is_told(own, caplog):
    with caplog.at_level(logging.WARNING):
        for split in ("train", "test"):
            load("photos", split, folder=str(own), image_size=16)
    assert "tiny.png: smaller than 16 pixels" in caplog.text
    with pytest.raises(UserError, match="make image_size smaller"):
        load("photos", image_size=2000)


def test_a_broken_photograph_is_named(tmp_path, paint, caplog):
    for i in range(20):
        paint(tmp_path / f"{i}.png", 20, 20, seed=i)
    for name in ("x.png", "y.png", "z.png"):
        (tmp_path / name).write_text("no picture")
    for split in ("train", "test"):
        load("photos", split, folder=str(tmp_path), image_size=16)
    assert all(name in caplog.text for name in ("x.png", "y.png", "z.png"))
