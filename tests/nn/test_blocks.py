"""The alias-free activation: what it lets through, and that it follows shifts."""

import jax
import jax.numpy as jnp
import numpy as np
from scipy.signal import firwin, upfirdn

from deconvgen.nn.blocks import activations, kaiser

filtered = activations["filtered_leaky_relu"]


def test_it_is_upfirdn_leaky_relu_upfirdn():
    """By SciPy, of a signal; half a pixel of the finer grid either way cancels."""
    x = np.random.default_rng(0).normal(size=20).astype("f4")
    taps = firwin(12, cutoff=0.5, width=2**0.5 - 1, fs=2)  # StyleGAN3's design
    fine = upfirdn(2 * taps, np.pad(x, 6), up=2)[6 + 11 :][1:][: 2 * 20 + 12]
    fine = np.where(fine > 0, fine, 0.2 * fine) * 2**0.5
    y = filtered(jnp.asarray(x)[None, :, None])[0, :, 0]
    assert y.shape == x.shape
    inside = [np.dot(taps, fine[k : k + 12]) for k in range(0, len(fine) - 11, 2)]
    found = min(
        np.abs(np.asarray(y[6:-6]) - inside[i : i + 8]).max()
        for i in range(len(inside) - 7)
    )
    assert found < 1e-5
    np.testing.assert_allclose(kaiser().sum(), 1, rtol=1e-6)


def test_a_shift_by_half_a_pixel_goes_through_it_but_not_through_the_bare_one():
    n, frequencies = 48, np.fft.fftfreq(48)
    draw = np.random.default_rng(1).normal(size=(n, n))
    smooth = np.fft.fft2(draw) * (np.hypot(frequencies[:, None], frequencies) < 0.2)
    turn = np.exp(-1j * np.pi * frequencies)

    def moved(x):
        return np.fft.ifft2(np.fft.fft2(x, axes=(0, 1)) * turn, axes=(0, 1)).real

    x = np.fft.ifft2(smooth).real / smooth.std() * n

    def error(act):
        run = lambda x: np.asarray(act(jnp.asarray(x, jnp.float32)[None, ..., None]))
        a, b = run(moved(x))[0, ..., 0], moved(run(x)[0, ..., 0])
        inside = slice(12, -12)
        return np.std((a - b)[inside, inside]) / np.std(a[inside, inside])

    bare = error(lambda x: jax.nn.leaky_relu(x, 0.2))
    assert error(filtered) < 0.5 * bare


def test_maps_keep_their_shape_and_vectors_are_not_filtered():
    for shape in ((2, 5, 3), (1, 4, 6, 3), (1, 2, 3, 4, 2)):
        x = jnp.ones(shape, jnp.bfloat16)
        y = filtered(x)
        assert (y.shape, y.dtype) == (shape, x.dtype)
    x = jnp.array([[-5.0, 1.0]])
    np.testing.assert_allclose(filtered(x), [[-(2**0.5), 2**0.5]], rtol=1e-6)
    tangent = jax.jvp(filtered, (jnp.ones((1, 4, 4, 1)),), (jnp.ones((1, 4, 4, 1)),))
    assert np.isfinite(tangent[1]).all()
