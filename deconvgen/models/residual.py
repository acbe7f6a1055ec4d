"""Residual blocks without normalization, for a generator and its critic.

Huang, Gokaslan, Kuleshov and Tompkin 2024, "The GAN is dead; long live the GAN!"
(R3GAN), section 4: a block is the identity at first, and the scale of its start keeps
the update of the whole network's output the same at any depth.
"""

from dataclasses import dataclass
from typing import Any

import flax.linen as nn
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from deconvgen.core.errors import UserError
from deconvgen.core.types import Images
from deconvgen.nn.blocks import activation
from deconvgen.nn.conv import Conv

LEAKY = (2 / (1 + 0.2**2)) ** 0.5
"""The gain that keeps the variance through a leaky ReLU of slope 0.2."""


class ResidualBlock(nn.Module):
    """x + W_m act(... act(W_1 x)); W_m starts at 0, so that the block is the identity.

    Two 3 x 3 convolutions; with `group_width`, R3GAN's inverted bottleneck: 1 x 1 to
    twice the channels, 3 x 3 in groups of `group_width` channels, 1 x 1 back. Kernels
    but the last are N(0, gain^2 / fan-in), their gain that of the leaky ReLU times
    L^(-1 / (2 m - 2)) of L = `blocks` such blocks in a row, m kernels in each (Fixup:
    Zhang, Dauphin and Ma 2019, section 3). Returns the shape of x.

    Raises `UserError` for groups that do not divide the channels.

    >>> block = ResidualBlock(group_width=2)
    >>> bool((block.init_with_output(key, x)[0] == x).all())
    True
    """

    blocks: int = 1
    group_width: int = 0
    activation: str = "leaky_relu"
    dtype: Any = None

    @nn.compact
    def __call__(self, x: Images) -> Images:
        width, within = x.shape[-1], self.group_width
        inner = 2 * width if within else width
        if within and inner % within:
            raise UserError(
                f"model.group_width={within} does not divide {inner}, twice the "
                f"{width} channels of a residual block"
            )
        sizes = (1, 3, 1) if within else (3, 3)
        gain = LEAKY * self.blocks ** (-1 / (2 * len(sizes) - 2))
        y = x
        for i, size in enumerate(sizes):
            last = i == len(sizes) - 1
            if i:
                y = activation(self.activation)(y)
            drawn = nn.initializers.variance_scaling(gain**2, "fan_in", "normal")
            y = Conv(
                width if last else inner,
                (size, size),
                feature_group_count=inner // within if within and i == 1 else 1,
                kernel_init=nn.initializers.zeros if last else drawn,
                use_bias=not last,
                dtype=self.dtype,
                name=f"conv_{i}",
            )(y)
        return x + y.astype(x.dtype)


@dataclass(frozen=True)
class Residuals:
    """So many residual blocks at each resolution of a network, instead of what else
    finishes a block of it.

    - depth: blocks at a resolution; 0: none.
    - stages: resolutions; see `ResidualBlock` for the others.

    Called in a compact method, with features [b, h, w, c] and the number of the
    resolution: as many.

    >>> bool(Residuals()), bool(Residuals(depth=2))
    (False, True)
    """

    depth: int = 0
    stages: int = 1
    group_width: int = 0
    activation: str = "leaky_relu"
    dtype: Any = jnp.float32

    def __bool__(self) -> bool:
        return self.depth > 0

    def __call__(self, x: Images, stage: int) -> Images:
        for i in range(self.depth):
            x = ResidualBlock(
                self.depth * self.stages,
                self.group_width,
                self.activation,
                self.dtype,
                name=f"residual_{stage}_{i}",
            )(x)
        return x


class LearnedStart(nn.Module):
    """Latent [b, n] -> [b, *size, features]: a learned map of scaled channels.

    A channel's scale is linear in the latent (R3GAN: a basis of 4 x 4). The map starts
    as N(0, 1).

    >>> start = LearnedStart((4, 4), 8)
    >>> jax.eval_shape(start.init_with_output, key, jnp.ones((2, 5)))[0].shape
    (2, 4, 4, 8)
    """

    size: tuple[int, int]
    features: int
    dtype: Any = None

    @nn.compact
    def __call__(self, latent: Float[Array, "b n"]) -> Float[Array, "b h w c"]:
        shape = (*self.size, self.features)
        basis = self.param("basis", nn.initializers.normal(1.0), shape, jnp.float32)
        drawn = nn.initializers.variance_scaling(1.0, "fan_in", "normal")
        dense = nn.Dense(
            self.features,
            use_bias=False,
            kernel_init=drawn,
            dtype=self.dtype,
            name="weights",
        )
        weights = dense(latent)[:, None, None]
        return basis.astype(weights.dtype) * weights
