"""What is left of pictures without their contents: how neighbouring pixels relate."""

from typing import Any

import numpy as np
from scipy import ndimage

from deconvgen.ops.spectrum import hann

SIDE = 256
"""Pixels of a picture whose residual is looked at, each way."""
LAGS = 32
CELLS = (2, 4)
BLUR = np.outer([1, 2, 1], [1, 2, 1]).astype(np.float32) / 16


class Residuals:
    """Sums over pictures of one size of their residuals, each of which counts alike."""

    def __init__(self, shape: tuple[int, int]):
        self.side = [min(SIDE, n) for n in shape]
        h, w = self.side
        self.seen = 0
        self.power = np.zeros((h, w // 2 + 1))
        self.spectrum = np.zeros((h, w // 2 + 1))
        self.off_dc = 0.0
        self.cells: dict[int, Any] = {
            s: np.zeros((s, s)) for s in CELLS if 4 * s <= min(shape)
        }

    def add(self, lightness: np.ndarray) -> None:
        """Some more pictures [b, h, w] in [-1, 1]."""
        h, w = self.side
        x = np.asarray(lightness, np.float32)[:, :h, :w]
        window = np.outer(hann(h), hann(w)).astype(np.float32)
        centred = x - x.mean((1, 2), keepdims=True)
        self.spectrum += (np.abs(np.fft.rfft2(centred * window)) ** 2 / (h * w)).sum(0)
        magnitudes = np.abs(np.fft.fft2((x + 1) / 2))
        total = np.maximum(magnitudes.sum((1, 2)), 1e-9)
        self.off_dc += float(np.sum(1 - magnitudes[:, 0, 0] / total))
        residual = x - ndimage.convolve(x, BLUR[None], mode="reflect")
        size = np.mean(residual**2, axis=(1, 2), keepdims=True)
        power = np.abs(np.fft.rfft2(residual)) ** 2
        self.power += np.where(size > 1e-9, power / np.maximum(size, 1e-9), 0).sum(0)
        for s, sums in self.cells.items():
            sums += cell_differences(x, s).sum(0)
        self.seen += len(x)

    def profile(self) -> np.ndarray:
        """The mean power at each radius of frequency, as `azimuthal_average` has it."""
        h, w = self.side
        y, x = np.fft.fftfreq(h)[:, None], np.fft.rfftfreq(w)[None]
        bins = np.rint(np.hypot(y, x) * min(h, w)).astype(int)
        twice = np.broadcast_to(np.where((x > 0) & (x < 0.5), 2.0, 1.0), bins.shape)
        total = np.bincount(bins.ravel(), (self.spectrum * twice).ravel())
        return total / np.bincount(bins.ravel(), twice.ravel()) / max(self.seen, 1)

    def autocorrelation(self) -> np.ndarray:
        """Of the residual, [2 L + 1, 2 L + 1] around lag 0, which is 1.

        The inverse transform of the mean power spectrum of what a 3 x 3 binomial blur
        takes off (Corvi et al. 2023 take a denoiser's residual): whatever repeats
        every s pixels has peaks at the multiples of s.
        """
        h, w = self.side
        whole = np.fft.irfft2(self.power, (h, w))
        whole = np.fft.fftshift(whole / (whole[0, 0] or 1))
        lags = min(LAGS, h // 2 - 1, w // 2 - 1)
        return whole[
            h // 2 - lags : h // 2 + lags + 1, w // 2 - lags : w // 2 + lags + 1
        ]

    def peak(self, period: int) -> float:
        """How far the autocorrelation at lags (s, 0) and (0, s) is over its neighbours.

        The larger of the two, less the larger of those a pixel away along the axis;
        NaN where the picture has no such lags.
        """
        found, best = self.autocorrelation(), float("nan")
        lags = len(found) // 2
        if period + 1 > lags:
            return best
        for line in (found[lags, lags:], found[lags:, lags]):
            above = line[period] - max(line[period - 1], line[period + 1])
            best = float(np.fmax(best, above))
        return best

    def neighbours(self) -> float:
        """The residual's correlation with itself one pixel on, mean of both axes."""
        found = self.autocorrelation()
        lags = len(found) // 2
        return float((found[lags, lags + 1] + found[lags + 1, lags]) / 2)

    def cell_ratio(self, s: int) -> float:
        """Largest over smallest of `cell_differences` of the alignments: 1 is even."""
        sums = self.cells[s]
        if not sums.max() > 0:
            return float("nan")
        return float(sums.max() / sums.min()) if sums.min() > 0 else float("inf")


def cell_differences(lightness: np.ndarray, s: int = 2) -> np.ndarray:
    """How pixels differ from the first of their s x s cell, for each alignment.

    [b, h, w] to [b, s, s]: of cells that begin at row i and column j, the mean square
    of x - nearest_up(nearest_down(x)) (Tan et al. 2024, neighbouring pixel relations).
    Real pictures have the same for all alignments; what was enlarged by s has less at
    that of the enlargement.
    """
    b, h, w = lightness.shape
    rows, columns = (h - s) // s, (w - s) // s
    found = np.empty((b, s, s))
    for i in range(s):
        for j in range(s):
            x = lightness[:, i : i + rows * s, j : j + columns * s]
            cells = x.reshape(b, rows, s, columns, s)
            apart = cells - cells[:, :, :1, :, :1]
            found[:, i, j] = np.mean(np.square(apart), axis=(1, 2, 3, 4))
    return found * s * s / (s * s - 1)
