"""GAN losses, one number per example, and the penalties that go with them.

Each loss is a pair of functions: `critic(real_logits, fake_logits, smoothing)` is what
the discriminator minimizes, `generator(fake_logits)` what the generator minimizes, or
`generator(fake_logits, real_logits)` where the loss says that it is `paired`.
Real and fake terms are summed, not averaged.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float, Key

from deconvgen.core.errors import UserError
from deconvgen.core.numbers import on
from deconvgen.core.registry import Registry
from deconvgen.core.types import Images, Scalar
from deconvgen.ops.arguments import takes

gan_losses = Registry("GAN loss")

Logits = Float[Array, "*b"]
OF_TWO = takes("wide", real="", fake="")


@gan_losses.register
class non_saturating:
    """Binary cross-entropy; the generator maximizes log D (Goodfellow et al. 2014)."""

    @staticmethod
    @OF_TWO
    def critic(real: Logits, fake: Logits, smoothing: Scalar = 0.0) -> Logits:
        """-[t log D(x) + (1-t) log(1-D(x))] - log(1-D(G(z))) with t = 1 - smoothing.

        One-sided smoothing, of the real label only (Salimans et al. 2016, section 3.4).
        """
        target = 1.0 - smoothing
        return jax.nn.softplus(real) - target * real + jax.nn.softplus(fake)

    @staticmethod
    def generator(fake: Logits) -> Logits:
        """-log D(G(z))."""
        return jax.nn.softplus(-fake)


@gan_losses.register
class least_squares:
    """Squared distance to the labels 1 and 0 (LSGAN: Mao et al. 2017, equation 9)."""

    @staticmethod
    @OF_TWO
    def critic(real: Logits, fake: Logits, smoothing: Scalar = 0.0) -> Logits:
        """(D(x) - 1 + smoothing)^2 / 2 + D(G(z))^2 / 2."""
        return (jnp.square(real - (1.0 - smoothing)) + jnp.square(fake)) / 2

    @staticmethod
    def generator(fake: Logits) -> Logits:
        """(D(G(z)) - 1)^2 / 2."""
        return jnp.square(fake - 1.0) / 2


@gan_losses.register
class hinge:
    """Margin loss, linear for the generator (Lim and Ye 2017; Miyato et al. 2018)."""

    @staticmethod
    @OF_TWO
    def critic(real: Logits, fake: Logits, smoothing: Scalar = 0.0) -> Logits:
        """max(0, 1 - D(x)) + max(0, 1 + D(G(z)))."""
        _no_smoothing("hinge", smoothing)
        return jax.nn.relu(1.0 - real) + jax.nn.relu(1.0 + fake)

    @staticmethod
    def generator(fake: Logits) -> Logits:
        """-D(G(z))."""
        return -fake


@gan_losses.register
class wasserstein:
    """Difference of the critic's values; wants a penalty (Arjovsky et al. 2017)."""

    @staticmethod
    @OF_TWO
    def critic(real: Logits, fake: Logits, smoothing: Scalar = 0.0) -> Logits:
        """D(G(z)) - D(x)."""
        _no_smoothing("wasserstein", smoothing)
        return fake - real

    @staticmethod
    def generator(fake: Logits) -> Logits:
        """-D(G(z))."""
        return -fake


@gan_losses.register
class relativistic:
    """Softplus of how far a real image's logit is above a generated one's.

    The relativistic pairing loss (Jolicoeur-Martineau 2019; as R3GAN has it: Huang et
    al. 2024, equation 2). It is `paired`: the generator's loss needs the real logits.
    Wants `loss.r1` and `loss.r2`, without which it need not converge (theirs, sec. 2).
    """

    paired = True

    @staticmethod
    @OF_TWO
    def critic(real: Logits, fake: Logits, smoothing: float = 0.0) -> Logits:
        """log(1 + exp(-(D(x) - D(G(z)))))."""
        _no_smoothing("relativistic", smoothing)
        return jax.nn.softplus(fake - real)

    @staticmethod
    def generator(fake: Logits, real: Logits | float = 0.0) -> Logits:
        """log(1 + exp(-(D(G(z)) - D(x))))."""
        return jax.nn.softplus(real - fake)


SMOOTHED = ("non_saturating", "least_squares")
"""The GAN losses with labels that can be smoothed."""


def _no_smoothing(name: str, smoothing: Scalar) -> None:
    if on(smoothing):
        raise UserError(
            f"label smoothing is {smoothing}, but the GAN loss {name!r} has no labels "
            f"to smooth: set it to 0, or take {' or '.join(SMOOTHED)}"
        )


@takes("kept", real="h w c", fake="h w c")
def gradient_penalty(
    critic: Callable[[Images], Logits],
    real: Images,
    fake: Images,
    keys: Key[Array, " b"],
    target: float = 1.0,
) -> Float[Array, " b"]:
    """(|grad D| - target)^2 per example, between real and fake images.

    Taken at a uniformly drawn point of the line from each real to its fake image
    (WGAN-GP: Gulrajani et al. 2017, equation 3). `critic` has to treat examples
    independently (no batch norm): the gradient is that of the sum of its logits.

    >>> critic = lambda x: 3 * x[:, 0, 0, 0]  # |grad| = 3
    >>> gradient_penalty(critic, x, -x, jax.random.split(key, 1))
    Array([4.], dtype=float32)
    """
    share = jax.vmap(lambda key: jax.random.uniform(key, (1, 1, 1)))(keys)
    between = real + share.astype(real.dtype) * (fake - real)
    norm = jnp.sqrt(_squared_norm(critic, between) + 1e-12)  # sqrt'(0) is infinite
    return jnp.square(norm - target)


def r1(critic: Callable[[Images], Logits], images: Images) -> Float[Array, " b"]:
    """|grad D(x)|^2 / 2 per example: R1 of real images, of generated ones R2.

    Mescheder et al. 2018, equations 9 and 10. The weight gamma is the caller's. As in
    `gradient_penalty`, `critic` has to treat examples independently.

    >>> r1(lambda x: 3 * x[:, 0, 0, 0], x)
    Array([4.5], dtype=float32)
    """
    return _squared_norm(critic, images) / 2


def _squared_norm(critic: Callable, images: Images) -> Float[Array, " b"]:
    slope = jax.grad(lambda x: jnp.sum(critic(x).astype(jnp.float32)))(images)
    return jnp.sum(jnp.square(slope.astype(jnp.float32)), axis=(1, 2, 3))
