"""What a GAN's critic is shown and fined for, from plain config values."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from deconvgen.config import Config
from deconvgen.core.numbers import known, on
from deconvgen.core.types import Images, Keys, Scalar, Tree
from deconvgen.losses.reconstruction import azimuthal_profile, spectral_divergence
from deconvgen.ops.augment import augment

PENALTIES = ("gradient_penalty", "r1", "r2")
"""Losses of the critic's gradient at each image by itself."""


def penalties(config: Config) -> dict[str, Scalar]:
    """The weights of the penalties that are asked for."""
    weights = {name: config.loss[name] for name in PENALTIES}
    return {name: weight for name, weight in weights.items() if on(weight)}


def spectral(
    weight: Scalar, fake: Images, real: Images, mean: Callable[[Array], Array]
) -> Float[Array, " b"]:
    """A weight times how unlike each image's azimuthal spectrum is to the real ones'.

    `mean` is that over the whole batch: of its spectra, in the logarithmic scale of
    `azimuthal_profile` (Durall, Keuper and Keuper 2020).
    """
    target = mean(azimuthal_profile(real))
    return weight * spectral_divergence(azimuthal_profile(fake), target[None])


class Fines(NamedTuple):
    """The weighted sum of the penalties at a step.

    Lazy ones (Karras et al. 2020, "StyleGAN2", appendix B) are left out at all but
    each `every`-th step, and count `every` times there. The weights go down half a
    cosine to their share `end` at the last step (Huang et al. 2024, "R3GAN").
    """

    weights: dict[str, Scalar]
    every: int = 1
    end: Scalar = 1.0
    steps: int = 1

    @classmethod
    def of(cls, config: Config) -> "Fines":
        own = config.loss
        return cls(penalties(config), own.penalty_every, own.penalty_end, config.steps)

    def __call__(
        self,
        step: Array,
        turn: bool | None,
        terms: dict[str, Callable[[], Float[Array, ""]]],
    ) -> Float[Array, ""]:
        """`terms` give each penalty; `turn` says what is known of the step: if it is
        one with penalties; None: it is for `step` to say.
        """
        if not self.weights or turn is False:
            return jnp.zeros(())

        def due() -> Array:
            found = sum(weight * terms[name]() for name, weight in self.weights.items())
            share = jnp.minimum(step / max(self.steps, 1), 1.0)
            fade = self.end + (1 - self.end) * (1 + jnp.cos(jnp.pi * share)) / 2
            constant = known(self.end) and self.end == 1
            return jnp.asarray(found * self.every * (1.0 if constant else fade))

        if self.every == 1 or turn:
            return due()
        return jax.lax.cond(step % self.every == 0, due, lambda: jnp.zeros(()))

    @property
    def turns(self) -> list[tuple[float, bool]]:
        """The share of the steps with penalties and without."""
        often = 1 / self.every if self.weights else 1.0
        return [
            (share, turn)
            for share, turn in ((often, True), (1 - often, False))
            if share
        ]


class Shown(NamedTuple):
    """The images as the critic sees them: augmented, each with probability p.

    With `target`, p begins at 0 and follows how sure the critic is of real images, the
    mean sign of their logits: up where that is above the target, and down below it
    (ADA: Karras et al. 2020, "Training GANs with Limited Data", section 3.1). It is
    then kept beside the critic's batch statistics, as `augment/p`.
    """

    policy: str = ""
    p: Scalar = 1.0
    target: Scalar = 0.0
    pace: float = 0.0  # how far p moves at a step

    @classmethod
    def of(cls, config: Config) -> "Shown":
        own = config.augment
        if not own.policy:
            return cls()
        pace = config.batch_size / own.ramp_images if on(own.target) else 0.0
        return cls(own.policy, own.p, own.target, pace)

    def begin(self, stats: Tree) -> Tree:
        """The critic's statistics at the start."""
        return {**stats, "augment": {"p": jnp.zeros(())}} if on(self.target) else stats

    def __call__(self, images: Array, keys: Keys, stats: Any) -> Array:
        """The images [b, h, w, c], drawn anew by one key each."""
        p = stats["augment"]["p"] if on(self.target) else self.p
        return augment(images, keys, self.policy, p)

    def adapted(self, stats: Tree, sign: Float[Array, ""]) -> Tree:
        """The statistics after a step at which the real logits had this mean sign."""
        if not on(self.target):
            return stats
        p = stats["augment"]["p"] + self.pace * jnp.sign(sign - self.target)
        return {**stats, "augment": {"p": jnp.clip(p, 0.0, 1.0)}}
