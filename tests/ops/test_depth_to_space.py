"""Sub-pixels against a loop over the definition and against PyTorch."""

import jax.numpy as jnp
import numpy as np
import pytest

from deconvgen.core.errors import UserError
from deconvgen.ops.subpixel import depth_to_space, space_to_depth

FACTORS = [1, 2, (2, 3), (3, 1)]


def loop(x, r, s, order):
    b, h, w, c = x.shape
    n = c // (r * s)
    out = np.zeros((b, h * r, w * s, n), x.dtype)
    for i in range(h * r):
        for j in range(w * s):
            for k in range(n):
                p, q = i % r, j % s
                at = (p * s + q) * n + k if order == "rrc" else (k * r + p) * s + q
                out[:, i, j, k] = x[:, i // r, j // s, at]
    return out


@pytest.mark.parametrize("order", ["rrc", "crr"])
@pytest.mark.parametrize("factor", FACTORS)
def test_depth_to_space_is_the_loop_and_space_to_depth_its_inverse(factor, order):
    r, s = (factor, factor) if isinstance(factor, int) else factor
    x = np.arange(2 * 3 * 5 * 2 * r * s, dtype=np.float32).reshape(2, 3, 5, -1)
    y = depth_to_space(jnp.asarray(x), factor, order)
    np.testing.assert_array_equal(y, loop(x, r, s, order))
    np.testing.assert_array_equal(space_to_depth(y, factor, order), x)


def test_crr_is_pixel_shuffle_of_torch_and_rrc_is_not():
    torch = pytest.importorskip("torch")
    x = np.random.default_rng(0).normal(size=(2, 3, 5, 12)).astype(np.float32)
    theirs = torch.pixel_shuffle(torch.tensor(x).permute(0, 3, 1, 2), 2)
    theirs = theirs.permute(0, 2, 3, 1).numpy()
    np.testing.assert_array_equal(depth_to_space(jnp.asarray(x), 2, "crr"), theirs)
    assert not np.array_equal(depth_to_space(jnp.asarray(x), 2, "rrc"), theirs)


def test_what_does_not_divide_is_refused():
    with pytest.raises(UserError, match="multiple of 6 channels, not 8"):
        depth_to_space(jnp.zeros((1, 2, 2, 8)), (2, 3))
    with pytest.raises(UserError, match="does not divide 4 x 5 pixels"):
        space_to_depth(jnp.zeros((1, 4, 5, 1)), 2)
    with pytest.raises(UserError, match="did you mean 'rrc'"):
        depth_to_space(jnp.zeros((1, 2, 2, 4)), 2, "rcc")
    with pytest.raises(UserError, match="whole number >= 1"):
        depth_to_space(jnp.zeros((1, 2, 2, 4)), 0)


@pytest.mark.parametrize("order", ["rrc", "crr"])
def test_signals_and_volumes_are_images_of_fewer_and_more_axes(order):
    """One row of an image is a signal; a volume's sub-pixels are those of its axes."""
    x = np.random.default_rng(0).normal(size=(2, 5, 6)).astype("f4")
    signal = depth_to_space(x, (3,), order)
    image = depth_to_space(x[:, None], (1, 3), order)
    np.testing.assert_array_equal(signal, image[:, 0])
    volume = x.reshape(1, 2, 5, 1, 6)
    deep = depth_to_space(volume, (3, 1, 2), order)
    assert deep.shape == (1, 6, 5, 2, 1)
    for i, j in np.ndindex(3, 2):  # one channel: both orders are (r, s)
        np.testing.assert_array_equal(deep[:, i::3, :, j::2, 0], volume[..., 2 * i + j])
    np.testing.assert_array_equal(space_to_depth(deep, (3, 1, 2), order), volume)
