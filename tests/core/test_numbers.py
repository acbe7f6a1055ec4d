"""Seeds differ or are refused; whole numbers are whole."""

import jax
import numpy as np
import pytest

from deconvgen.core.errors import UserError
from deconvgen.core.numbers import SEEDS, key, whole


def test_seeds_are_told_apart_or_refused():
    """numpy/numpy#4676, google/jax#4745: 7 and 2**32 + 7 gave the same numbers."""
    seeds = (0, 1, 7, 2**31 - 1, 2**31, SEEDS - 1, np.uint32(9), np.int64(10))
    data = {tuple(jax.random.key_data(key(seed)).tolist()) for seed in seeds}
    assert len(data) == len(seeds)
    for seed in (SEEDS, SEEDS + 7, 2**64, -1, np.int64(-1)):
        with pytest.raises(UserError, match="seed should be 0 to 4294967295, not"):
            key(seed)


@pytest.mark.parametrize("value", [1.0, "1", None, True, np.float32(1), [1]])
def test_what_is_no_whole_number_is_named(value):
    with pytest.raises(UserError, match="num should be a whole number, not"):
        whole("num", value, 0)


def test_bounds_are_told():
    assert whole("num", np.int8(3), 1) == 3
    with pytest.raises(UserError, match="num should be 1 or more, not 0"):
        whole("num", 0, 1)
