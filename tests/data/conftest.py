"""Folders of pictures, and a TFDS folder that is not the user's."""

import numpy as np
import pytest
from PIL import Image

from deconvgen.data import load


@pytest.fixture(scope="session")
def tfds_folder(tmp_path_factory):
    """A TFDS folder into which the embedded set is prepared once."""
    folder = tmp_path_factory.mktemp("tfds")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TFDS_DATA_DIR", str(folder))
        load("fashion_mnist_small", "test")
    return folder


@pytest.fixture
def tfds(tfds_folder, monkeypatch):
    monkeypatch.setenv("TFDS_DATA_DIR", str(tfds_folder))
    return tfds_folder


def _paint(path, height=12, width=16, seed=0, mode="RGB"):
    """Write a random picture; its pixels."""
    channels = {"RGB": (3,), "L": (), "RGBA": (4,)}[mode]
    generator = np.random.default_rng(seed)
    pixels = generator.integers(0, 256, (height, width, *channels), dtype=np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return pixels


@pytest.fixture(scope="session")
def paint():
    return _paint


@pytest.fixture
def pictures(tmp_path, paint):
    """30 pictures of different sizes, in two classes."""
    for i in range(30):
        kind = "cats" if i % 3 else "dogs"
        size = (12 + i % 5, 16 - i % 4)
        paint(tmp_path / "pets" / kind / f"{i:02}.png", *size, seed=i)
    return tmp_path / "pets"
