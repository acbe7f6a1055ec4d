"""Whether pictures have a period at the same place: what a motif has not.

A decoder, a resizer or JPEG begins at the corner of every picture, so what it leaves
has one phase in all. Bricks, cloth and text repeat as well, but where each picture
happens to have them.
"""

import numpy as np

AGREED = 7.0
"""Rayleigh's R above which phases agree: exp(-7) is a chance of one in a thousand."""
FEWEST = 16
"""Pictures below which their phases tell nothing."""
PROFILES = ("variance", "differences")
PART = 2
"""A part of a picture is one in so many of its length; parts overlap by halves."""
OF_PARTS = 3.5
"""How much more a whole picture is worth than its least part."""


class Phases:
    """Sums of unit vectors over pictures at some lines of one axis' spectra.

    `pairs` are (k, s), for a line at k / s cycles a pixel.
    """

    def __init__(self, pairs: list[tuple[int, int]]):
        self.pairs, self.seen = pairs, 0
        self.sums = {name: np.zeros(len(pairs), complex) for name in PROFILES}
        self.parts = {
            name: np.zeros((2 * PART - 1, len(pairs)), complex) for name in PROFILES
        }
        # Of the pixels by row, and of their squares: of a phase and its opposite.
        self.rows: np.ndarray | None = None

    def add(
        self, rows: np.ndarray, profiles: dict[str, tuple[np.ndarray, np.ndarray]]
    ) -> None:
        """Values of spectra: of rows [b, rows, lines]; of profiles [b, lines], and of
        their parts [b, parts, lines]."""
        for name, (whole, parts) in profiles.items():
            self.sums[name] += _units(whole).sum(0)
            self.parts[name] += _units(parts).sum(0)
        size = np.sqrt(np.mean(np.abs(rows) ** 2, axis=1, keepdims=True))
        unit = np.divide(rows, size, where=size > 1e-12, out=np.zeros_like(rows))
        square = np.abs(unit) * _units(unit) ** 2
        new = np.stack([unit.sum(0), square.sum(0)])
        self.rows = new if self.rows is None else self.rows + new
        self.seen += len(rows)

    def agreement(self) -> dict[str, np.ndarray]:
        """Rayleigh's R = |sum of unit vectors|^2 / n of each spectrum's lines.

        1 where phases are random, n where all are one; infinite of fewer pictures than
        tell. A line that a part of the picture lacks is one of edges that all pictures
        have, as frames: R is `OF_PARTS` that of the least part at most. The pixels' are
        those of each row, or what the variance or differences of that period have: what
        is interpolated has replicas of any phase, and steps between pixels of one.
        """
        lines, n = len(self.pairs), max(1, self.seen)
        if self.seen < FEWEST or self.rows is None:
            return {name: np.full(lines, np.inf) for name in ("pattern", *PROFILES)}
        found = {}
        for name, total in self.sums.items():
            along = np.real(self.parts[name] * np.conj(_units(total)))
            least = np.maximum(along.min(0), 0) ** 2 / n
            found[name] = np.minimum(np.abs(total) ** 2 / n, OF_PARTS * least)
        period = np.array([s for _, s in self.pairs], int)
        same, opposite = np.mean(np.abs(self.rows) ** 2, axis=1) / n
        own = np.where(period > 2, np.maximum(same, opposite), same)
        for s in np.unique(period):
            at = period == s
            best = max(float(v[at].max()) for v in found.values())
            own[at] = np.maximum(own[at], best - np.log(len(PROFILES) * at.sum()))
        return found | {"pattern": own}

    def angles(self) -> dict[str, np.ndarray]:
        """The phase that profiles agree on, in radians at pixel 0; NaN of pixels."""
        found = {name: np.angle(v) for name, v in self.sums.items()}
        return found | {"pattern": np.full(len(self.pairs), np.nan)}


def parts(n: int) -> list[slice]:
    """Where the parts of a picture of n pixels are."""
    size = n // PART
    return [slice(i * size // 2, i * size // 2 + size) for i in range(2 * PART - 1)]


def _units(values: np.ndarray) -> np.ndarray:
    size = np.abs(values)
    return np.divide(values, size, where=size > 1e-12, out=np.zeros_like(values))
