"""What a network's answers to probes say: phases, constants, one pixel, shifts, waves.

Answers are [draws, H, W, channels], and (r, s) the factor that they were enlarged by.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

SHARE = 0.99
"""Of the energy of an answer that its support holds."""
CLEAR = 0.02
"""Share of a stride's own component in the phases' profile that counts as a grid."""

Numpy = Callable[[np.ndarray], np.ndarray]


def middle(y: np.ndarray, factor: tuple[int, int]) -> np.ndarray:
    """Without a quarter of the input at each border, at most 8 pixels of it."""
    r, s = factor
    h, w = y.shape[1] // r, y.shape[2] // s
    top, left = min(8, h // 4) * r, min(8, w // 4) * s
    return y[:, top : y.shape[1] - top, left : y.shape[2] - left]


def phases(y: np.ndarray, factor: tuple[int, int]) -> np.ndarray:
    """Variance [r, s] at each position of a cell, about that position's own mean.

    What the means of the positions differ by is a grid that does not vary: `dc_gap`.
    """
    inner = cells(middle(y, factor), factor)
    inner = inner - inner.mean((1, 3), keepdims=True)
    return (inner**2).mean((0, 1, 3, 5))


def cells(y: np.ndarray, factor: tuple[int, int]) -> np.ndarray:
    """[b, H, W, c] as [b, h, r, w, s, c]."""
    (r, s), (b, h, w, c) = factor, y.shape
    return y.reshape(b, h // r, r, w // s, s, c)


def phase_ratio(phases: np.ndarray) -> float:
    """The largest over the smallest; NaN where nothing varies, or is no number."""
    if not phases.max() > 0:  # nor where it is NaN
        return math.nan
    return float(phases.max() / phases.min()) if phases.min() > 0 else math.inf


def evenness(y: np.ndarray, factor: tuple[int, int]) -> float:
    """`phase_ratio` of noise, of which some phase is always the largest by chance.

    So the phases are picked by one half of the draws, and compared by the other.
    """
    halves = [phases(y[i::2], factor).ravel() for i in (0, 1)]
    if not all(half.max() > 0 for half in halves):
        return math.nan
    found = []
    for picks, half in (halves, halves[::-1]):
        most, least = half[picks.argmax()], half[picks.argmin()]
        found.append(most / least if least > 0 else math.inf)
    return max(1.0, math.sqrt(found[0] * found[1]))


def beyond_rounding(answer: np.ndarray, usual: np.ndarray) -> np.ndarray:
    """An answer, and 0 for one that is no more than the rounding of the usual one."""
    size = lambda y: float(np.sqrt(np.mean(np.square(y))))
    return answer if size(answer) > 1e-5 * size(usual) else np.zeros_like(answer)


def root_ratio(part: Any, whole: Any) -> float:
    """The root of a part of a mean square; NaN where there is nothing to be part of."""
    return math.sqrt(float(part) / float(whole)) if whole > 0 else math.nan


def gains(answer: np.ndarray, factor: tuple[int, int]) -> np.ndarray:
    """Of constants, [draws, r, s, channels]."""
    return cells(middle(answer, factor), factor).mean((1, 3))


def dc_gap(answer: np.ndarray, factor: tuple[int, int]) -> float:
    """How far the gains of the phases are apart, over their root mean square."""
    each = gains(answer, factor)
    apart = each - each.mean((1, 2), keepdims=True)
    return root_ratio((apart**2).mean(), (each**2).mean())


def strides(
    phases: np.ndarray, answer: np.ndarray, factor: tuple[int, int]
) -> dict[int, float]:
    """The divisors of the factor that have a component of their own."""
    found: dict[int, float] = {}
    each = gains(answer, factor)
    size = np.sqrt((each**2).mean()) or 1.0
    maps = [(np.sqrt(phases) / (np.sqrt(phases).mean() or 1.0))[None, ..., None]]
    maps.append(each / size)
    for each in maps:
        for axis, n in enumerate(factor):
            power = np.abs(np.fft.fft(each, axis=1 + axis) / n) ** 2
            power = power.mean((0, 2 - axis, 3))
            for k in range(1, n):
                own = n // math.gcd(k, n)
                found[own] = found.get(own, 0.0) + float(power[k])
    shares = {d: math.sqrt(v) for d, v in sorted(found.items())}
    return {d: share for d, share in shares.items() if share > CLEAR}


def off_dc(answer: np.ndarray) -> float:
    """The share of the Fourier magnitudes that is not at frequency 0."""
    magnitude = np.abs(np.fft.fft2(answer, axes=(1, 2)))
    total = magnitude.sum()
    return float(1 - magnitude[:, 0, 0].sum() / total) if total > 0 else math.nan


def impulse(call: Numpy, base: np.ndarray, change: np.ndarray) -> np.ndarray:
    """Mean square [H, W] of what one input pixel changes, over draws and channels."""
    moved = base.copy()
    moved[:, base.shape[1] // 2, base.shape[2] // 2] += change
    return ((call(moved) - call(base)) ** 2).mean((0, 3))


def support(energy: np.ndarray) -> int:
    """Of how many places, around the middle of the energy, hold 99 % of it."""
    if not energy.sum() > 0:
        return 0
    share = np.cumsum(energy) / energy.sum()
    first = int(np.searchsorted(share, (1 - SHARE) / 2))
    return int(np.searchsorted(share, (1 + SHARE) / 2)) - first + 1


def smooth(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Fields below 0.15 cycles a pixel, of a standard deviation of 1, periodic."""
    _, h, w, _ = shape
    f = np.hypot(np.fft.fftfreq(h)[:, None], np.fft.fftfreq(w))[..., None]
    spectrum = np.fft.fft2(rng.normal(size=shape), axes=(1, 2)) * (f < 0.15)
    x = np.fft.ifft2(spectrum, axes=(1, 2)).real
    return x / x.std()


def equivariance(
    call: Numpy, x: np.ndarray, factor: tuple[int, int]
) -> tuple[float, float]:
    """EQ-T of a whole input pixel, and of one output pixel, down and to the right."""
    r, s = factor
    _, h, w, _ = x.shape
    still = call(x)
    top = float(np.abs(still).max())
    peak = 2.0 if top <= 1.001 else float(still.max() - still.min())
    if not np.ptp(still) > 0:  # what never varies follows everything
        return math.nan, math.nan
    f, g = np.fft.fftfreq(h)[:, None, None], np.fft.fftfreq(w)[:, None]
    turn = np.exp(-2j * np.pi * (f / r + g / s))
    part = np.fft.ifft2(np.fft.fft2(x, axes=(1, 2)) * turn, axes=(1, 2)).real
    pairs = ((np.roll(x, (1, 1), (1, 2)), (r, s)), (part, (1, 1)))
    levels = []
    for moved, step in pairs:
        error = middle(call(moved) - np.roll(still, step, (1, 2)), factor)
        mean = float((error**2).mean()) / (peak**2 or 1.0)
        levels.append(min(100.0, -10 * math.log10(max(mean, 1e-10))))
    return levels[0], levels[1]


def wave(w: int, channels: np.ndarray) -> np.ndarray:
    """About 3/16 cycles a pixel along a row, whole ones in it: [w, channels]."""
    cycles = max(1, round(3 * w / 16))
    return np.cos(2 * np.pi * cycles * np.arange(w) / w)[:, None] * channels


def replica_db(y: np.ndarray, w: int, factor: tuple[int, int]) -> float:
    """The strongest replica of a `wave`, over the wave itself; -100 where none is."""
    s = factor[1]
    if s == 1:
        return -100.0
    y = middle(y, factor)
    y = y - y.mean((1, 2), keepdims=True)
    n = y.shape[2]
    at = lambda f: np.exp(-2j * np.pi * f * np.arange(n)) * np.hanning(n + 1)[:n]
    power = lambda f: float((np.abs(np.einsum("bhwc,w->bhc", y, at(f))) ** 2).sum())
    own = max(1, round(3 * w / 16)) / w / s
    highest = max(power(own + m / s) for m in range(1, s))
    if not max(highest, power(own)) > 0:
        return math.nan
    return float(
        np.clip(10 * np.log10(max(highest, 1e-30) / max(power(own), 1e-30)), -100, 100)
    )


def border(answer: np.ndarray, factor: tuple[int, int]) -> int:
    """From how deep a row on the answer to constants repeats as it does inside."""
    r = factor[0]
    h = answer.shape[1]
    column = answer[:, :, answer.shape[2] // 2]
    middle = h // 2 // r * r
    cell = column[:, middle : middle + r]
    apart = np.abs(column - np.tile(cell, (1, h // r, 1))).max((0, 2))
    other = np.flatnonzero(apart > 1e-3 * (np.abs(cell).max() or 1.0))
    inner = other[other < h // 2]
    return int(inner.max()) + 1 if len(inner) else 0
