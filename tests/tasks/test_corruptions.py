"""What a denoising autoencoder has to undo."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from deconvgen.tasks._corruptions import corruptions

IMAGE = jnp.full((40, 50, 3), 0.25)


def changed(name: str, amount: float, seed: int = 0) -> np.ndarray:
    made = corruptions[name](jax.random.key(seed), IMAGE, amount)
    assert made.shape == IMAGE.shape and made.dtype == IMAGE.dtype
    return np.asarray(made)


@pytest.mark.parametrize("name", list(corruptions))
def test_the_key_decides_and_nothing_else(name):
    np.testing.assert_array_equal(changed(name, 0.3), changed(name, 0.3))
    if name != "none":
        assert (changed(name, 0.3) != changed(name, 0.3, seed=1)).any()


@pytest.mark.parametrize("name", list(corruptions))
def test_nothing_is_done_with_amount_0(name):
    kept = changed(name, 0.0) == np.asarray(IMAGE)
    assert kept.mean() > 0.999  # a hole has one pixel at least


def test_gaussian_noise_has_its_standard_deviation():
    assert np.std(changed("gaussian", 0.5)) == pytest.approx(0.5, rel=0.03)


@pytest.mark.parametrize("name", ["salt_and_pepper", "masking"])
def test_the_share_of_pixels_is_the_amount(name):
    made = changed(name, 0.3)
    hit = (made != 0.25).any(-1)
    assert hit.mean() == pytest.approx(0.3, abs=0.03)
    assert (made[hit] == made[hit][:, :1]).all()  # all channels alike
    assert set(np.unique(made[hit])) == ({0.0} if name == "masking" else {-1.0, 1.0})


@pytest.mark.parametrize("seed", range(4))
def test_a_hole_is_one_rectangle_of_the_area(seed):
    hit = (changed("hole", 0.25, seed) != 0.25).any(-1)
    rows, columns = np.flatnonzero(hit.any(1)), np.flatnonzero(hit.any(0))
    assert (len(rows), len(columns)) == (20, 25)
    assert hit[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].all()
