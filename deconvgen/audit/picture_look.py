"""One look at a set of pictures: all sums that the audit of pictures takes."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from scipy import ndimage

from deconvgen.data.picture_sets import PictureSet
from deconvgen.metrics import jpeg, spectra
from deconvgen.metrics.lines import Line, shown
from deconvgen.metrics.periods import Periods, grey
from deconvgen.metrics.residuals import Residuals
from deconvgen.metrics.seams import Seam

LARGEST = 1024
"""Pixels of a picture, each way, that are looked at."""
PIXELS = 1 << 22
"""Of a batch."""
KEPT = 64
"""Pictures that are kept for the page, and to look for JPEG in."""


def blurred(batch: np.ndarray) -> np.ndarray:
    """Pictures [b, h, w, c] after a Gaussian blur, standard deviation 1 pixel."""
    return ndimage.gaussian_filter(batch, (0, 1, 1, 0), mode="nearest")


CHANGES: dict[str, Callable[[np.ndarray], np.ndarray] | None] = {
    "as they are": None,
    "after JPEG-90": jpeg.compressed,
    "after a blur of 1 px": blurred,
}
"""What the pictures are looked at through; artefacts that last are told from noise."""


class Look:
    """What one set of pictures adds up to, in memory that does not grow with it."""

    def __init__(self, shape: tuple[int, int, int], num: int, longest: int = 64):
        h, w = self.shape = tuple(min(LARGEST, n) for n in shape[:2])
        self.periods = Periods((h, w), num, longest)
        self.residuals = Residuals((h, w))
        self.kept = np.zeros((0, h, w, shape[2]), np.float32)  # the first ones
        self.total = np.zeros((h, w, shape[2]))

    def add(self, batch: np.ndarray) -> None:
        """Some more pictures [b, h, w, c] in [-1, 1]."""
        h, w = self.shape
        batch = batch[:, :h, :w]
        if len(self.kept) < KEPT:
            more = batch[: KEPT - len(self.kept)]
            self.kept = np.concatenate([self.kept, more])
        self.total += batch.sum(0, dtype=np.float64)
        light = grey(batch)
        self.periods.add(light)
        self.residuals.add(light)

    def mean(self) -> np.ndarray:
        """The mean picture [h, w, c]."""
        return self.total / max(1, self.periods.seen)

    def slope(self) -> float:
        """`high_band_slope` of their mean spectrum."""
        return spectra.high_band_slope(
            self.residuals.profile(), min(self.residuals.side)
        )


class View(NamedTuple):
    """The findings of one change: of the pictures, held against the real ones."""

    look: Look
    real: Look | None
    lines: list[Line]
    seams: list[Seam]

    @property
    def periods(self) -> dict[int, Line]:
        """The clear periods, shortest first."""
        return shown(self.lines)


def look(pictures: PictureSet, change: Any = None, longest: int = 64) -> Look:
    """The sums over a set, in one pass."""
    found = Look(pictures.shape, pictures.num, longest)
    h, w = found.shape
    for batch in pictures.read(max(1, PIXELS // (h * w))):
        batch = batch[:, :h, :w]
        found.add(batch if change is None else change(batch))
    return found
