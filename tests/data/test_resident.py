"""Batches of a set that lies on the device are those of the host, to the bit."""

import jax
import numpy as np
import pytest
from PIL import Image

from deconvgen.core.errors import UserError
from deconvgen.data import load, records


def same(data, seed=3, batch_size=7, steps=(0, 1, 5)):
    kept = data.resident()
    read = jax.jit(kept.read)
    for step in steps:
        host = next(data.train_batches(seed, batch_size, step))
        sent = kept.places(seed, step * batch_size + np.arange(batch_size))
        device = jax.device_get(read(jax.device_put(kept.arrays), sent))
        assert host.keys() == device.keys()
        for key, values in host.items():
            assert values.dtype == device[key].dtype
            assert values.tobytes() == device[key].tobytes(), key
    return kept


@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize("crop", ["center", "random"])
@pytest.mark.parametrize("channels", [1, 3])
def test_labelled_images(pictures, crop, flip, channels):
    settings = dict(image_size=8, crop=crop, flip=flip, channels=channels)
    kept = same(load("x", folder=str(pictures), **settings))
    assert kept.arrays["image"].dtype == np.uint8 and len(kept.arrays["label"])


@pytest.mark.parametrize("crop, flip", [("random", True), ("center", False)])
def test_masks(tmp_path, crop, flip):
    generator = np.random.default_rng(0)
    for i in range(9):
        mask = generator.integers(0, 3, (12, 14)).astype(np.uint8)
        mask[0] = 255
        for folder, pixels in (("images", mask * 80), ("masks", mask)):
            (tmp_path / folder).mkdir(exist_ok=True)
            Image.fromarray(pixels).save(tmp_path / folder / f"{i}.png")
    data = load("x", folder=str(tmp_path), image_size=9, crop=crop, flip=flip)
    assert same(data).arrays["segmentation"].dtype == np.int32


def test_images_that_are_no_squares_and_all_bytes(tmp_path):
    for i in range(3):
        pixels = np.arange(256, dtype=np.uint8).reshape(8, 32) + np.uint8(i)
        Image.fromarray(pixels).save(tmp_path / f"{i}.png")
    same(load("x", folder=str(tmp_path), flip=True), steps=(0, 2**33))


def test_what_is_read_as_it_goes_cannot_lie_there(pictures):
    assert load("x", folder=str(pictures), image_size=8, memory=0).resident is None


def test_labels_are_checked_before_they_lie_there():
    """Test sets of TFDS without labels have -1 for them."""

    def read(indices):
        return [{"image": Image.new("L", (2, 2)), "label": i - 1} for i in indices]

    source = records.Source(4, read, lambda i: f"record {i}", 3, ("a", "b", "c"))
    with pytest.raises(UserError, match="label of record 0 has the value -1"):
        records.from_source("s", "test", source, records.Options())
