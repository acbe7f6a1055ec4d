"""The price of a latent code, in nats per example and dimension."""

import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from deconvgen.core.types import Scalar
from deconvgen.ops.arguments import takes


@takes("wide", mean="d", log_variance="d")
def gaussian_kl(
    mean: Float[Array, "*b d"], log_variance: Float[Array, "*b d"]
) -> Float[Array, "*b d"]:
    """KL(N(mean, variance) || N(0, 1)) per dimension (Kingma and Welling 2014, app. B).

    Dimensions that stay at 0 for every example are not in use.

    >>> gaussian_kl(jnp.array([0.0, 1.0]), jnp.zeros(2))
    Array([0. , 0.5], dtype=float32)
    """
    return (jnp.square(mean) + jnp.expm1(log_variance) - log_variance) / 2


def free_bits(
    kl: Float[Array, "b d"], nats: Scalar, average: Float[Array, " d"] | None = None
) -> Float[Array, "b d"]:
    """`kl` with `nats` free of charge per dimension (Kingma et al. 2016, appendix C.8).

    A dimension that costs less counts as the constant `nats`, so that nothing presses
    it towards 0. By default each example is asked; with the batch's mean cost of each
    dimension as `average`, that decides, and the batch mean is the paper's
    max(nats, average).

    >>> free_bits(jnp.array([[0.1, 2.0]]), nats=0.5)
    Array([[0.5, 2. ]], dtype=float32)
    """
    costs = kl if average is None else jnp.broadcast_to(average, kl.shape)
    return jnp.where(costs > nats, kl, nats)
