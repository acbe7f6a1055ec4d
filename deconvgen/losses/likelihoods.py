"""How probable an 8-bit image is, given a decoder's output: nats per example.

Every likelihood is `log_p(mean, log_scale, images)` with `mean` and `images`
[b, h, w, c] in [-1, 1] and `log_scale` [c]: probabilities of the 256 levels, not
densities, so that they compare between models and turn into bits per dimension.
"""

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from deconvgen.core.registry import Registry
from deconvgen.ops.arguments import Images, takes

likelihoods = Registry("likelihood")

Scale = Float[Array, " c"]
PerExample = Float[Array, "*b"]
OF_TWO = takes("levels", mean="h w c", images="h w c")
HALF = 1 / 255
"""Half the distance between two levels of [-1, 1]."""


@likelihoods.register
@OF_TWO
def logistic(mean: Images, log_scale: Scale, images: Images) -> PerExample:
    """Discretized logistic (Kingma et al. 2016, equation 6; Salimans et al. 2017)."""
    return _levels(mean, jnp.exp(-log_scale), images, jax.nn.log_sigmoid)


@likelihoods.register
@OF_TWO
def gaussian(mean: Images, log_scale: Scale, images: Images) -> PerExample:
    """Discretized normal, exp(log_scale) its standard deviation."""
    return _levels(mean, jnp.exp(-log_scale), images, jax.scipy.stats.norm.logcdf)


@likelihoods.register
@OF_TWO
def bernoulli(mean: Images, log_scale: Scale, images: Images) -> PerExample:
    """Intensities as probabilities of white: exact for black and white images only.

    For grey ones it is a cross-entropy, not a probability: compare it with its like.
    """
    p = 0.5 + (1 - 1e-4) * jnp.clip(mean, -1, 1) / 2
    t = (images + 1) / 2
    return jnp.sum(t * jnp.log(p) + (1 - t) * jnp.log1p(-p), axis=(1, 2, 3))


def _levels(mean: Images, inverse: Array, images: Images, log_cdf) -> Array:
    """log P of each image's levels; the outermost ones take the tails."""
    high = inverse * (images + HALF - mean)
    low = inverse * (images - HALF - mean)
    # log(F(high) - F(low)), from the side where the two are not both close to 1.
    flip = high + low > 0
    upper, lower = jnp.where(flip, -low, high), jnp.where(flip, -high, low)
    a, b = log_cdf(upper), log_cdf(lower)
    between = a + jnp.log(-jnp.expm1(jnp.minimum(b - a, -1e-7)))
    black, white = images < -1 + HALF, images > 1 - HALF
    log_p = jnp.where(black, log_cdf(high), jnp.where(white, log_cdf(-low), between))
    return jnp.sum(log_p, axis=(1, 2, 3))
