"""Super-resolution: a trunk at the low resolution, and one upsampling layer as head.

FSRCNN: Dong et al. 2016, "Accelerating the Super-Resolution Convolutional Neural
Network". ESPCN: Shi et al. 2016. Residual trunk: EDSR, Lim et al. 2017.
"""

from dataclasses import replace

import flax.linen as nn
import jax.numpy as jnp
from jax import Array

from deconvgen.core.registry import Registry
from deconvgen.core.types import Images, Keys
from deconvgen.models.blocks import Blocks, Finish
from deconvgen.models.decoder import Larger, guide
from deconvgen.nn.conv import Conv
from deconvgen.nn.initializers import Use, initializers
from deconvgen.ops import resize

trunks = Registry("trunk")


class Trunk(nn.Module):
    """The fields of every trunk, and its layers: [b, h, w, c] -> [b, h, w, f]."""

    features: int
    depth: int
    finish: Finish = Finish(norm="none")

    def conv(self, x: Array, features: int, size: int, name: str) -> Array:
        """A `SAME` convolution (in a compact method)."""
        init = initializers["he_normal"](Use("convolution"))
        return Conv(
            features,
            (size, size),
            kernel_init=init,
            dtype=self.finish.dtype,
            name=name,
        )(x)

    def layer(
        self,
        x: Array,
        features: int,
        size: int,
        name: str,
        act: str,
        train: bool,
        keys: Array | None,
    ) -> Array:
        """A convolution with what follows it."""
        x = self.conv(x, features, size, name)
        finish = replace(self.finish, activation=act)
        return finish(x, f"{{}}_{name}", train, keys)


@trunks.register(name="fsrcnn")
class Fsrcnn(Trunk):
    """5x5 to 56 features, 1x1 down to 12, `depth` 3x3 mappings, 1x1 back to 56."""

    @nn.compact
    def __call__(self, x: Array, train: bool, keys: Array | None = None) -> Array:
        small = max(1, round(self.features * 12 / 56))
        layers = [("extract", self.features, 5), ("shrink", small, 1)]
        layers += [(f"map_{i}", small, 3) for i in range(self.depth)]
        for name, features, size in [*layers, ("expand", self.features, 1)]:
            x = self.layer(x, features, size, name, "prelu", train, keys)
        return x


@trunks.register(name="espcn")
class Espcn(Trunk):
    """5x5 to the features, then `depth` 3x3 to half as many, with tanh (64 and 32)."""

    @nn.compact
    def __call__(self, x: Array, train: bool, keys: Array | None = None) -> Array:
        x = self.layer(x, self.features, 5, "extract", "tanh", train, keys)
        for i in range(self.depth):
            x = self.layer(x, self.features // 2, 3, f"map_{i}", "tanh", train, keys)
        return x


@trunks.register(name="residual")
class ResidualTrunk(Trunk):
    """3x3 to the features, `depth` blocks of conv, ReLU, conv with a sum around each.

    A last convolution and a sum around all of it; no batch norm, as in EDSR.
    """

    @nn.compact
    def __call__(self, x: Array, train: bool, keys: Array | None = None) -> Array:
        first = x = self.conv(x, self.features, 3, "extract")
        for i in range(self.depth):
            y = self.layer(x, self.features, 3, f"block_{i}_a", "relu", train, keys)
            x = x + 0.1 * self.conv(y, self.features, 3, f"block_{i}_b")
        return first + self.conv(x, self.features, 3, "gather")


class SuperResolution(nn.Module):
    """Low-resolution images [b, h, w, c] -> [b, factor h, factor w, c].

    - trunk: everything but the last layer; it knows nothing of the factor.
    - blocks: the settings of the last layer, `head` in the parameters.
    - bicubic: the network's tenth is added to the bicubic enlargement, instead of
      the network making it all.

    >>> net = SuperResolution(trunks["fsrcnn"](features=8, depth=1), factor=3)
    >>> init = partial(net.init_with_output, train=False)
    >>> jax.eval_shape(init, key, x)[0].shape
    (1, 12, 12, 2)
    """

    trunk: Trunk
    factor: int
    blocks: Blocks = Blocks()
    bicubic: bool = True

    @property
    def reach(self) -> int:
        """Low-resolution pixels further off than this have no say in a pixel."""
        return 2 * self.trunk.depth + 8

    @nn.compact
    def __call__(self, lowres: Images, train: bool, keys: Keys | None = None) -> Larger:
        x = self.trunk(lowres.astype(self.blocks.dtype), train, keys)
        head = self.blocks.up(lowres.shape[-1], self.factor, 0, 1, name="head")
        if head.needs_guide:
            guide(str(self.blocks.upsampler), None)
        x = head(x).astype(jnp.float32)
        if not self.bicubic:
            return x
        return resize.bicubic(lowres, self.factor) + 0.1 * x  # starts near bicubic
