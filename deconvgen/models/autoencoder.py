"""Autoencoders: an encoder, a code of a few numbers, and the mirror of the encoder.

Hinton and Salakhutdinov 2006; convolutional: Masci et al. 2011. With two numbers for
each latent dimension, the moments of a VAE (Kingma and Welling 2014).
"""

import math
from functools import partial
from typing import NamedTuple

import flax.linen as nn
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from deconvgen.core.errors import UserError
from deconvgen.core.types import Images, Keys, Tree
from deconvgen.models.blocks import per_block
from deconvgen.models.decoder import Decoder
from deconvgen.models.encoder import Encoder
from deconvgen.nn.blocks import activation
from deconvgen.nn.initializers import Use, initializers
from deconvgen.nn.mirror import mirror_encoder

Codes = Float[Array, "b n"]


class Code(NamedTuple):
    """What the encoder makes of an image."""

    latent: Codes
    indices: tuple[Array | None, ...] = ()  # of its max-pooling, smallest first


class Autoencoder(nn.Module):
    """Images -> `latent` numbers (twice as many with `moments=2`) -> images in [-1, 1].

    - seed_size: height and width of the encoder's output, which the decoder starts
      from; with `seed_features` channels, 0: the encoder's last.
    - hidden: width of one more layer, with ReLU, on either side of the code; 0: none.
    - bounded: a tanh behind the decoder; False: its numbers as they are.
    - the matrix products between map and code are the only layers of full reach.
    With a pooling encoder the decoder is given its indices: they tell where things
    are, so that the code is then not all that the decoder knows.

    Raises `UserError` where the encoder's output is not `seed_size`.

    >>> down, up = Encoder((4, 8), (2, 2)), Decoder((4, 1), (2, 2))
    >>> net = Autoencoder(down, up, (4, 4), latent=3)
    >>> init = partial(net.init_with_output, train=False)
    >>> jax.eval_shape(init, key, images)[0].shape
    (8, 16, 16, 1)
    """

    encoder: Encoder
    decoder: Decoder
    seed_size: tuple[int, int]
    latent: int
    moments: int = 1
    hidden: int = 0
    seed_features: int = 0
    bounded: bool = True

    def setup(self):
        blocks = self.decoder.blocks
        init = initializers["lecun_normal"](Use("convolution"))
        self.width = self.seed_features or self.encoder.features[-1]
        size = math.prod(self.seed_size) * self.width
        dense = partial(nn.Dense, kernel_init=init, dtype=blocks.dtype)
        self.to_code = dense(self.latent * self.moments)
        self.from_code = dense(size)
        if self.hidden:
            self.before_code = dense(self.hidden)
            self.after_code = dense(self.hidden)
        self.seed_norm = blocks.normalize()

    def encode(self, images: Images, train: bool, keys: Keys | None = None) -> Code:
        """The code, [b, latent * moments] in float32."""
        found = self.encoder(images.astype(self.decoder.blocks.dtype), train, keys)
        if found.x.shape[1:3] != tuple(self.seed_size):
            raise UserError(
                f"the encoder makes {found.x.shape[1:3]} of an image of "
                f"{images.shape[1:3]}, but the decoder starts from {self.seed_size}"
            )
        x = found.x.reshape(images.shape[0], -1)  # symbolic in an export
        if self.hidden:
            x = nn.relu(self.before_code(x))
        code = self.to_code(x)
        return Code(code.astype(jnp.float32), tuple(reversed(found.indices)))

    def decode(
        self,
        latent: Codes,
        train: bool,
        keys: Keys | None = None,
        indices: tuple = (),
    ) -> Images:
        """Images from a code, and the encoder's `indices`, smallest first."""
        x = latent.astype(self.decoder.blocks.dtype)
        if self.hidden:
            x = nn.relu(self.after_code(x))
        x = self.from_code(x)
        x = x.reshape(-1, *self.seed_size, self.width)
        x = activation(self.decoder.blocks.activation)(self.seed_norm(x, train))
        x = self.decoder(x, train, keys, indices=indices)
        x = x.astype(jnp.float32)
        return jnp.tanh(x) if self.bounded else x

    def __call__(
        self, images: Images, train: bool, keys: Keys | None = None
    ) -> Float[Array, "b h w d"]:
        """The reconstruction (from the means, where there are two moments)."""
        code = self.encode(images, train, keys)
        return self.decode(code.latent[:, : self.latent], train, keys, code.indices)


def mirror(params: Tree, initializer: str | tuple[str, ...]) -> Tree:
    """The decoder's deconvolutions set to the adjoints of the encoder's convolutions.

    For the blocks whose initializer is `mirrored`; where all of them are, the matrix
    from the code starts as the transpose of the one to it as well. Other blocks and
    upsamplers keep what they have been drawn.
    """
    encoder, decoder = params["encoder"], params["decoder"]
    ups = [name for name in decoder if name.startswith("up_")]
    names = per_block("model.initializer", initializer, len(ups))
    pairs = [
        (path, f"down_{len(ups) - 1 - i}")
        for i, name in enumerate(names)
        if name == "mirrored"
        for path in _deconvolutions(decoder[f"up_{i}"], f"up_{i}")
    ]
    if not pairs:
        return params
    params = {**params, "decoder": mirror_encoder(decoder, encoder, pairs)}
    to_code, from_code = params["to_code"]["kernel"], params["from_code"]["kernel"]
    if set(names) == {"mirrored"} and to_code.T.shape == from_code.shape:
        params["from_code"] = {**params["from_code"], "kernel": to_code.T}
    return params


def _deconvolutions(tree: Tree, path: str) -> list[str]:
    """The path of the layer called `deconv`, whatever is wrapped around it."""
    if "deconv" in tree:
        return [f"{path}/deconv"]
    found = []
    for name, inside in tree.items():
        if isinstance(inside, dict):
            found += _deconvolutions(inside, f"{path}/{name}")
    return found
