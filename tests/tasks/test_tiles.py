"""Tiles give what the whole picture gives."""

from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from deconvgen.core.errors import UserError
from deconvgen.ops import resize
from deconvgen.tasks import _photographs as whole
from deconvgen.tasks._tiles import in_tiles, starts
from tests.tiny import untrained


def blur_and_enlarge(x):
    """A model that reaches 3 pixels far."""
    kernel = jnp.ones((7, 7, 3, 3)) / 49
    axes = ("NHWC", "HWIO", "NHWC")
    x = jax.lax.conv_general_dilated(
        jnp.asarray(x), kernel, (1, 1), "SAME", dimension_numbers=axes
    )
    return resize.nearest(x, 2)


@pytest.mark.parametrize("size", [(9, 40), (40, 23), (31, 31), (16, 16)])
def test_a_margin_as_wide_as_the_reach_leaves_no_seam(size):
    picture = np.random.default_rng(0).uniform(-1, 1, (*size, 3)).astype("f4")
    whole = blur_and_enlarge(picture[None])[0]
    tiled = in_tiles(blur_and_enlarge, picture, factor=2, tile=16, margin=3)
    np.testing.assert_allclose(tiled, whole, atol=1e-5)


def test_a_margin_that_is_too_narrow_shows():
    picture = np.random.default_rng(0).uniform(-1, 1, (40, 40, 3)).astype("f4")
    whole = blur_and_enlarge(picture[None])[0]
    tiled = in_tiles(blur_and_enlarge, picture, factor=2, tile=16, margin=1)
    assert np.abs(tiled - whole).max() > 0.01


@pytest.mark.parametrize("length", [1, 15, 16, 17, 26, 27, 100])
def test_tiles_lie_inside_and_cover(length):
    found = starts(length, min(16, length), 3)
    assert found[0] == 0 and found[-1] + min(16, length) == length
    assert all(0 < b - a <= 10 for a, b in pairwise(found))


def test_margins_that_fill_a_tile_are_refused():
    picture = np.zeros((40, 40, 3), "f4")
    with pytest.raises(ValueError, match="nothing between margins of 8"):
        in_tiles(blur_and_enlarge, picture, factor=2, tile=16, margin=8)


@pytest.mark.slow
def test_a_deep_model_gets_tiles_as_wide_as_its_reach_wants(monkeypatch):
    run, sides = untrained("superres", overrides=("model.depth=30",)), []
    monkeypatch.setattr(
        whole, "in_tiles", lambda *given: sides.append(given[3:]) or given[1]
    )
    whole.enlarged(run, np.zeros((4, 4, 1), "f4"))
    assert sides == [(4 * 68, 68)]


def test_a_norm_over_all_of_a_picture_is_not_tiled():
    run = untrained("superres", overrides=("model.norm=instance",))
    with pytest.raises(UserError, match="norm=instance measures the whole picture"):
        whole.enlarged(run, np.zeros((129, 4, 1), "f4"))
