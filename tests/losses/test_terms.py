"""Sums of losses by name."""

import jax.numpy as jnp
import numpy as np
import pytest

from deconvgen.core.errors import UserError
from deconvgen.losses.reconstruction import reconstruction_losses as losses
from deconvgen.losses.terms import mixture


@pytest.fixture(scope="module")
def pair():
    draw = np.random.default_rng(0)
    return tuple(jnp.asarray(draw.uniform(-1, 1, (2, 12, 12, 1)), "f4") for _ in "ab")


@pytest.mark.parametrize(
    "text, weights",
    [
        ("l2", {"l2": 1}),
        ("l1 + 0.1 fft", {"l1": 1, "fft": 0.1}),
        ("0.5*ssim+2e-1 l1 + l2", {"ssim": 0.5, "l1": 0.2, "l2": 1}),
    ],
)
def test_it_is_the_weighted_sum(pair, text, weights):
    expected = sum(w * losses[name](*pair) for name, w in weights.items())
    np.testing.assert_allclose(mixture(losses, text)(*pair), expected, rtol=1e-6)


@pytest.mark.parametrize("text", ["", "l1 +", "0.1", "l1 l2", "1.2.3 l1"])
def test_what_does_not_read_as_a_sum_is_refused(text):
    with pytest.raises(UserError, match="should read like"):
        mixture(losses, text)


def test_an_unknown_name_is_told_its_neighbour():
    with pytest.raises(UserError, match="azimuthal"):
        mixture(losses, "l1 + azimutal")
