"""What tests of sets of features share."""

import numpy as np
import pytest


@pytest.fixture(scope="module")
def sets():
    """Two correlated clouds far from 0, float32 as features are."""
    rng = np.random.default_rng(0)
    mix = rng.normal(size=(16, 16))
    real = rng.normal(size=(230, 16)) @ mix + 5
    fake = 1.2 * rng.normal(size=(190, 16)) @ mix + 5.5
    return real.astype(np.float32), fake.astype(np.float32)
