"""How probable an 8-bit image is, given a decoder's output: nats per example.

Every likelihood is `log_p(mean, log_scale, images)` with `mean` and `images`
[b, h, w, c] in [-1, 1] and `log_scale` [c]: probabilities of the 256 levels, not
densities, so that they compare between models and turn into bits per dimension.
A `Mixture` has several such laws in each pixel, with scales of the decoder's own.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from deconvgen.core.errors import UserError
from deconvgen.core.registry import Registry
from deconvgen.ops.arguments import Images, levels, takes

likelihoods = Registry("likelihood")

Scale = Float[Array, " c"]
PerExample = Float[Array, "*b"]
OF_TWO = takes("levels", mean="h w c", images="h w c")
HALF = 1 / 255
"""Half the distance between two levels of [-1, 1]."""
LOG_CDF = {"logistic": jax.nn.log_sigmoid, "gaussian": jax.scipy.stats.norm.logcdf}
"""Of the laws that a pixel may be a mixture of."""


@likelihoods.register
@OF_TWO
def logistic(mean: Images, log_scale: Scale, images: Images) -> PerExample:
    """Discretized logistic (Kingma et al. 2016, equation 6; Salimans et al. 2017)."""
    return _whole(_levels(mean, jnp.exp(-log_scale), images, LOG_CDF["logistic"]))


@likelihoods.register
@OF_TWO
def gaussian(mean: Images, log_scale: Scale, images: Images) -> PerExample:
    """Discretized normal, exp(log_scale) its standard deviation."""
    return _whole(_levels(mean, jnp.exp(-log_scale), images, LOG_CDF["gaussian"]))


@likelihoods.register
@OF_TWO
def bernoulli(mean: Images, log_scale: Scale, images: Images) -> PerExample:
    """Intensities as probabilities of white: exact for black and white images only.

    For grey ones it is a cross-entropy, not a probability: compare it with its like.
    """
    p = 0.5 + (1 - 1e-4) * jnp.clip(mean, -1, 1) / 2
    t = (images + 1) / 2
    return _whole(t * jnp.log(p) + (1 - t) * jnp.log1p(-p))


class Mixture(NamedTuple):
    """The components of each pixel: weights [b, h, w, k], the rest [b, h, w, k, c].

    A component is one law for each channel; unlike in Salimans et al. (2017) a
    channel's mean does not depend on the channels before it.
    """

    log_weights: Array
    means: Array
    log_scales: Array

    @classmethod
    def of(cls, given: Images, components: int) -> "Mixture":
        """Read a decoder's `components * (1 + 2 c)` channels; a `UserError` for others.

        Where they are all 0 the means lie evenly from -1 to 1, with equal weights and
        scales of exp(-2), so that no two components begin as the same one. Scales are
        at least exp(-7), as in PixelCNN++: a quarter of the distance of two levels.

        >>> of = Mixture.of(jnp.zeros((8, 16, 16, 9)), components=3)
        >>> of.image().shape, of.log_p("logistic", images).shape
        ((8, 16, 16, 1), (8,))
        """
        *axes, numbers = given.shape
        weights, rest = given[..., :components], given[..., components:]
        channels = (numbers // components - 1) // 2
        if channels < 1 or numbers != components * (1 + 2 * channels):
            raise UserError(
                f"a mixture of {components} components takes {components} * (1 + 2 c) "
                f"numbers for each pixel of c channels, not {numbers}"
            )
        rest = rest.reshape(*axes, components, 2, channels)
        apart = jnp.linspace(-1, 1, components) if components > 1 else jnp.zeros(1)
        means = rest[..., 0, :] + apart[:, None]
        scales = jnp.maximum(rest[..., 1, :] - 2, -7)
        return cls(jax.nn.log_softmax(weights), means, scales)

    def image(self) -> Images:
        """The weighted mean of the components' means, those within [-1, 1]."""
        inside = jnp.clip(self.means, -1, 1)
        return jnp.einsum("bhwk,bhwkc->bhwc", jnp.exp(self.log_weights), inside)

    def log_p(self, name: str, images: Images) -> PerExample:
        """log P of images, of logistics (Salimans et al. 2017, eq. 2) or normals.

        Raises `UserError` for a likelihood that has no scale, and for images that are
        not of the mixture's pixels.
        """
        images, shape = levels(jnp.asarray(images)), jnp.shape(self.means)
        if jnp.shape(images) != (*shape[:3], shape[4]):
            raise UserError(
                f"the mixture is of images {[*shape[:3], shape[4]]}, not "
                f"{list(jnp.shape(images))}"
            )
        inverse = jnp.exp(-self.log_scales)
        every = _levels(self.means, inverse, images[..., None, :], mixable(name))
        each = jax.nn.logsumexp(self.log_weights + every.sum(-1), axis=-1)
        return _whole(each[..., None])


def mixable(name: str) -> Callable[[Array], Array]:
    """The log of a law's distribution function; `UserError` if it has no scale."""
    if likelihoods[name] and name not in LOG_CDF:
        raise UserError(
            f"loss.likelihood={name} has no mixtures: set it to one of "
            f"{', '.join(LOG_CDF)}, or loss.components to 0"
        )
    return LOG_CDF[name]


def _whole(log_p: Images) -> PerExample:
    return jnp.sum(log_p, axis=(1, 2, 3))


def _levels(mean: Array, inverse: Array, images: Array, log_cdf) -> Array:
    """log P of each pixel's level; the outermost ones take the tails."""
    high = inverse * (images + HALF - mean)
    low = inverse * (images - HALF - mean)
    # log(F(high) - F(low)), from the side where the two are not both close to 1.
    flip = high + low > 0
    upper, lower = jnp.where(flip, -low, high), jnp.where(flip, -high, low)
    a, b = log_cdf(upper), log_cdf(lower)
    between = a + jnp.log(-jnp.expm1(jnp.minimum(b - a, -1e-7)))
    black, white = images < -1 + HALF, images > 1 - HALF
    return jnp.where(black, log_cdf(high), jnp.where(white, log_cdf(-low), between))
