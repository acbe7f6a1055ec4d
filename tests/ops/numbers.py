"""Random numbers to convolve."""

import numpy as np


def numbers(*shape, seed=0):
    return np.random.default_rng([seed, *shape]).normal(size=shape)
