"""Colours for class maps, and the class that is none."""

import colorsys

import numpy as np
from jaxtyping import Float32

IGNORE = 255
"""The class of pixels that do not count."""
IGNORED = (0.6, 0.6, 0.6)
"""Their colour, in [-1, 1]."""


def palette(k: int) -> Float32[np.ndarray, "{k} 3"]:
    """k colours in [-1, 1]: black for class 0, then hues that go round.

    Hues a golden ratio of the circle apart stay distinct for any k; every third
    colour is darker, every third paler.
    """
    colours = [(0.0, 0.0, 0.0)]
    for i in range(k - 1):
        saturation, value = ((0.85, 1.0), (0.9, 0.65), (0.45, 1.0))[i % 3]
        colours.append(colorsys.hsv_to_rgb(i * 0.618034 % 1, saturation, value))
    return np.array(colours[:k], np.float32) * 2 - 1
