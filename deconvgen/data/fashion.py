"""Fashion-MNIST, the part of it that ships with the package.

10,000 training and 2,000 test images, 28 x 28 grey, ten classes in equal numbers
(Xiao, Rasul, Vollgraf 2017, arXiv:1708.07747; MIT licence, see `embedded/`). A split is
one picture, a mosaic, which takes hundredths of a second to decode.
"""

import hashlib

import numpy as np
from jaxtyping import UInt8

from deconvgen.data import mosaics
from deconvgen.data.records import Source

NAME, VERSION = "fashion_mnist_small", "1.0.0"
CLASSES = (
    "T-shirt",
    "trouser",
    "pullover",
    "dress",
    "coat",
    "sandal",
    "shirt",
    "sneaker",
    "bag",
    "ankle boot",
)


def embedded(split: str) -> UInt8[np.ndarray, "n 28 28"]:
    """All images of a split, class after class (an equal number of each)."""
    return mosaics.tiles(f"fashion_mnist_{split}.png", 28)[..., 0]


def order(split: str, count: int) -> list[int]:
    """The numbers of the embedded images, in the order of the data set.

    It is that in which TFDS writes a split, by the MD5 of its name and the number: a
    run of a version that read it from there goes on with the same batches.
    """
    digest = lambda i: hashlib.md5(f"{split}{i}".encode(), usedforsecurity=False)
    return sorted(range(count), key=lambda i: digest(i).digest())


def source(split: str) -> Source:
    """The records of the training or test images, decoded."""
    images = embedded(split)
    there = np.array(order(split, len(images)))
    labels = (there * len(CLASSES) // len(there)).astype(np.int32)
    held = mosaics.Held(NAME, VERSION, images[there, :, :, None], labels, CLASSES)
    return held.source(split)
