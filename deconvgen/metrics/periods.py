"""Which periods pictures repeat in, whatever made them: lines in three spectra.

A decoder of total stride s leaves something that repeats every s pixels. Whatever it
is, it is a line at a multiple of 1/s cycles a pixel in one of three spectra:

- pattern: the power of the pixels, of their rows or columns (the replicas);
- variance: of how much the pixels of each row or column stand out from their
  neighbours (a Laplacian), which the uneven overlap of k % s != 0 modulates;
- differences: of how far each row or column is from the next, which interpolation,
  JPEG's blocks and the seams of tiles modulate.

A line is measured against its own neighbourhood, so that the contents, whose spectra
are smooth, do not count; over groups of pictures, so that chance can be told; and it
has the same phase in all of them, which a motif has not (`phases`).
"""

from math import gcd

import numpy as np

from deconvgen.metrics.phases import PART, Phases, parts
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
HIGHEST = 3.0
"""What a profile's position counts at most, less 1: an edge that is at one place in all
pictures, as a frame's, repeats nowhere."""
ROWS = 256
"""Rows of a picture whose spectra are averaged, at most."""


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
        self.pairs = [
            [(k, s) for k, s in fractions(most) if k * n >= LOWEST * s]
            for n, most in zip(shape, self.longest)
        ]
        self.phases = [Phases(pairs) for pairs in self.pairs]
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
        for axis in range(2):
            lines = x.swapaxes(1, 2) if axis == 0 else x  # [b, lines, n]
            each = lines.shape[1] // self.strips
            parts = lines[:, : each * self.strips].reshape(-1, each, lines.shape[2])
            self._part(parts[:, : max(3, ROWS // self.strips)], axis, groups)
        self.seen += len(x)

    def _part(self, x: np.ndarray, axis: int, groups: np.ndarray) -> None:
        """Of [parts, lines, n] along the last axis, each part to its group."""
        sums, at = self.sums[axis], self.bins(axis)
        n = x.shape[2]
        window = hann(n).astype(np.float32)
        whole = lambda y: np.fft.rfft(y * window, FINER * n)
        mean = lambda y: y.mean(-1, keepdims=True)
        centred = x - x.mean((1, 2), keepdims=True)
        power = (np.abs(whole(centred)) ** 2).mean(1)
        across = x[:, 1:-1, :-2] + x[:, 1:-1, 2:]
        down = x[:, :-2, 1:-1] + x[:, 2:, 1:-1]
        detail = np.abs(x[:, 1:-1, 1:-1] - (across + down) / 4)
        steps = np.abs(np.diff(x, axis=2))
        some = (power.mean(1) > 1e-12) & (detail.mean((1, 2)) > 1e-9)
        power, detail, steps = power[some], detail[some], steps[some]
        groups, lined = groups[some], {}
        np.add.at(sums["pattern"], groups, power / mean(power))
        for name, values, first, places in (
            ("variance", detail, 1, "energy"),
            ("differences", steps, 0, "steps"),
        ):
            profile = values.mean(1)
            own = slice(first, first + profile.shape[1])
            padded = np.zeros((len(profile), n), np.float32)
            padded[:, own] = np.minimum(profile / mean(profile) - 1, HIGHEST)
            spectrum = whole(padded)
            np.add.at(sums[name], groups, spectrum)
            of_parts = [self._shorter(padded, part, at) for part in parts(n)]
            lined[name] = np.stack([spectrum[:, at], *of_parts], axis=1)
            # Roots count the smooth parts of a picture, where a seam is seen.
            size = (values**2 if places == "energy" else values**0.5).mean(1)
            np.add.at(sums[places][:, own], groups, size / mean(size))
        # Phases are those of whole pictures: their strips share a motif's.
        middle = self._shorter(centred, parts(n)[PART - 1], at)
        rows = np.where(some[:, None, None], middle, 0)
        profiles = {}
        for name, values in lined.items():
            every = np.zeros((len(x), *values.shape[1:]), complex)
            every[some] = values
            every = every.reshape(-1, self.strips, *values.shape[1:]).sum(1)
            profiles[name] = (every[:, 0], every[:, 1:])
        rows = rows.reshape(-1, self.strips * x.shape[1], len(at))
        self.phases[axis].add(rows, profiles)

    @staticmethod
    def _shorter(y: np.ndarray, part: slice, at: np.ndarray) -> np.ndarray:
        """The spectrum [..., lines] of a part of y [..., n], phases from pixel 0."""
        n, size = y.shape[-1], part.stop - part.start
        values = np.zeros_like(y)
        values[..., part] = y[..., part] * hann(size).astype(np.float32)
        return np.fft.rfft(values, FINER * n)[..., at]

    def bins(self, axis: int) -> np.ndarray:
        """Where a spectrum has the lines that are looked at."""
        n = self.shape[axis]
        return np.array([round(FINER * n * k / s) for k, s in self.pairs[axis]], int)

    def levels(self) -> tuple[list[tuple[str, str, int, int]], np.ndarray]:
        """What was looked at (spectrum, axis, k, s), and its dB in each group."""
        named, found = [], []
        for i, (axis, n, sums) in enumerate(zip(AXES, self.shape, self.sums)):
            at = self.bins(i)
            for spectrum in SPECTRA:
                power = sums[spectrum]
                if spectrum != "pattern":
                    power = np.abs(power) ** 2
                power = power[power.sum(1) > 0]
                mean = power.mean(1, keepdims=True)
                db = 10 * np.log10(np.maximum(power, 1e-7 * mean) + 1e-300)
                level = db[:, at] - _around(db, at, n, spectrum == "pattern")
                top = _higher(db.mean(0), at)
                found.append(np.where(top, level - np.maximum(level.mean(0), 0), level))
                named += [(spectrum, axis, *pair) for pair in self.pairs[i]]
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


def _higher(db: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Whether a neighbour a cycle on is higher: then a line is another one's foot."""
    last = len(db) - 1
    sides = [np.abs(at - FINER), last - np.abs(last - at - FINER)]
    return np.maximum(*(db[i] for i in sides)) > db[at]


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
