"""What the tests of the operations share."""

import jax
import pytest


@pytest.fixture
def float64():
    with jax.enable_x64(True), jax.disable_jit(False):
        yield
