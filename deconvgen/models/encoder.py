"""The strided encoder: the decoder's mirror, and the body of a discriminator."""

from dataclasses import replace
from typing import NamedTuple

import flax.linen as nn
from jax import Array

from deconvgen.core.errors import UserError
from deconvgen.core.types import Images, Keys
from deconvgen.models.blocks import Finish
from deconvgen.models.decoder import seed_size
from deconvgen.models.residual import Residuals
from deconvgen.nn.conv import Conv
from deconvgen.nn.initializers import Use, initializers
from deconvgen.nn.norm import SpectralNorm
from deconvgen.ops.pooling import max_pool_with_indices


class Encoded(NamedTuple):
    """What an encoder gives: its output, and what a decoder may want on the way."""

    x: Array  # [b, h / prod(factors), w / prod(factors), features[-1]]
    skips: tuple[Array, ...]  # the input of each block, largest first
    indices: tuple[Array | None, ...]  # of each max-pooling, where there is one
    fine: tuple[Array, ...]  # what each block has before it strides or pools


class Encoder(nn.Module):
    """Blocks of strided convolution, normalization, activation and dropout.

    - features, factors: of each block; the factor is the convolution's stride.
    - pool: instead of striding, convolve and max-pool, keeping the indices
      (SegNet: Badrinarayanan et al. 2017).
    - convs: convolutions of a block; the last one strides, or is pooled.
    - residuals: blocks behind each, in place of what finishes one.
    - finish: normalization, activation and dropout of a block.
    - spectral: divide each kernel by its spectral norm.
    - norm_first: DCGAN's discriminator leaves the first block without batch norm.

    Height and width are multiples of the factors' product; else a `UserError`.

    >>> net = Encoder(features=(4, 8), factors=(2, 2))
    >>> init = partial(net.init_with_output, train=False)
    >>> jax.eval_shape(init, key, images)[0].x.shape
    (8, 4, 4, 8)
    """

    features: tuple[int, ...]
    factors: tuple[int, ...]
    kernel_size: int = 4
    finish: Finish = Finish(activation="leaky_relu")
    norm_first: bool = True
    initializer: str = "he_normal"
    spectral: bool = False
    pool: bool = False
    convs: int = 1
    residuals: Residuals = Residuals()

    @nn.compact
    def __call__(self, x: Images, train: bool, keys: Keys | None = None) -> Encoded:
        if len(self.features) != len(self.factors):
            raise UserError(
                f"an encoder of {len(self.factors)} factors {self.factors} needs as "
                f"many features, not {self.features}"
            )
        seed_size(x.shape[1:], self.factors)
        skips, indices, fine = [], [], []
        for i, (features, factor) in enumerate(
            zip(self.features, self.factors, strict=True)
        ):
            skips.append(x)
            for j in range(1, self.convs):
                x = self.block(x, features, 1, f"{i}_{j}", bool(i), train, keys)
            if not self.pool:
                fine.append(x)
            stride = 1 if self.pool else factor
            x = self.block(x, features, stride, f"{i}", bool(i), train, keys)
            index = None
            if self.pool:
                fine.append(x)
                x, index = max_pool_with_indices(x, (factor, factor))
            indices.append(index)
            x = self.residuals(x, i)
        return Encoded(x, tuple(skips), tuple(indices), tuple(fine))

    def block(
        self,
        x: Array,
        features: int,
        stride: int,
        name: str,
        norm: bool,
        train: bool,
        keys: Array | None,
    ) -> Array:
        """Convolution, normalization, activation and dropout."""
        layer = Conv(
            features,
            (self.kernel_size,) * 2,
            strides=stride,
            kernel_init=initializers[self.initializer](Use("convolution")),
            dtype=self.finish.dtype,
            name=f"down_{name}",
        )
        if self.spectral:
            x = SpectralNorm(layer, name=f"spectral_{name}")(x, train=train)
        else:
            x = layer(x)
        if self.residuals:
            return x
        finish = self.finish
        if not norm and not self.norm_first:
            finish = replace(finish, norm="none")
        return finish(x, f"{{}}_{name}", train, keys)
