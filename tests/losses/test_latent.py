"""The KL of a Gaussian by integration, and what is free about free bits."""

import jax
import jax.numpy as jnp
import numpy as np
from scipy.integrate import quad
from scipy.stats import norm

from deconvgen.losses.latent import free_bits, gaussian_kl


def test_kl_is_the_integral():
    for mean, log_variance in [(0.0, 0.0), (0.7, -1.0), (-2.0, 0.5)]:
        q = norm(mean, np.exp(log_variance / 2))
        expected, _ = quad(
            lambda z, q=q: q.pdf(z) * (q.logpdf(z) - norm.logpdf(z)), -12, 12
        )
        got = gaussian_kl(jnp.array([[mean]]), jnp.array([[log_variance]]))[0, 0]
        np.testing.assert_allclose(got, expected, atol=1e-5)


def test_free_bits_press_on_nothing_below_the_allowance():
    kl = jnp.array([[0.1, 2.0], [0.3, 0.2]])
    np.testing.assert_allclose(free_bits(kl, 0.25), [[0.25, 2.0], [0.3, 0.25]])
    slope = jax.grad(lambda x: free_bits(x, 0.25).sum())(kl)
    np.testing.assert_array_equal(slope, [[0, 1], [1, 0]])


def test_free_bits_by_the_batchs_average_are_the_papers():
    kl = jnp.array([[0.1, 2.0], [0.3, 0.2]])
    average = kl.mean(0)
    for nats in (0.05, 0.5, 3.0):
        got = free_bits(kl, nats, average).mean(0)
        np.testing.assert_allclose(got, jnp.maximum(average, nats), rtol=1e-6)
