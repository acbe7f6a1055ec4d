"""Whether pictures have been JPEG: its quantization stays in the pixels for ever."""

import io
from typing import NamedTuple

import numpy as np
from PIL import Image

from deconvgen.core import images
from deconvgen.metrics.lines import Line

LOW = [(i, j) for i in range(4) for j in range(4) if 0 < i + j <= 3]
DCT = np.cos(np.pi * (np.arange(8) + 0.5) * np.arange(8)[:, None] / 8) / 2
DCT[0] /= np.sqrt(2)
BASIS = np.stack([np.outer(DCT[i], DCT[j]).ravel() for i, j in LOW], axis=1)
STEPS = np.arange(2, 41)
REACH, FINE = 256, 0.25
LEVELS = np.arange(-REACH, REACH + FINE, FINE)
USED = np.abs(LEVELS) > STEPS[:, None] / 2.0  # zeros are multiples of every step
USED = USED.astype(float)
WAVES = USED * np.cos(2 * np.pi * LEVELS / STEPS[:, None])
CLEAR = 0.05
"""More of a comb than other alignments of the blocks have: quantized."""
MANY = 200
"""Coefficients below which a comb is chance."""
BLOCKS = 3000


class Jpeg(NamedTuple):
    """How much of a comb the coefficients of 8 x 8 blocks are.

    - comb: 0 for none, 1 for multiples of a step; at the alignment that has most.
    - elsewhere: the most that another alignment has; lines of a drawing have several.
    - offset: (row, column) where the blocks begin.
    """

    comb: float
    elsewhere: float
    offset: tuple[int, int]

    @property
    def clear(self) -> bool:
        """Whether the pictures were JPEG, and have not been resized since."""
        return self.comb - self.elsewhere > CLEAR


def odd(line: Line, middle: float) -> float:
    """The part of a line's power that differs at mirrored places of a codec's blocks.

    0 of all that JPEG does, whose cosines are mirrored about the `middle` of a block
    (3.5 of the first), and 1 of a variance that goes with every other pixel.
    NaN of lines of the pixels.
    """
    if line.spectrum == "differences":  # the first lies between pixels 0 and 1
        middle -= 0.5
    return float(np.sin(line.angle + 2 * np.pi * line.share * middle) ** 2)


def traces(lightness: np.ndarray) -> Jpeg:
    """Of pictures [n, h, w] in [-1, 1]: some dozens are enough.

    The blocks' cosine transform has multiples of the quantization steps where its
    blocks are JPEG's, of the luminance (Fan and de Queiroz 2003 on the same traces).
    """
    levels = np.asarray(lightness, np.float32) * 127.5 + 127.5
    places = [(i, j) for i in range(8) for j in range(8)]
    counts = np.stack([_counts(levels, place) for place in places])  # [64, 9, levels]
    total = np.maximum(counts @ USED.T, 1)
    spread = np.sqrt(counts @ (USED * LEVELS**2).T / total)
    fits = counts @ WAVES.T / total  # 1 where all are multiples of the step
    enough = (total >= MANY) & (spread > STEPS)
    combs = np.max(fits, axis=2, where=enough, initial=0).mean(1)
    best = int(np.argmax(combs))
    rest = np.delete(combs, best)
    return Jpeg(float(combs[best]), float(rest.max()), places[best])


def _counts(levels: np.ndarray, place: tuple[int, int]) -> np.ndarray:
    """Histograms [9, levels] of low coefficients of the blocks that begin there."""
    i, j = place
    _, h, w = levels.shape
    rows, columns = (h - i) // 8, (w - j) // 8
    if rows < 1 or columns < 1:
        return np.zeros((len(LOW), len(LEVELS)), np.float32)
    x = levels[:, i : i + 8 * rows, j : j + 8 * columns]
    blocks = x.reshape(-1, rows, 8, columns, 8).transpose(0, 1, 3, 2, 4)
    blocks = blocks.reshape(-1, 64)
    blocks = blocks[:: max(1, len(blocks) // BLOCKS)]
    found = []
    for c in ((blocks - 128) @ BASIS.astype(np.float32)).T:
        bins = np.rint((c + REACH) / FINE)
        bins = bins[(bins >= 0) & (bins < len(LEVELS))].astype(int)
        found.append(np.bincount(bins, minlength=len(LEVELS)))
    return np.stack(found).astype(np.float32)


def compressed(batch: np.ndarray, quality: int = 90) -> np.ndarray:
    """Pictures [b, h, w, c] in [-1, 1] as they come back from JPEG."""
    made = []
    for pixels in images.to_uint8(batch):
        held = io.BytesIO()
        images.picture(pixels).save(held, "JPEG", quality=quality)
        back = np.asarray(Image.open(held))
        made.append(back.reshape(pixels.shape))
    return images.to_float(np.stack(made))
