"""Samples enlarged, with a frame where they alternate most, and what is in the frame.

A layer of stride s leaves a pattern that repeats every s pixels: power at the
multiples of 1/s cycles a pixel. What is measured here is that power in a small window,
so that the place is found where a person sees it.
"""

from typing import Any

import numpy as np
from scipy import ndimage

SHOWN = 4
"""Samples side by side."""
SIDE, GAP = 112, 4
"""Pixels of a sample on the page, at least; and between two."""
FRAME = (255, 120, 0)


def period(config: Any) -> int:
    """The factor of the last upsampling layer, whose pattern is the finest; 2 where the
    config does not tell."""
    model = config.get("model", {}) if config else {}
    last = model.get("factor") or (model.get("factors") or [2])[-1]
    return last if isinstance(last, int) and last > 1 else 2


def alternation(light: np.ndarray, period: int, window: int) -> np.ndarray:
    """The amplitude [h, w] of what repeats each `period` pixels around a pixel.

    - light: [h, w].
    - window: a multiple of `period`, in which a constant counts for nothing.
    """
    y, x = np.indices(light.shape)
    power, rest = np.zeros(light.shape), light - _mean(light, window)
    for i in range(period):
        for j in range(period):
            if i or j:
                turn = np.exp(-2j * np.pi * (i * y + j * x) / period)
                power += np.abs(_mean(rest * turn, window)) ** 2
    return np.sqrt(power)


def _mean(values: np.ndarray, window: int) -> np.ndarray:
    return ndimage.uniform_filter(values, window, mode="nearest")


def place(
    pixels: np.ndarray, period: int, window: int
) -> tuple[int, int, float, float]:
    """Top and left of the window that alternates most; by how many grey levels it does,
    and all windows in the mean.

    - pixels: uint8 [h, w, c].
    """
    found = alternation(pixels.mean(-1), period, window)
    half = window // 2  # a pixel's window begins so far before it
    ends = (side - window + half + 1 for side in found.shape)
    inside = found[half : next(ends), half : next(ends)]
    top, left = np.unravel_index(int(inside.argmax()), inside.shape)
    return int(top), int(left), float(inside.max()), float(inside.mean())


def sheet(pixels: np.ndarray, period: int = 2) -> tuple[np.ndarray, float, float]:
    """Samples above, their frames' contents below, uint8 [h, w, 3]; and by how many
    grey levels they alternate, in the frames and everywhere, in the mean.

    - pixels: uint8 [n, h, w, 1 or 3], of which the first few are shown.
    """
    chosen = pixels[:SHOWN]
    h, w = chosen.shape[1:3]
    factor = max(1, -(-SIDE // max(h, w)))
    window = period * max(2, round(min(h, w) / 3.5 / period))
    window = min(window, min(h, w) // period * period)
    columns, levels = [], []
    for each in chosen:
        top, left, *level = place(each, period, window)
        levels.append(level)
        colour = np.broadcast_to(each, (h, w, 3))
        cut = colour[top : top + window, left : left + window]
        large = _enlarged(colour, factor)
        _frame(large, top * factor, left * factor, window * factor)
        close = _enlarged(cut, max(1, w * factor // window))
        _frame(close, 0, 0, close.shape[0])
        columns.append((large, close))
    size = columns[0][0].shape, columns[0][1].shape
    width = max(size[0][1], size[1][1])
    page = np.full(
        (size[0][0] + GAP + size[1][0], len(columns) * (width + GAP) - GAP, 3), 255
    ).astype(np.uint8)
    for i, (large, close) in enumerate(columns):
        left = i * (width + GAP)
        page[: size[0][0], left : left + size[0][1]] = large
        page[size[0][0] + GAP :, left : left + size[1][1]] = close
    framed, everywhere = np.mean(levels, axis=0)
    return page, float(framed), float(everywhere)


def _enlarged(pixels: np.ndarray, factor: int) -> np.ndarray:
    return pixels.repeat(factor, 0).repeat(factor, 1)


def _frame(pixels: np.ndarray, top: int, left: int, side: int) -> None:
    """Draw the border of a square, 2 pixels wide, in place."""
    box = pixels[top : top + side, left : left + side]
    for edge in (box[:2], box[-2:], box[:, :2], box[:, -2:]):
        edge[...] = FRAME
