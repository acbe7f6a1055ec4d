"""Class maps: FCN, U-Net and SegNet on one pooling encoder.

FCN: Long, Shelhamer and Darrell 2015. U-Net: Ronneberger, Fischer and Brox 2015.
SegNet: Badrinarayanan, Kendall and Cipolla 2017; DeconvNet: Noh, Hong and Han 2015.
Each maps images [b, h, w, c] to logits [b, h, w, classes] in float32; h and w are
multiples of the encoder's total factor.
"""

import flax.linen as nn
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from deconvgen.core.errors import UserError
from deconvgen.core.registry import Registry
from deconvgen.core.types import Images, Keys
from deconvgen.models.blocks import Blocks
from deconvgen.models.decoder import Decoder
from deconvgen.models.encoder import Encoded, Encoder
from deconvgen.nn.conv import Conv
from deconvgen.nn.initializers import Use, initializers
from deconvgen.nn.upsample import upsamplers

segmenters = Registry("segmentation model")
joins = Registry("model.join")


class Segmenter(nn.Module):
    """The fields of every model.

    - features: of the encoder's blocks, each of which halves the resolution.
    - convs: 3x3 convolutions in a block of the encoder.
    - decoder_convs: in the blocks behind it.
    - join: one of `joins`, of a U-Net's encoder and decoder.
    - fuse: how many of the finer resolutions an FCN adds to the coarsest (with five
      blocks: 0 is FCN-32s, 1 FCN-16s, 2 FCN-8s).
    - blocks: the settings of the upsampling layers, whose names begin with `up_`, and
      of what follows convolutions.

    Raises `UserError` for an upsampler that needs indices, but in a `SegNet`.

    >>> Segmenter(classes=3, features=(4, 8)).blocks.upsampler
    'conv_transpose'
    """

    classes: int
    features: tuple[int, ...]
    convs: int = 1
    decoder_convs: int = 1
    join: str = "concat"
    fuse: int = 2
    blocks: Blocks = Blocks()

    def encode(
        self,
        images: Array,
        features: tuple[int, ...],
        train: bool,
        keys: Array | None,
    ) -> Encoded:
        """What blocks of convolutions and max-pooling make of the images."""
        encoder = Encoder(
            features,
            (2,) * len(features),
            kernel_size=3,
            finish=self.blocks,
            pool=True,
            convs=self.convs,
            name="encoder",
        )
        return encoder(images.astype(self.blocks.dtype), train, keys)

    def up(
        self, x: Array, fine: Array, features: int, factor: int, place: int, places: int
    ) -> Array:
        """What the upsampling layer number `place` of `places` makes of x.

        `fine` are the encoder's features of the resulting size, for those with a guide.
        """
        name = self.blocks.names(places)[place]
        if upsamplers[name].needs_indices:
            raise UserError(
                f"upsampler {name!r} needs the indices of a pooling of the same size; "
                "of the segmentation models, 'segnet' has them"
            )
        layer = self.blocks.up(features, factor, place, places)
        return layer(x, fine) if layer.needs_guide else layer(x)

    def block(
        self, x: Array, features: int, name: str, train: bool, keys: Array | None
    ) -> Array:
        """Convolutions of one resolution, each normalized, activated, dropped out."""
        for j in range(self.decoder_convs):
            init = initializers["he_normal"](Use("convolution"))
            named = f"{name}_{j}"
            x = Conv(
                features, (3, 3), kernel_init=init, dtype=self.blocks.dtype, name=named
            )(x)
            x = self.blocks(x, named + "_{}", train, keys)
        return x

    def score(self, x: Array, name: str, zero: bool = False) -> Array:
        """Logits by a 1x1 convolution."""
        init = initializers["lecun_normal"](Use("convolution"))
        return Conv(
            self.classes,
            (1, 1),
            kernel_init=nn.initializers.zeros if zero else init,
            dtype=self.blocks.dtype,
            name=name,
        )(x)


Logits = Float[Array, "b h w k"]


@segmenters.register(name="fcn")
class Fcn(Segmenter):
    """Scores of several resolutions, enlarged and added; ends in one big enlargement.

    The scores of the finer resolutions start at zero, as in the paper (section 4.3).

    Raises `UserError` for a `fuse` that the blocks do not allow.

    >>> net = Fcn(classes=3, features=(4, 8, 8), fuse=2)
    >>> init = partial(net.init_with_output, train=False)
    >>> jax.eval_shape(init, key, images)[0].shape
    (8, 16, 16, 3)
    """

    @nn.compact
    def __call__(self, images: Images, train: bool, keys: Keys | None = None) -> Logits:
        blocks, fuse = len(self.features), self.fuse
        if not 0 <= fuse < blocks:
            raise UserError(f"model.fuse should be 0 to {blocks - 1}, not {fuse}")
        found = self.encode(images, self.features, train, keys)
        x, fine = self.score(found.x, "score"), found.fine[::-1]
        for i in range(fuse):
            x = self.up(x, fine[i], self.classes, 2, i, fuse + 1)
            x += self.score(found.skips[blocks - 1 - i], f"score_{i}", zero=True)
        rest = 2 ** (blocks - fuse)
        x = self.up(x, fine[-1], self.classes, rest, fuse, fuse + 1)
        return x.astype(jnp.float32)


@joins.register
def concat(fine: Array, x: Array) -> Array:
    """The features of both, as in the U-Net's paper: [b, h, w, 2 features]."""
    return jnp.concatenate([fine, x], axis=-1)


@joins.register
def add(fine: Array, x: Array) -> Array:
    """Their sum (LinkNet: Chaurasia and Culurciello 2017): [b, h, w, features], half
    the work for the convolution that follows."""
    return fine + x


@segmenters.register(name="unet")
class UNet(Segmenter):
    """Up-convolutions, each joined with the encoder's features of its resolution.

    >>> net = UNet(classes=3, features=(4, 8))
    >>> init = partial(net.init_with_output, train=False)
    >>> jax.eval_shape(init, key, images)[0].shape
    (8, 16, 16, 3)
    """

    @nn.compact
    def __call__(self, images: Images, train: bool, keys: Keys | None = None) -> Logits:
        *features, deepest = self.features
        found = self.encode(images, tuple(features), train, keys)
        x = self.block(found.x, deepest, "deepest", train, keys)
        for i, (width, fine) in enumerate(
            zip(reversed(features), reversed(found.fine), strict=True)
        ):
            x = self.up(x, fine, width, 2, i, len(features))
            x = joins[self.join](fine, x)
            x = self.block(x, width, f"join_{i}", train, keys)
        return self.score(x, "score").astype(jnp.float32)


@segmenters.register(name="segnet")
class SegNet(Segmenter):
    """The encoder's mirror; `max_unpool` puts values back where its maxima were.

    >>> net = SegNet(classes=3, features=(4, 8))
    >>> init = partial(net.init_with_output, train=False)
    >>> jax.eval_shape(init, key, images)[0].shape
    (8, 16, 16, 3)
    """

    @nn.compact
    def __call__(self, images: Images, train: bool, keys: Keys | None = None) -> Logits:
        found = self.encode(images, self.features, train, keys)
        decoder = Decoder(
            features=(*reversed(self.features[:-1]), self.features[0]),
            factors=(2,) * len(self.features),
            blocks=self.blocks,
            name="decoder",
        )
        x = decoder(
            found.x, train, keys, indices=found.indices[::-1], guides=found.fine[::-1]
        )
        x = self.block(x, self.features[0], "finest", train, keys)
        return self.score(x, "score").astype(jnp.float32)
