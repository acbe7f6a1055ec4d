"""Fashion-MNIST, the part of it that ships with the package, as a TFDS builder.

10,000 training and 2,000 test images, 28 x 28 grey, ten classes in equal numbers
(Xiao, Rasul, Vollgraf 2017, arXiv:1708.07747; MIT licence, see `embedded/`). The
builder yields PNG bytes and writes array_record, so neither preparing nor reading
needs TensorFlow.
"""

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tensorflow_datasets as tfds
from jaxtyping import UInt8
from PIL import Image

EMBEDDED = Path(__file__).parent / "embedded"
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
    mosaic = np.asarray(Image.open(EMBEDDED / f"fashion_mnist_{split}.png"))
    tiles = mosaic.reshape(-1, 28, 100, 28).transpose(0, 2, 1, 3)
    return np.ascontiguousarray(tiles.reshape(-1, 28, 28))


class FashionMnistSmall(tfds.core.GeneratorBasedBuilder):
    """Fashion-MNIST: 10,000 + 2,000 images of clothing, 28 x 28 grey, embedded."""

    VERSION = tfds.core.Version("1.0.0")
    # Where TFDS looks for checksums of downloads, of which there are none.
    pkg_dir_path = tfds.core.Path(EMBEDDED)

    def _info(self) -> tfds.core.DatasetInfo:
        features = {
            "image": tfds.features.Image(shape=(28, 28, 1), encoding_format="png"),
            "label": tfds.features.ClassLabel(names=list(CLASSES)),
        }
        return tfds.core.DatasetInfo(
            builder=self,
            description="A class-balanced subset of Fashion-MNIST.",
            features=tfds.features.FeaturesDict(features),
            supervised_keys=("image", "label"),
            homepage="https://github.com/zalandoresearch/fashion-mnist",
            license="MIT, Copyright (c) 2017 Zalando SE",
        )

    def _split_generators(self, dl_manager):
        return {split: self._generate_examples(split) for split in ("train", "test")}

    def _generate_examples(self, split: str) -> Iterator[tuple[int, dict]]:
        images = embedded(split)
        for i, pixels in enumerate(images):
            png = io.BytesIO()
            Image.fromarray(pixels).save(png, "PNG", compress_level=1)
            label = i * len(CLASSES) // len(images)
            yield i, {"image": png.getvalue(), "label": label}
