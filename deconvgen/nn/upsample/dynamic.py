"""Upsamplers whose weights depend on the input: CARAFE and DySample."""

import math

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Shaped

from deconvgen.core.errors import UserError
from deconvgen.nn.upsample.base import Upsampler, upsamplers
from deconvgen.ops.arguments import Given, Images, takes
from deconvgen.ops.reassembly import reassemble
from deconvgen.ops.subpixel import depth_to_space

Places = Shaped[Given, "*b H W groups"]


@upsamplers.register(name="carafe")
class Carafe(Upsampler):
    """Each output pixel a softmax-weighted mean of its k x k inputs, then 1 x 1.

    The weights come from the input: 1 x 1 to 64 channels, (k - 2) x (k - 2) to k^2
    weights for each sub-pixel. Wang et al. 2019 (CARAFE), sec. 3, k = 5; the 1 x 1
    convolution to `features` at the end is for the common signature. The kernels of
    the weights start as in the authors' mmcv (Xavier uniform, N(0, 0.001)) whatever
    `kernel_init` says: close to the mean of the window.

    >>> jax.eval_shape(Carafe(8).init_with_output, key, x)[0].shape
    (1, 8, 8, 8)
    """

    def default_kernel(self, factor: int) -> int:
        return 5

    @nn.compact
    def __call__(self, x: Array) -> Array:
        (r, s), (kh, kw) = self.factors, self.kernel
        xavier, tiny = nn.initializers.xavier_uniform(), nn.initializers.normal(0.001)
        small = self.conv(x, "compress", 64, (1, 1), kernel_init=xavier)
        encoder, count = (max(1, kh - 2), max(1, kw - 2)), kh * kw * r * s
        weights = self.conv(small, "encode", count, encoder, kernel_init=tiny)
        b, h, w, _ = weights.shape
        weights = jax.nn.softmax(weights.reshape(b, h, w, r * s, kh * kw))
        mixed = reassemble(x, weights, (kh, kw), self.impl)
        mixed = mixed.reshape(b, h, w, r * s * x.shape[-1])
        return self.conv(depth_to_space(mixed, (r, s)), "project", kernel=(1, 1))


@upsamplers.register(name="dysample")
class DySample(Upsampler):
    """Bilinear sampling at learned offsets from the bilinear grid, then 1 x 1.

    Offsets of up to 4 groups of channels by a convolution (1 x 1 by default), times
    0.25. Liu et al. 2023 (DySample), sec. 3, the static "linear + pixel shuffle" form;
    the 1 x 1 convolution to `features` at the end is for the common signature. The
    offsets' kernel starts as N(0, 0.001) whatever `kernel_init` says, as there.

    >>> jax.eval_shape(DySample(8).init_with_output, key, x)[0].shape
    (1, 8, 8, 8)
    """

    def default_kernel(self, factor: int) -> int:
        return 1

    @nn.compact
    def __call__(self, x: Array) -> Array:
        (r, s), groups = self.factors, math.gcd(4, x.shape[-1])
        small = nn.initializers.normal(0.001)
        count = 2 * groups * r * s
        offsets = 0.25 * self.conv(x, "offsets", count, kernel_init=small)
        offsets = depth_to_space(offsets, (r, s))
        b, height, width, _ = offsets.shape
        # bfloat16 tells no halves apart beyond 128 pixels, so places are float32.
        exact = jnp.promote_types(offsets.dtype, jnp.float32)
        offsets = offsets.reshape(b, height, width, groups, 2).astype(exact)
        rows = ((jnp.arange(height, dtype=exact) + 0.5) / r - 0.5)[:, None, None]
        columns = ((jnp.arange(width, dtype=exact) + 0.5) / s - 0.5)[:, None]
        grid = (rows + offsets[..., 0], columns + offsets[..., 1])
        sampled = sample_bilinear(x, *grid).astype(x.dtype)
        return self.conv(sampled, "project", kernel=(1, 1))


@takes(x="h w c", rows="H W groups", columns="H W groups")
def sample_bilinear(x: Images, rows: Places, columns: Places) -> Array:
    """x [..., h, w, c] at fractional places [..., H, W, groups]: [..., H, W, c].

    Consecutive c / groups channels share a place; places beyond the border count as
    on it.
    """
    (b, h, w, c), (_, height, width, groups) = x.shape, rows.shape
    if c % groups:
        raise UserError(f"{groups} groups of places do not divide {c} channels")
    pixels = height * width
    flat = x.reshape(b, h * w, groups, c // groups)
    top, down = _neighbours(rows, h)
    left, right = _neighbours(columns, w)

    def at(i: Array, j: Array) -> Array:
        index = (i * w + j).reshape(b, pixels, groups, 1)
        return jnp.take_along_axis(flat, index, axis=1)

    def share(weight: Array) -> Array:
        return weight.reshape(b, pixels, groups, 1)

    parts = [share(a * e) * at(i, j) for i, a in (top, down) for j, e in (left, right)]
    out = sum(parts[1:], parts[0])
    return out.reshape(b, height, width, c)


def _neighbours(
    place: Array, n: int
) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    """The two pixels beside a place, each as (index, weight)."""
    place = jnp.clip(place, 0, n - 1)
    first = jnp.floor(place)
    after = place - first
    index = first.astype(jnp.int32)
    return (index, 1 - after), (jnp.minimum(index + 1, n - 1), after)
