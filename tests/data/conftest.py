"""Folders of pictures."""

import numpy as np
import pytest
from PIL import Image


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
