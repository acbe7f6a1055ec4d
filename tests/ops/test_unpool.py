"""Max-pooling and unpooling against a loop and against PyTorch."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from deconvgen.core.errors import UserError
from deconvgen.ops.pooling import (
    max_pool_with_indices,
    max_unpool,
    window_indices,
)

CASES = [
    (2, (6, 8), "VALID"),
    (3, (7, 11), "VALID"),
    ((2, 3), (5, 7), "SAME"),
    ((3, 1), (4, 4), "SAME"),
    (1, (3, 3), "VALID"),
]


def noise(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def loop(x, r, s, padding):
    up = np.ceil if padding == "SAME" else np.floor
    b, height, width, c = x.shape
    h, w = int(up(height / r)), int(up(width / s))
    out, index = np.zeros((b, h, w, c), x.dtype), np.zeros((b, h, w, c), int)
    for n, i, j, k in np.ndindex(b, h, w, c):
        window = x[n, i * r : (i + 1) * r, j * s : (j + 1) * s, k]
        row, column = np.unravel_index(window.argmax(), window.shape)
        out[n, i, j, k], index[n, i, j, k] = window.max(), row * s + column
    return out, index


@pytest.mark.parametrize(("window", "size", "padding"), CASES)
def test_pool_is_the_loop_and_unpool_puts_every_maximum_back(window, size, padding):
    r, s = (window, window) if isinstance(window, int) else window
    x = noise(2, *size, 3)
    pooled, index = max_pool_with_indices(jnp.asarray(x), window, padding)
    expected, places = loop(x, r, s, padding)
    np.testing.assert_array_equal(pooled, expected)
    np.testing.assert_array_equal(index, places)
    back = np.asarray(max_unpool(pooled, index, window, size))
    assert back.shape == x.shape
    np.testing.assert_array_equal(back[back != 0], x[back != 0])
    assert (back != 0).sum() == pooled.size


def test_of_equal_values_the_first_counts_and_nan_is_the_largest():
    x = jnp.array([[1.0, 1.0, jnp.nan, 2.0], [0.0, 1.0, 3.0, jnp.nan]])
    pool = lambda x: max_pool_with_indices(x[None, ..., None])[0][0, 0, :, 0]
    index = max_pool_with_indices(x[None, ..., None])[1]
    np.testing.assert_array_equal(pool(x), [1.0, jnp.nan])
    np.testing.assert_array_equal(index[0, 0, :, 0], [0, 0])
    slope = jax.grad(lambda x: pool(x).sum())(x)
    np.testing.assert_array_equal(slope, [[1, 0, 1, 0], [0, 0, 0, 0]])


@pytest.fixture
def odd():
    """Images of an odd size, and the maxima and indices that PyTorch finds in them."""
    torch = pytest.importorskip("torch")
    x = noise(2, 7, 5, 3)
    there = torch.tensor(x).permute(0, 3, 1, 2)
    return x, *torch.nn.functional.max_pool2d(there, 2, return_indices=True)


def test_equals_torch_on_an_odd_size(odd):
    torch, (x, theirs, flat) = pytest.importorskip("torch"), odd
    pooled, index = max_pool_with_indices(jnp.asarray(x), 2)
    np.testing.assert_array_equal(pooled, theirs.permute(0, 2, 3, 1))
    unpooled = torch.nn.functional.max_unpool2d(theirs, flat, 2, output_size=(7, 5))
    ours = max_unpool(pooled, index, 2, (7, 5))
    np.testing.assert_array_equal(ours, unpooled.permute(0, 2, 3, 1))


def test_the_gradient_goes_to_the_first_maximum_alone():
    x = jnp.ones((1, 2, 2, 1))
    gradient = jax.grad(lambda x: max_pool_with_indices(x, 2)[0].sum())(x)
    np.testing.assert_array_equal(gradient[0, :, :, 0], [[1, 0], [0, 0]])


def test_partial_windows_of_negative_values():
    x = -jnp.ones((1, 3, 3, 1))
    pooled, _ = max_pool_with_indices(x, 2, "SAME")
    np.testing.assert_array_equal(pooled, -np.ones((1, 2, 2, 1)))
    gradient = jax.grad(lambda x: max_pool_with_indices(x, 2, "SAME")[0].sum())(x)
    assert np.isfinite(gradient).all()


def test_impossible_windows_are_refused():
    with pytest.raises(UserError, match="no 4 x 4 window fits into 3 x 3"):
        max_pool_with_indices(jnp.zeros((1, 3, 3, 1)), 4)
    with pytest.raises(UserError, match="padding is"):
        max_pool_with_indices(jnp.zeros((1, 4, 4, 1)), 2, "FULL")


def of_tensorflow(x, window, whole_batch):
    """The indices of max_pool_with_argmax, by its definition: (y W + x) C + c."""
    _, height, width, c = x.shape
    pooled, index = max_pool_with_indices(jnp.asarray(x), window)
    n, i, j, k = np.indices(pooled.shape)
    y, x = i * window + np.asarray(index) // window, j * window + index % window
    return ((n * whole_batch * height + y) * width + x) * c + k


def test_indices_of_other_libraries_become_places_in_the_window(odd):
    """tensorflow/tensorflow#2169, #10216: theirs count the numbers of the image."""
    x, _, flat = odd
    _, index = max_pool_with_indices(jnp.asarray(x), 2)
    flat = flat.permute(0, 2, 3, 1).numpy()
    np.testing.assert_array_equal(window_indices(flat, (7, 5)), index)
    for whole_batch in (False, True):
        flat = of_tensorflow(x, 2, whole_batch)
        found = window_indices(flat, (7, 5), 2, "tensorflow")
        np.testing.assert_array_equal(found, index)


@pytest.mark.parametrize(
    ("indices", "message"),
    [
        ([0, 2, 4, 12, 14, 16, 24, 26, 28], "0 to 3, not 0 to 28; `window_indices`"),
        ([0, 0, 0, 0, 0, 0, 0, 0, -1], "0 to 3, not -1 to 0"),
        ([0.0] * 9, "whole numbers, places in the 2 x 2 window, not float32"),
    ],
)
def test_indices_that_are_no_places_in_the_window_are_refused(indices, message):
    indices = jnp.array(indices).reshape(1, 3, 3, 1)
    with pytest.raises(UserError, match=message):
        max_unpool(jnp.ones((1, 3, 3, 1)), indices)


def test_a_place_that_is_seen_too_late_makes_its_window_nan_and_no_other():
    indices = jnp.array([1, 12]).reshape(1, 1, 2, 1)
    y = jax.jit(max_unpool)(jnp.ones((1, 1, 2, 1)), indices)[0, :, :, 0]
    np.testing.assert_array_equal(y, [[0, 1, np.nan, np.nan], [0, 0, np.nan, np.nan]])


def test_flat_indices_and_sizes_that_do_not_fit_are_refused():
    flat = jnp.zeros((1, 3, 3, 1), jnp.int32)
    with pytest.raises(UserError, match="makes 4 x 4 pixels of it, not 3 x 3"):
        window_indices(flat, (8, 8))
    with pytest.raises(UserError, match="did you mean 'torch'"):
        window_indices(flat, (6, 6), 2, "pytorch")
    with pytest.raises(UserError, match="less than a window more or less"):
        max_unpool(jnp.ones(flat.shape), flat, 2, (60, 6))
    # of another window, where each pixel's own was meant
    assert (np.asarray(window_indices(flat, (6, 6)))[0, :, :, 0] == -1).sum() == 8
