"""Normalization by name: batch, group, instance, none; and spectral for the kernels."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from flax.linen.dtypes import canonicalize_dtype
from jax import Array
from jaxtyping import Float

from deconvgen.core.errors import UserError
from deconvgen.core.registry import Registry

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

    Statistics are taken in float32, and right far from zero. Returns the shape of x;
    raises `UserError` for settings that make no sense and statistics of one value.

    >>> layer = partial(Norm("group", groups=2).init_with_output, train=False)
    >>> jax.eval_shape(layer, key, x)[0].shape
    (1, 4, 4, 2)
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
        normalize = norms[self.kind]
        for name, fits, words in (
            ("groups", self.groups >= 1, "1 or more"),
            ("momentum", 0 <= self.momentum <= 1, "from 0 to 1"),
            ("epsilon", self.epsilon >= 0, "0 or more"),
        ):
            if not fits:
                given = getattr(self, name)
                raise UserError(f"a norm's {name} should be {words}, not {given}")
        if mask is not None and mask.shape != x.shape[:1]:
            raise UserError(
                f"a norm's mask should be [{len(x)}], one number an example, not "
                f"{list(mask.shape)}"
            )
        if not jnp.issubdtype(x.dtype, jnp.floating):
            x = x.astype(jnp.float32)
        return normalize(self, x, train, mask)

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


class BatchNorm(nn.Module):
    """Batch normalization whose statistics are those of all unmasked values.

    Ioffe and Szegedy 2015, "Batch Normalization", algorithm 1. The count, the mean and
    the squares around it are pooled over the devices of `axis_name` (Chan, Golub and
    LeVeque 1979, equation 1.5), so that it does not matter how the examples lie on
    them. The squares are taken around the mean of one example rather than around 0,
    which is exact as algebra and loses no digits far from zero. Where everything is
    masked, running averages stay as they are, and are used. Parameters, averages and
    their names are those of `flax.linen.BatchNorm`.
    """

    momentum: float
    axis_name: str | None
    epsilon: float
    dtype: Any
    param_dtype: Any
    scale_init: Callable

    @nn.compact
    def __call__(self, x: Array, train: bool, mask: Array | None = None) -> Array:
        shape = (x.shape[-1],)
        zeros, ones = nn.initializers.zeros, nn.initializers.ones
        old_mean = self.variable("batch_stats", "mean", zeros, None, shape)
        old_var = self.variable("batch_stats", "var", ones, None, shape)
        scale = self.param("scale", self.scale_init, shape, self.param_dtype)
        bias = self.param("bias", zeros, shape, self.param_dtype)
        mean, var = old_mean.value, old_var.value
        if train:
            axis = None if self.is_initializing() else self.axis_name
            count, found, square = moments(x, mask, axis)
            some = count > 0
            mean, var = jnp.where(some, found, mean), jnp.where(some, square, var)
            if not self.is_initializing():
                keep = jnp.where(some, self.momentum, 1.0)
                old_mean.value = keep * old_mean.value + (1 - keep) * mean
                old_var.value = keep * old_var.value + (1 - keep) * var
        dtype = canonicalize_dtype(x, scale, bias, dtype=self.dtype)
        gain = scale * jax.lax.rsqrt(var + self.epsilon)
        return ((x - mean) * gain + bias).astype(dtype)


def moments(
    x: Float[Array, "b *spatial c"], mask: Float[Array, " b"] | None, axis: str | None
) -> tuple[Array, Array, Array]:
    """(count [], mean [c], variance [c]) of the unmasked values of all devices."""
    x = x.astype(jnp.promote_types(x.dtype, jnp.float32))
    over = tuple(range(x.ndim - 1))
    pixels = math.prod(x.shape[1:-1])
    if mask is None:
        devices = 1 if axis is None else jax.lax.psum(1, axis)
        _several("batch", len(x) * pixels * devices)
        count, weigh, like = jnp.float32(len(x) * pixels), lambda x: x, 0
    else:
        keep = mask > 0
        rows = keep.reshape(-1, *[1] * (x.ndim - 1))
        count = keep.sum().astype(x.dtype) * pixels
        weigh, like = lambda x: jnp.where(rows, x, 0.0), jnp.argmax(keep)
    middle = jax.lax.stop_gradient(x[like].mean(over[:-1]))
    middle = jnp.where(count > 0, middle, 0.0)
    away = weigh(x - middle)
    own = jnp.maximum(count, 1.0)
    offset, square = away.sum(over) / own, jnp.square(away).sum(over)
    mean, square = middle + offset, jnp.maximum(square - own * jnp.square(offset), 0.0)
    if axis is not None:
        total = jax.lax.psum(count, axis)
        whole = jax.lax.psum(count * mean, axis) / jnp.maximum(total, 1.0)
        apart = square + count * jnp.square(mean - whole)
        count, mean, square = total, whole, jax.lax.psum(apart, axis)
    return count, mean, square / jnp.maximum(count, 1.0)


@norms.register
def batch(norm: Norm, x: Array, train: bool, mask: Array | None) -> Array:
    """Over the examples (of all devices, given `axis_name`) and the pixels."""
    return BatchNorm(norm.momentum, norm.axis_name, **norm.shared)(x, train, mask)


@norms.register
def group(norm: Norm, x: Array, train: bool, mask: Array | None) -> Array:
    """Over the pixels and the channels of a group, each example by itself."""
    channels = x.shape[-1]
    groups = max(n for n in range(1, norm.groups + 1) if channels % n == 0)
    _several("group", math.prod(x.shape[1:]) // groups)
    x = x.astype(jnp.promote_types(x.dtype, jnp.float32))
    pixel = x[(slice(None), *[slice(1)] * (x.ndim - 2))]
    parts = pixel.reshape(*pixel.shape[:-1], groups, channels // groups).mean(
        -1, keepdims=True
    )
    middle = jnp.broadcast_to(parts, (*parts.shape[:-1], channels // groups))
    x = x - jax.lax.stop_gradient(
        middle.reshape(pixel.shape)
    )  # nearer to 0: more digits
    return nn.GroupNorm(groups, use_fast_variance=False, **norm.shared)(x)


@norms.register
def instance(norm: Norm, x: Array, train: bool, mask: Array | None) -> Array:
    """Over the pixels, each example and channel by itself."""
    _several("instance", math.prod(x.shape[1:-1]))
    x = x.astype(jnp.promote_types(x.dtype, jnp.float32))
    pixel = x[(slice(None), *[slice(1)] * (x.ndim - 2))]
    x = x - jax.lax.stop_gradient(pixel)  # changes nothing, and has more digits near 0
    return nn.InstanceNorm(use_fast_variance=False, **norm.shared)(x)


def _several(kind: str, count: int) -> None:
    """Refuse statistics of one value, which leave nothing of it, as PyTorch does."""
    if count == 1:
        raise UserError(
            f"a {kind} norm takes its statistics over more than one value, and here "
            "is one: give larger maps or batches, or norm='none'"
        )


@norms.register
def none(norm: Norm, x: Array, train: bool, mask: Array | None) -> Array:
    """The identity, without parameters."""
    return x


class SpectralNorm(nn.Module):
    """A layer whose kernels are divided by their largest singular value.

    One power iteration per call with `train=True`, on the kernel flattened to
    (rest, channels that come out), whatever the layout (`transpose_kernel`), as
    PyTorch's `spectral_norm` does; the vectors live in the collection `batch_stats`.
    Miyato et al. 2018, "Spectral Normalization for Generative Adversarial Networks".
    Returns what the layer returns.

    >>> layer = partial(SpectralNorm(Conv(8, (3, 3))).init_with_output, train=False)
    >>> jax.eval_shape(layer, key, x)[0].shape
    (1, 4, 4, 8)
    """

    layer: nn.Module
    iterations: int = 1

    @nn.compact
    def __call__(self, *args: Any, train: bool, **kwargs: Any) -> Array:
        wrapped = _Spectrum(self.layer, n_steps=self.iterations, name="spectrum")
        return wrapped(*args, update_stats=train, **kwargs)


class _Spectrum(nn.SpectralNorm):
    """Flax's, with the channels that come out as the last axis of each kernel."""

    def _spectral_normalize(self, path: Any, vs: Any, update_stats: bool) -> Array:
        turned = getattr(self.layer_instance, "transpose_kernel", False)
        swap = lambda x: jnp.swapaxes(x, -1, -2) if turned and x.ndim > 2 else x
        return swap(super()._spectral_normalize(path, swap(vs), update_stats))
