"""DCGAN: a generator of upsampling blocks and its mirror of strided convolutions.

Radford, Metz and Chintala 2016, "Unsupervised Representation Learning with Deep
Convolutional Generative Adversarial Networks".
"""

import math

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float, Int

from deconvgen.core.types import Images, Keys
from deconvgen.models.decoder import Decoder
from deconvgen.models.encoder import Encoder
from deconvgen.models.residual import LearnedStart
from deconvgen.nn.blocks import activation
from deconvgen.nn.initializers import Use, initializers
from deconvgen.nn.norm import SpectralNorm

Codes = Float[Array, "b n"]
Label = Int[Array, " b"] | None


class Generator(nn.Module):
    """Latent [b, latent] -> seed [b, h0, w0, seed_features] -> images in [-1, 1].

    The projection is a matrix product: the transposed convolution of a 1x1 input.
    With `num_classes`, the label joins the latent as a one-hot vector. `start` is
    "projected", or "learned": see `LearnedStart`.

    >>> net = Generator((4, 4), 8, Decoder(features=(4, 1), factors=(2, 2)))
    >>> init = partial(net.init_with_output, train=False)
    >>> jax.eval_shape(init, key, jnp.ones((2, 100)))[0].shape
    (2, 16, 16, 1)
    """

    seed_size: tuple[int, int]
    seed_features: int
    decoder: Decoder
    num_classes: int = 0
    initializer: str = "dcgan"
    start: str = "projected"

    @nn.compact
    def __call__(
        self,
        latent: Codes,
        train: bool,
        label: Label = None,
        keys: Keys | None = None,
    ) -> Images:
        if self.num_classes:
            latent = jnp.concatenate(
                [latent, jax.nn.one_hot(label, self.num_classes)], axis=-1
            )
        shape = (*self.seed_size, self.seed_features)
        blocks = self.decoder.blocks
        dtype = blocks.dtype
        if self.start == "learned":
            learned = LearnedStart(
                self.seed_size, self.seed_features, dtype, name="start"
            )
            x = learned(latent.astype(dtype))
        else:
            x = nn.Dense(
                math.prod(shape),
                kernel_init=initializers[self.initializer](Use("convolution")),
                dtype=dtype,
                name="project",
            )(latent.astype(dtype))
            x = x.reshape(-1, *shape)
        x = blocks.normalize("project_norm")(x, train)
        x = blocks.of_class(x, label, "project_class")
        if not self.decoder.residuals:
            x = activation(blocks.activation)(x)
        x = self.decoder(x, train, keys, label=label)
        return jnp.tanh(x.astype(jnp.float32))


def group_deviation(
    x: Float[Array, "b h w c"], group: int = 4
) -> Float[Array, "b h w 1"]:
    """The standard deviation over `group` examples, the mean of all their features.

    Karras et al. 2018, "Progressive Growing of GANs", section 3. Groups are of examples
    n / group apart; where `group` does not divide the batch, the largest number that
    divides both is taken.
    """
    b, h, w, _ = x.shape
    size = math.gcd(b, group)
    groups = x.astype(jnp.float32).reshape(size, b // size, -1)
    spread = jnp.sqrt(groups.var(0) + 1e-8).mean(-1)  # [b / size]
    tiled = jnp.tile(spread, size)[:, None, None, None]
    return jnp.broadcast_to(tiled, (b, h, w, 1)).astype(x.dtype)


class Discriminator(nn.Module):
    """Images -> one logit each; with `num_classes`, of the image and its label.

    The label is told by `condition`: "projection" of the features' mean on the label's
    vector (Miyato and Koyama 2018, "cGANs with Projection Discriminator", equation 3),
    or of all "features" there are; or "one_hot" maps beside the image (Mirza and
    Osindero 2014). With `deviation`, the last layer sees `group_deviation` as one more
    feature map.

    >>> net = Discriminator(Encoder(features=(4, 8), factors=(2, 2)))
    >>> init = partial(net.init_with_output, train=False)
    >>> jax.eval_shape(init, key, images)[0].shape
    (8,)
    """

    encoder: Encoder
    num_classes: int = 0
    initializer: str = "dcgan"
    deviation: bool = False
    condition: str = "projection"

    @nn.compact
    def __call__(
        self,
        images: Images,
        train: bool,
        label: Label = None,
        keys: Keys | None = None,
    ) -> Float[Array, " b"]:
        dtype = self.encoder.finish.dtype
        told = self.condition if self.num_classes else ""
        if told == "one_hot":
            maps = jax.nn.one_hot(label, self.num_classes)[:, None, None]
            maps = jnp.broadcast_to(maps, (*images.shape[:3], self.num_classes))
            images = jnp.concatenate([images, maps], axis=-1)
        x = self.encoder(images.astype(dtype), train, keys).x
        seen = x.mean((1, 2)) if told == "projection" else x.reshape(x.shape[0], -1)
        if self.deviation:
            x = jnp.concatenate([x, group_deviation(x)], axis=-1)
        x = x.reshape(x.shape[0], -1)
        init = initializers[self.initializer](Use("convolution"))
        layer = nn.Dense(1, kernel_init=init, dtype=dtype, name="logit")
        if self.encoder.spectral:
            logit = SpectralNorm(layer, name="spectral_logit")(x, train=train)
        else:
            logit = layer(x)
        logit = logit[:, 0].astype(jnp.float32)
        if told in ("projection", "features"):
            table = nn.Embed(self.num_classes, seen.shape[-1], name="label")
            logit += jnp.sum(table(label) * seen.astype(jnp.float32), axis=-1)
        return logit
