"""Super-resolution: a trunk at the low resolution, and one upsampling layer as head.

FSRCNN: Dong et al. 2016, "Accelerating the Super-Resolution Convolutional Neural
Network". ESPCN: Shi et al. 2016. Residual trunk: EDSR, Lim et al. 2017.
"""

from typing import Any

import flax.linen as nn
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float, Key

from deconvgen.core.numbers import on
from deconvgen.core.registry import Registry
from deconvgen.core.types import Scalar
from deconvgen.models.decoder import guide
from deconvgen.nn.blocks import Dropout, activation
from deconvgen.nn.conv import Conv
from deconvgen.nn.initializers import Use, initializers
from deconvgen.nn.norm import Norm
from deconvgen.nn.upsample import make_upsampler, upsamplers
from deconvgen.ops import resize

trunks = Registry("trunk")


class Trunk(nn.Module):
    """The fields of every trunk, and its convolution: [b, h, w, c] -> [b, h, w, f]."""

    features: int
    depth: int
    norm: str = "none"
    dropout: Scalar = 0.0
    axis_name: str | None = None
    dtype: Any = jnp.float32

    def conv(self, x: Array, features: int, size: int, name: str) -> Array:
        """A `SAME` convolution (in a compact method)."""
        init = initializers["he_normal"](Use("convolution"))
        return Conv(
            features, (size, size), kernel_init=init, dtype=self.dtype, name=name
        )(x)

    def finish(
        self, x: Array, name: str, act: str, train: bool, keys: Array | None
    ) -> Array:
        """Normalization, activation and dropout behind a convolution."""
        x = Norm(
            self.norm,
            axis_name=self.axis_name,
            dtype=self.dtype,
            name=f"norm_{name}",
        )(x, train)
        x = activation(act)(x)
        if on(self.dropout):
            x = Dropout(self.dropout, name=f"dropout_{name}")(x, keys, train)
        return x


@trunks.register(name="fsrcnn")
class Fsrcnn(Trunk):
    """5x5 to 56 features, 1x1 down to 12, `depth` 3x3 mappings, 1x1 back to 56."""

    @nn.compact
    def __call__(self, x: Array, train: bool, keys: Array | None = None) -> Array:
        small = max(1, round(self.features * 12 / 56))
        layers = [("extract", self.features, 5), ("shrink", small, 1)]
        layers += [(f"map_{i}", small, 3) for i in range(self.depth)]
        for name, features, size in [*layers, ("expand", self.features, 1)]:
            x = self.conv(x, features, size, name)
            x = self.finish(x, name, "prelu", train, keys)
        return x


@trunks.register(name="espcn")
class Espcn(Trunk):
    """5x5 to the features, then `depth` 3x3 to half as many, with tanh (64 and 32)."""

    @nn.compact
    def __call__(self, x: Array, train: bool, keys: Array | None = None) -> Array:
        x = self.conv(x, self.features, 5, "extract")
        x = self.finish(x, "extract", "tanh", train, keys)
        for i in range(self.depth):
            x = self.conv(x, self.features // 2, 3, f"map_{i}")
            x = self.finish(x, f"map_{i}", "tanh", train, keys)
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
            y = self.conv(x, self.features, 3, f"block_{i}_a")
            y = self.finish(y, f"block_{i}_a", "relu", train, keys)
            x = x + 0.1 * self.conv(y, self.features, 3, f"block_{i}_b")
        return first + self.conv(x, self.features, 3, "gather")


class SuperResolution(nn.Module):
    """Low-resolution images [b, h, w, c] -> [b, factor h, factor w, c].

    - trunk: everything but the last layer; it knows nothing of the factor.
    - head: any upsampler, called `head` in the parameters.
    - bicubic: the network's tenth is added to the bicubic enlargement, instead of
      the network making it all.

    >>> net = SuperResolution(trunks["fsrcnn"](features=8, depth=1), factor=3)
    >>> init = partial(net.init_with_output, train=False)
    >>> jax.eval_shape(init, key, x)[0].shape
    (1, 12, 12, 2)
    """

    trunk: Trunk
    factor: int
    upsampler: str = "conv_transpose"
    initializer: str = "default"
    kernel_size: int = 0
    residual: bool = False
    reduction: str = "sum"
    box_filter: bool = False
    shortcut: str = "bilinear_additive"
    smoothing: int = 0
    extra_conv: bool = False
    bicubic: bool = True
    dtype: Any = jnp.float32

    @property
    def reach(self) -> int:
        """Low-resolution pixels further off than this have no say in a pixel."""
        return 2 * self.trunk.depth + 8

    @nn.compact
    def __call__(
        self,
        lowres: Float[Array, "b h w c"],
        train: bool,
        keys: Key[Array, " b"] | None = None,
    ) -> Float[Array, "b H W c"]:
        x = self.trunk(lowres.astype(self.dtype), train, keys)
        if upsamplers[self.upsampler].needs_guide:
            guide(self.upsampler, None)
        x = make_upsampler(
            self.upsampler,
            lowres.shape[-1],
            self.factor,
            kernel_size=self.kernel_size or None,
            initializer=self.initializer,
            residual=self.residual,
            reduction=self.reduction,
            box_filter=self.box_filter,
            shortcut=self.shortcut,
            smoothing=self.smoothing,
            extra_conv=self.extra_conv,
            dtype=self.dtype,
            module_name="head",
        )(x).astype(jnp.float32)
        if not self.bicubic:
            return x
        return resize.bicubic(lowres, self.factor) + 0.1 * x  # starts near bicubic
