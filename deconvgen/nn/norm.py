"""Normalization by name: batch, group, instance, none; and spectral for the kernels."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import flax.linen as nn
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from deconvgen.errors import UserError
from deconvgen.registry import Registry

norms: Registry[Callable] = Registry("norm")
"""Functions `(norm: Norm, x, train, mask) -> normalized x`, called inside `Norm`."""


class Norm(nn.Module):
    """A normalization layer by name, with a gain and a bias for each channel.

    - kind: `"batch"` (Ioffe and Szegedy 2015), `"group"` (Wu and He 2018),
      `"instance"` (Ulyanov et al. 2016) or `"none"`.
    - axis_name: the pmapped axis over which `batch` takes its statistics.
    - gain_stddev: the gain starts as N(1, gain_stddev); 0.02 is DCGAN's.
    - groups: for `group`; lowered to the nearest divisor of the channels.
    - momentum: of `batch`'s running averages (the collection `batch_stats`).

    Statistics are taken in float32. Returns the shape of x.
    """

    kind: str = "batch"
    axis_name: str | None = None
    gain_stddev: float = 0.0
    groups: int = 32
    momentum: float = 0.9
    epsilon: float = 1e-5
    dtype: Any = None
    param_dtype: Any = jnp.float32

    @nn.compact
    def __call__(
        self,
        x: Float[Array, "b *spatial c"],
        train: bool,
        mask: Float[Array, " b"] | None = None,
    ) -> Float[Array, "b *spatial c"]:
        """`mask` (1 example, 0 padding) keeps padding out of `batch`'s statistics."""
        return norms[self.kind](self, x, train, mask)

    def gain_init(self, key: Array, shape: Sequence[int], dtype: Any) -> Array:
        """The gain's start: N(1, gain_stddev)."""
        if not self.gain_stddev:
            return jnp.ones(shape, dtype)
        return 1 + nn.initializers.normal(self.gain_stddev)(key, shape, dtype)

    @property
    def shared(self) -> dict[str, Any]:
        """What Flax's layers of every kind are given."""
        return {
            "epsilon": self.epsilon,
            "dtype": self.dtype,
            "param_dtype": self.param_dtype,
            "scale_init": self.gain_init,
        }


@norms.register
def batch(norm: Norm, x: Array, train: bool, mask: Array | None) -> Array:
    """Over the examples (of all devices, given `axis_name`) and the pixels."""
    if mask is not None:
        mask = mask.reshape(-1, *[1] * (x.ndim - 1)) > 0
    layer = nn.BatchNorm(
        use_running_average=not train,
        momentum=norm.momentum,
        axis_name=norm.axis_name,
        **norm.shared,
    )
    return layer(x, mask=mask)


@norms.register
def group(norm: Norm, x: Array, train: bool, mask: Array | None) -> Array:
    """Over the pixels and the channels of a group, each example by itself."""
    if norm.groups < 1:
        raise UserError(f"a group norm needs at least 1 group, not {norm.groups}")
    return nn.GroupNorm(math.gcd(norm.groups, x.shape[-1]), **norm.shared)(x)


@norms.register
def instance(norm: Norm, x: Array, train: bool, mask: Array | None) -> Array:
    """Over the pixels, each example and channel by itself."""
    return nn.InstanceNorm(**norm.shared)(x)


@norms.register
def none(norm: Norm, x: Array, train: bool, mask: Array | None) -> Array:
    """The identity, without parameters."""
    return x


class SpectralNorm(nn.Module):
    """A layer whose kernels are divided by their largest singular value.

    One power iteration per call with `train=True`, on the kernel flattened to
    (rest, last axis); the vectors live in the collection `batch_stats`. Miyato et al.
    2018, "Spectral Normalization for Generative Adversarial Networks". Returns what
    the layer returns.
    """

    layer: nn.Module
    iterations: int = 1

    @nn.compact
    def __call__(self, *args: Any, train: bool, **kwargs: Any) -> Array:
        wrapped = nn.SpectralNorm(self.layer, n_steps=self.iterations, name="spectrum")
        return wrapped(*args, update_stats=train, **kwargs)
