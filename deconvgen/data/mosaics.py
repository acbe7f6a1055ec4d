"""Sets of images that ship with the package: a split is one picture, a mosaic of them.

Such a picture takes hundredths of a second to decode, or tenths if it is large.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Int32, UInt8
from PIL import Image

from deconvgen.data.records import Source

EMBEDDED = Path(__file__).parent / "embedded"
ROW = 100
"""Images in a row of a mosaic."""


def tiles(name: str, side: int) -> UInt8[np.ndarray, "n {side} {side} c"]:
    """All images of a mosaic in `embedded/`, row after row."""
    with Image.open(EMBEDDED / name) as picture:
        mosaic = np.atleast_3d(np.asarray(picture))
    channels = mosaic.shape[-1]
    apart = mosaic.reshape(-1, side, ROW, side, channels).swapaxes(1, 2)
    return np.ascontiguousarray(apart).reshape(-1, side, side, channels)


class Held(NamedTuple):
    """A split in memory: its images, the label of each, and what these are called."""

    name: str
    version: str
    images: UInt8[np.ndarray, "n h w c"]
    labels: Int32[np.ndarray, " n"]
    classes: tuple[str, ...]

    def source(self, split: str) -> Source:
        """The records, decoded."""
        seen = self.images[..., 0] if self.images.shape[-1] == 1 else self.images

        def read(indices: Sequence[int]) -> list[dict[str, Any]]:
            return [
                {"image": Image.fromarray(seen[i]), "label": self.labels[i]}
                for i in indices
            ]

        return Source(
            len(self.images),
            read,
            lambda index: f"number {index} of {self.name} ({split})",
            len(self.classes),
            self.classes,
            identity={"name": self.name, "version": self.version},
            decoded={"image": self.images, "label": self.labels},
        )
