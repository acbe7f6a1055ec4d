"""What pictures were saved as, and which of their periods are its blocks'."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from deconvgen.audit.picture_look import View
from deconvgen.metrics.jpeg import Jpeg, odd
from deconvgen.metrics.lines import Line
from deconvgen.metrics.periods import AXES
from deconvgen.metrics.seams import Seam

JPEG = (".jpg", ".jpeg", ".jpe", ".jfif")
MARGIN = 6.0
"""dB that a line is over those that blocks or tiles have alike, to be another's."""
LEAST_TILE = 16
"""Pixels below which a seam is rather a decoder's stride."""
ODD = 0.5
"""Of a line's power, what is not mirrored in the blocks, before it is another's."""


class Codec(NamedTuple):
    """A codec of blocks.

    - block: pixels of the blocks that it transforms; longest: of the largest.
    - offset: the row and column where the first whole one begins.
    - files: how many files say so; seen: whether the pixels do.
    """

    name: str
    block: int
    longest: int
    offset: tuple[int, int]
    files: int
    seen: bool

    def owns(self, line: Line, view: View) -> bool:
        """Whether its blocks explain a line: all they do is the same from both ends.

        JPEG's have lines of 1/8 and 3/8 nearly alike, so one of 2 or 4 that is much
        higher than those is another's, too.
        """
        if self.longest % line.period:
            return False
        middle = self.offset[AXES.index(line.axis)] + (self.block - 1) / 2
        if line.period <= self.block and odd(line, middle) > ODD:
            return False
        if self.block != 8 or line.period == 8:
            return True
        own = [x for x in view.lines if (x.period, x.spectrum) == (8, line.spectrum)]
        return line.level <= max([0.0, *(x.level for x in own)]) + MARGIN


class Tiles(NamedTuple):
    """Tiles of a seam, whose step is a comb of lines."""

    seam: Seam

    def owns(self, line: Line, view: View) -> bool:
        """Whether the comb explains a line: as high as most of it, where most is."""
        period = self.seam.period
        if line.axis != self.seam.axis or line.spectrum == "pattern":
            return False
        n = view.look.periods.shape[AXES.index(line.axis)]
        apart = lambda x: abs(x.share * period - round(x.share * period)) * n / period
        comb = [
            x.level
            for x in view.lines
            if x.clear
            and (x.axis, x.spectrum) == (line.axis, line.spectrum)
            and apart(x) < 1.5
        ]
        return (
            apart(line) < 1.5
            and len(comb) >= period // 4
            and line.level <= float(np.median(comb)) + MARGIN
        )


def codecs(files: Sequence[Path], traces: Jpeg) -> list[Codec]:
    """Those that the names of files or the pixels tell of."""
    jpeg = sum(file.suffix.lower() in JPEG for file in files)
    webp = sum(file.suffix.lower() == ".webp" and _lossy(file) for file in files)
    found = []
    if jpeg or traces.clear:
        offset = traces.offset if traces.clear else (0, 0)
        found.append(Codec("JPEG", 8, 8, offset, jpeg, traces.clear))
    if webp:  # blocks of 4 in those of 16
        found.append(Codec("WebP", 4, 16, (0, 0), webp, False))
    return found


def _lossy(file: Path) -> bool:
    with file.open("rb") as data:
        return data.read(16)[12:] != b"VP8L"


def others(view: View, saved_as: Sequence[Codec] = ()) -> dict[int, Line]:
    """The strongest line of each clear period that neither blocks nor tiles explain."""
    tiles = [Tiles(x) for x in view.seams if x.clear and x.period >= LEAST_TILE]
    found: dict[int, Line] = {}
    for line in view.lines:  # strongest first
        if line.clear and not any(own.owns(line, view) for own in (*saved_as, *tiles)):
            found.setdefault(line.period, line)
    return dict(sorted(found.items()))


def strongest(view: View) -> Seam | None:
    """The highest of the clear seams that no clear period explains."""
    clear = others(view)
    own = (s for s in view.seams if s.clear and all(s.period % t for t in clear))
    return max(own, key=lambda seam: seam.level, default=None)


def moving(view: View) -> list[int]:
    """Periods of lines that are clear but for their phase: no two pictures agree."""
    found = {line.period for line in view.lines if line.moves}
    return sorted(found - {*view.periods})
