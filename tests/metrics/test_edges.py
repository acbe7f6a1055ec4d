"""The step-edge test on edges whose position and width are known."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d
from scipy.stats import norm

from deconvgen.core.errors import UserError
from deconvgen.metrics.edges import edge_response, step_edges

POSITIONS = np.array([13.0, 15.5, 16.0, 18.3])


def test_sharp_edges_come_back_where_they_are():
    images = step_edges((32, 32), POSITIONS, channels=3)
    assert images.shape == (4, 32, 32, 3)
    edge = jax.jit(edge_response)(images)
    np.testing.assert_allclose(edge.position, POSITIONS, atol=1e-4)
    np.testing.assert_allclose(edge.width[jnp.array([0, 2])], 0.8, atol=1e-4)
    np.testing.assert_allclose(edge.contrast, 1.6, atol=1e-4)
    np.testing.assert_allclose(edge.overshoot, 0, atol=1e-5)


@pytest.mark.parametrize("sigma", [1.5, 3.0])
def test_a_gaussian_blur_has_its_own_width_and_moves_nothing(sigma):
    images = gaussian_filter1d(
        step_edges((64, 64), np.array([31.0, 33.4])), sigma, axis=2
    )
    edge = edge_response(jnp.asarray(images))
    width = (norm.ppf(0.9) - norm.ppf(0.1)) * np.hypot(sigma, 12**-0.5)
    np.testing.assert_allclose(edge.width, width, rtol=0.04)
    np.testing.assert_allclose(edge.position, [31.0, 33.4], atol=0.01)


def test_a_shift_moves_the_position_and_inversion_does_not():
    images = step_edges((32, 32), POSITIONS)
    moved = jnp.concatenate([images[:, :, 2:], images[:, :, -2:]], axis=2)
    np.testing.assert_allclose(edge_response(moved).position, POSITIONS - 2, atol=1e-4)
    inverted = edge_response(-images)
    np.testing.assert_allclose(inverted.position, POSITIONS, atol=1e-4)
    np.testing.assert_allclose(inverted.contrast, -1.6, atol=1e-4)


def test_ringing_is_overshoot_and_leaves_the_width():
    images = np.array(step_edges((32, 32), np.array([16.0])))
    images[:, :, 16] += 0.16  # a tenth of the step
    images[:, :, 15] -= 0.16
    images[:, :, 18] = -0.7  # a dip far below 10 %, behind the edge
    edge = edge_response(jnp.asarray(images))
    np.testing.assert_allclose(edge.overshoot, 0.1, atol=1e-3)
    np.testing.assert_allclose(edge.width, 0.8 / 1.2, atol=1e-3)


def test_no_edge_has_no_position():
    edge = edge_response(jnp.zeros((1, 16, 16, 1)))
    assert np.isnan(edge.position[0]) and edge.contrast[0] == 0


def test_edges_without_plateaus_are_told():
    with pytest.raises(UserError, match="9 to 23"):
        step_edges((32, 32), np.array([4.0]))


def test_edges_fill_an_image_that_is_not_square():
    images = step_edges((8, 32), POSITIONS)
    assert images.shape == (len(POSITIONS), 8, 32, 1)
    np.testing.assert_array_equal(images[:, :1], step_edges((1, 32), POSITIONS))
