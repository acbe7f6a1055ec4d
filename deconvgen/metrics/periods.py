"""Which periods pictures repeat in, whatever made them: lines in three spectra.

A decoder of total stride s leaves something that repeats every s pixels. Whatever it
is, it is a line at a multiple of 1/s cycles a pixel in one of three spectra:

- pattern: the power of the pixels, of their rows or columns (the replicas);
- variance: of how much the pixels of each row or column stand out from their
  neighbours (a Laplacian), which the uneven overlap of k % s != 0 modulates;
- differences: of how far each row or column is from the next, which interpolation,
  JPEG's blocks and the seams of tiles modulate.

A line is measured against its own neighbourhood, so that the contents, whose spectra
are smooth, do not count; and over groups of pictures, so that chance can be told.
"""

from math import gcd
from typing import Any, NamedTuple

import numpy as np

from deconvgen.ops.spectrum import hann

SPECTRA = ("pattern", "variance", "differences")
AXES = ("rows", "columns")
FINER = 4
"""Points of a spectrum for each cycle a picture."""
APART = (2, 3, 4)
"""Cycles a picture from a line to its neighbours, where its Hann window is 0."""
FARTHER = (5, 6)
"""And to those that tell how the spectrum bends there."""
LOWEST = 6
"""Cycles a picture below which contents are not smooth around a line."""
GROUPS = 64
STRIPS = 32
"""Parts, of a few pictures, that chance is told by."""
ROWS = 256
"""Rows of a picture whose spectra are averaged, at most."""
CHANCE = 0.01
LEAST_DB = {"pattern": 3.0, "variance": 1.0, "differences": 1.0}
"""A line below this over its neighbours is not called one; a spectrum has humps."""
RNG = 0


class Line(NamedTuple):
    """What is at `numerator / period` cycles a pixel along an axis of a spectrum."""

    spectrum: str
    axis: str
    numerator: int
    period: int
    level: float  # dB over the neighbourhood, mean over the groups
    deviation: float  # of the mean, in dB
    p: float  # of a bootstrap over groups, corrected for all lines looked at

    @property
    def share(self) -> float:
        """Cycles a pixel."""
        return self.numerator / self.period

    @property
    def clear(self) -> bool:
        """Whether it is none by chance, and high enough to be called a line."""
        return self.p <= CHANCE and self.level >= LEAST_DB[self.spectrum]


def fractions(longest: int) -> list[tuple[int, int]]:
    """(k, s) with k/s in its lowest terms, 0 < k/s <= 1/2, s = 2 .. longest.

    A pattern of period s has its own lines where k and s have no common divisor, and
    otherwise those of shorter periods: so no multiple of a period is found with it.
    """
    return [
        (k, s)
        for s in range(2, longest + 1)
        for k in range(1, s // 2 + 1)
        if gcd(k, s) == 1
    ]


def grey(images: np.ndarray) -> np.ndarray:
    """[n, h, w, c] as the lightness [n, h, w]: JPEG halves colours, not this."""
    if images.shape[-1] == 1:
        return np.asarray(images[..., 0], np.float32)
    return np.asarray(images, np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)


class Periods:
    """Sums over pictures of one size; memory does not grow with their number."""

    def __init__(self, shape: tuple[int, int], num: int, longest: int = 64):
        self.shape, self.num = shape, num
        self.strips = max(1, min(-(-STRIPS // num), min(shape) // 16))
        self.groups = min(GROUPS, num * self.strips)
        self.longest = [max(2, min(longest, n // 4)) for n in shape]
        self.seen = 0
        self.sums: list[dict[str, np.ndarray]] = [
            {
                "pattern": np.zeros((self.groups, FINER * n // 2 + 1)),
                "variance": np.zeros((self.groups, FINER * n // 2 + 1), complex),
                "differences": np.zeros((self.groups, FINER * n // 2 + 1), complex),
                "energy": np.zeros((self.groups, n)),  # of the Laplacian, by position
                "steps": np.zeros((self.groups, n)),  # roots of those to the next
            }
            for n in shape
        ]

    def add(self, lightness: np.ndarray) -> None:
        """Some more pictures [b, h, w]; those that do not vary count for nothing."""
        x = np.asarray(lightness, np.float32)
        unit = np.arange(self.seen, self.seen + len(x))[:, None] * self.strips
        groups = (unit + np.arange(self.strips)).ravel() % self.groups
        for axis, sums in enumerate(self.sums):
            lines = x.swapaxes(1, 2) if axis == 0 else x  # [b, lines, n]
            each = lines.shape[1] // self.strips
            parts = lines[:, : each * self.strips].reshape(-1, each, lines.shape[2])
            self._part(parts[:, : max(3, ROWS // self.strips)], sums, groups)
        self.seen += len(x)

    def _part(self, x: np.ndarray, sums: dict[str, Any], groups: np.ndarray) -> None:
        """Of [parts, lines, n] along the last axis, each part to its group."""
        n = x.shape[2]
        window = hann(n).astype(np.float32)
        whole = lambda y: np.fft.rfft(y * window, FINER * n)
        mean = lambda y: y.mean(-1, keepdims=True)
        power = np.abs(whole(x - x.mean((1, 2), keepdims=True))) ** 2
        power = power.mean(1)
        across = x[:, 1:-1, :-2] + x[:, 1:-1, 2:]
        down = x[:, :-2, 1:-1] + x[:, 2:, 1:-1]
        detail = np.abs(x[:, 1:-1, 1:-1] - (across + down) / 4)
        steps = np.abs(np.diff(x, axis=2))
        some = (power.mean(1) > 1e-12) & (detail.mean((1, 2)) > 1e-9)
        power, detail, steps = power[some], detail[some], steps[some]
        groups = groups[some]
        np.add.at(sums["pattern"], groups, power / mean(power))
        for name, values, first, places in (
            ("variance", detail, 1, "energy"),
            ("differences", steps, 0, "steps"),
        ):
            profile = values.mean(1)
            own = slice(first, first + profile.shape[1])
            padded = np.zeros((len(profile), n), np.float32)
            padded[:, own] = profile / mean(profile) - 1
            np.add.at(sums[name], groups, whole(padded))
            # Roots count the smooth parts of a picture, where a seam is seen.
            size = (values**2 if places == "energy" else values**0.5).mean(1)
            np.add.at(sums[places][:, own], groups, size / mean(size))

    def levels(self) -> tuple[list[tuple[str, str, int, int]], np.ndarray]:
        """What was looked at (spectrum, axis, k, s), and its dB in each group."""
        named, found = [], []
        for axis, n, longest, sums in zip(AXES, self.shape, self.longest, self.sums):
            pairs = [(k, s) for k, s in fractions(longest) if k * n >= LOWEST * s]
            at = np.array([round(FINER * n * k / s) for k, s in pairs], int)
            for spectrum in SPECTRA:
                power = sums[spectrum]
                if spectrum != "pattern":
                    power = np.abs(power) ** 2
                power = power[power.sum(1) > 0]
                mean = power.mean(1, keepdims=True)
                db = 10 * np.log10(np.maximum(power, 1e-7 * mean) + 1e-300)
                found.append(db[:, at] - _around(db, at, n, spectrum == "pattern"))
                named += [(spectrum, axis, k, s) for k, s in pairs]
        groups = min((len(x) for x in found), default=0)
        return named, np.concatenate([x[:groups] for x in found], axis=1)

    def phase_ratio(self, period: int) -> float:
        """How unevenly the positions of a period vary, of the worse axis: 1 is even.

        The largest over the smallest mean square of the Laplacian of each picture over
        its own mean, by the position of its column (or row) in the period.
        """
        ratios = [1.0]
        for n, sums in zip(self.shape, self.sums):
            mean = sums["energy"].sum(0)[1 : n - 1]
            places = (np.arange(len(mean)) + 1) % period
            phases = [mean[places == a].mean() for a in range(period)]
            if min(len(mean) // period, 1) and min(phases) > 0:
                ratios.append(max(phases) / min(phases))
            elif max(phases, default=0) > 0:
                ratios.append(float("inf"))
        return float(max(ratios))

    def profile(self, axis: int, name: str = "steps") -> np.ndarray:
        """The mean over pictures, by position along an axis, in units of their mean."""
        total = self.sums[axis][name].sum(0)
        return total / (total[1:-1].mean() or 1)


def _around(db: np.ndarray, at: np.ndarray, n: int, bent: bool) -> np.ndarray:
    """What the neighbours [groups, bins] let expect at the bins `at`, in dB.

    Their mean; with `bent`, for spectra that hardly vary by chance, the nearest ones or
    what a parabola through all has there if that is more: a line is no hump, as those
    of an interpolated picture are.
    """
    last = db.shape[1] - 1
    mirrored = lambda i: np.abs(np.where(i > last, 2 * last - i, i))
    sides = lambda d: [mirrored(at + side * round(d * FINER)) for side in (1, -1)]
    near = {d: np.mean([db[:, i] for i in sides(d)], axis=0) for d in APART}
    mean = np.mean(list(near.values()), axis=0)
    if not bent:
        return mean
    far = {d: np.mean([db[:, i] for i in sides(d)], axis=0) for d in FARTHER}
    apart = np.array([*APART, *FARTHER])
    weights = np.linalg.pinv(np.stack([np.ones(len(apart)), apart**2], 1))[0]
    top = np.tensordot(weights, np.stack([*near.values(), *far.values()]), 1)
    enough = at >= round((max(FARTHER) + 1) * FINER)
    return np.maximum(np.where(enough, np.maximum(mean, top), mean), near[APART[0]])


def lines(found: Periods, real: Periods | None = None, draws: int = 999) -> list[Line]:
    """The lines of all spectra, strongest first, each told from chance.

    p is of a studentized bootstrap over groups of pictures, corrected for the number
    of lines by the largest of each draw (Westfall and Young 1993). With `real`, levels
    are those over the real pictures' own, in dB, and chance is both sets'. Only the
    strongest of lines that the size of the pictures does not tell apart is kept.
    """
    named, levels = found.levels()
    level, spread = _moments(levels)
    rng = np.random.default_rng(RNG)
    drawn = _drawn(levels, level, draws, rng)
    if real is not None:
        other_names, others = real.levels()
        if other_names == named:
            other, other_spread = _moments(others)
            other_drawn = _drawn(others, other, draws, rng)
            level = level - other
            drawn = (drawn[0] - other_drawn[0], np.hypot(drawn[1], other_drawn[1]))
            spread = np.hypot(spread, other_spread)
    highest = np.max(drawn[0] / np.maximum(drawn[1], 1e-3), axis=1, initial=0)
    t = level / np.maximum(spread, 1e-3)
    p = (1 + (highest[:, None] >= t).sum(0)) / (1 + draws)
    made = [
        Line(*name, float(v), float(d), float(q))
        for name, v, d, q in zip(named, level, spread, p)
    ]
    return _distinct(made, found.shape)


def _moments(levels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The mean over groups, and its standard deviation."""
    n = max(1, len(levels))
    spread = levels.std(0, ddof=1) if n > 1 else np.full(levels.shape[1], np.inf)
    return levels.mean(0), spread / np.sqrt(n)


def _drawn(
    levels: np.ndarray, mean: np.ndarray, draws: int, rng: Any
) -> tuple[np.ndarray, np.ndarray]:
    """Means about the mean, and their deviations, of groups drawn with replacement."""
    n = len(levels)
    if n < 2:
        none = np.zeros((draws, levels.shape[1]))
        return none, none + np.inf
    times = rng.multinomial(n, np.full(n, 1 / n), draws) / n
    centred = levels - mean
    means = times @ centred
    squares = np.maximum(times @ centred**2 - means**2, 0)
    return means, np.sqrt(squares / (n - 1))


def _distinct(found: list[Line], shape: tuple[int, int]) -> list[Line]:
    """Strongest first, without those that are the foot of a stronger one.

    Within two cycles a picture the size of the pictures tells no two lines apart; and
    replicas of the contents stand on either side of where an interpolation has its 0.
    """
    kept: list[Line] = []
    for line in sorted(found, key=lambda line: -line.level):
        size = shape[AXES.index(line.axis)]
        reach = 5 if line.spectrum == "pattern" else 2

        def hides(other: Line, line=line, size=size, reach=reach) -> bool:
            apart = size * abs(other.share - line.share)
            alike = other.spectrum == line.spectrum
            strong = alike or (other.clear and line.spectrum == "pattern")
            return other.axis == line.axis and strong and 0 < apart < reach

        if not any(map(hides, kept)):
            kept.append(line)
    return kept


def shown(found: list[Line]) -> dict[int, Line]:
    """The strongest line of each period whose lines are clear ones."""
    clear: dict[int, Line] = {}
    for line in found:
        if line.clear:
            clear.setdefault(line.period, line)
    return dict(sorted(clear.items()))
