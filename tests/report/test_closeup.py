"""Where samples alternate is found, framed and measured."""

import numpy as np
import pytest
from ml_collections import ConfigDict

from deconvgen.report import closeup


@pytest.mark.parametrize("period", [2, 3, 4])
def test_the_place_that_alternates_is_framed(period):
    """By hand: a cosine of 8 grey levels has two frequencies of 4 each."""
    y, x = np.mgrid[:36, :36]
    image = np.full((36, 36), 100.0) + 2 * y  # what varies slowly is no pattern
    wave = 8 * np.cos(2 * np.pi * x / period)
    image[12:24, 12:24] += wave[12:24, 12:24]
    pixels = np.round(image)[..., None].astype(np.uint8)
    top, left, most, mean = closeup.place(pixels, period, 12)
    assert abs(top - 12) <= 2 and abs(left - 12) <= 2
    assert most == pytest.approx(8 if period == 2 else 8 / np.sqrt(2), rel=0.15)
    assert mean < most / 2


def test_the_sheet_shows_samples_above_what_their_frames_hold():
    pixels = np.random.default_rng(0).integers(0, 256, (6, 28, 28, 1), np.uint8)
    sheet, framed, everywhere = closeup.sheet(pixels)
    assert sheet.shape == (112 + 4 + 112, 4 * 116 - 4, 3) and framed > everywhere
    assert (sheet == closeup.FRAME).all(-1).sum() > 8 * 100


@pytest.mark.parametrize("period, side", [(3, 28), (3, 30), (8, 12), (28, 28), (5, 9)])
def test_a_frame_is_inside_of_its_sample(period, side):
    """Odd windows too, at the lower right edge; and periods of nearly a sample."""
    draw = np.random.default_rng(0)
    for _ in range(9):
        pixels = draw.integers(0, 256, (2, side, side, 1), np.uint8)
        sheet, framed, _ = closeup.sheet(pixels, period)
        assert sheet.ndim == 3 and framed > 0
    corner = np.full((side, side), 100.0)
    corner[-period:] += np.where(np.arange(period)[:, None] % 2, 90.0, -90.0)
    window = max(1, side // 2 // period) * period
    top, left, *_ = closeup.place(np.uint8(corner)[..., None], period, window)
    assert top == side - window and 0 <= left <= side - window


def test_the_period_is_the_last_layer_s():
    made = lambda **model: ConfigDict({"model": model})
    assert closeup.period(made(factors=(2, 4))) == 4
    assert closeup.period(made(factor=3)) == 3
    assert closeup.period(made(factors=((2, 3),))) == closeup.period(None) == 2
