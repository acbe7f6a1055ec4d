"""Upsamplers whose weights depend on the input: CARAFE and DySample."""

import math

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Shaped

from deconvgen.core.errors import UserError
from deconvgen.nn.upsample.base import Sizes, Upsampler, upsamplers
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

    def shares(self, weights: Array) -> Array:
        """What the window's pixels get of 1, from logits [..., kh kw]."""
        return jax.nn.softmax(weights)

    @nn.compact
    def __call__(self, x: Array) -> Array:
        (r, s), (kh, kw) = self.factors, self.kernel
        xavier, tiny = nn.initializers.xavier_uniform(), nn.initializers.normal(0.001)
        small = self.conv(x, "compress", 64, 1, kernel_init=xavier)
        encoder, count = (max(1, kh - 2), max(1, kw - 2)), kh * kw * r * s
        weights = self.conv(small, "encode", count, encoder, kernel_init=tiny)
        b, h, w, _ = weights.shape
        weights = self.shares(weights.reshape(b, h, w, r * s, kh * kw))
        mixed = mixtures(x, weights, self.kernel, self.factors, self.impl)
        return self.conv(mixed, "project", kernel=1)


def mixtures(x: Array, weights: Array, window: Sizes, factors: Sizes, impl: str):
    """Sub-pixels [b, r h, s w, c] as mixtures of windows, weights [b, h, w, r s, t]."""
    mixed = reassemble(x, weights, window, impl)
    channels = mixed.shape[-2] * mixed.shape[-1]
    return depth_to_space(mixed.reshape(*mixed.shape[:3], channels), factors)


@upsamplers.register(name="carafe_hamming")
class CarafeHamming(Carafe):
    """CARAFE whose weights are multiplied by a Hamming window, and again sum to 1.

    So that they fall off towards the window's border: the low-pass filter of Chen et
    al. 2024 (FreqFusion), sec. 3.2, without a guide.

    >>> CarafeHamming(8).kernel
    (5, 5)
    """

    def shares(self, weights: Array) -> Array:
        window = np.outer(*map(np.hamming, self.kernel)).ravel()
        shares = jax.nn.softmax(weights) * jnp.asarray(window, weights.dtype)
        return shares / shares.sum(-1, keepdims=True)


@upsamplers.register(name="dysample")
class DySample(Upsampler):
    """Bilinear sampling at learned offsets from the bilinear grid, then 1 x 1.

    Offsets of up to 4 groups of channels by a convolution (1 x 1 by default), times
    0.25. Liu et al. 2023 (DySample), sec. 3, the static "linear + pixel shuffle" form;
    the 1 x 1 convolution to `features` at the end is for the common signature. The
    offsets' kernel starts as N(0, 0.001) whatever `kernel_init` says, as there.

    - dynamic_scope: the offsets times 0.5 sigmoid of a convolution that starts at 0.
    - shuffle_first: "pixel shuffle + linear": the convolutions see the channels as
      sub-pixels, r s times fewer (filled up with zeros where r s does not divide them).

    >>> jax.eval_shape(DySample(8).init_with_output, key, x)[0].shape
    (1, 8, 8, 8)
    """

    dynamic_scope: bool = False
    shuffle_first: bool = False

    def default_kernel(self, factor: int) -> int:
        return 1

    @nn.compact
    def __call__(self, x: Array) -> Array:
        (r, s), groups = self.factors, math.gcd(4, x.shape[-1])
        small, zeros = nn.initializers.normal(0.001), nn.initializers.zeros
        seen, count = x, 2 * groups * r * s
        if self.shuffle_first:
            more = [(0, 0), (0, 0), (0, 0), (0, -x.shape[-1] % (r * s))]
            seen, count = depth_to_space(jnp.pad(x, more), (r, s), "crr"), 2 * groups
        offsets, reach = self.conv(seen, "offsets", count, kernel_init=small), 0.25
        if self.dynamic_scope:
            scope = self.conv(seen, "scope", count, kernel_init=zeros)
            reach = 0.5 * jax.nn.sigmoid(scope)
        offsets = offsets * reach
        if not self.shuffle_first:
            offsets = depth_to_space(offsets, (r, s))
        b, height, width, _ = offsets.shape
        # bfloat16 tells no halves apart beyond 128 pixels, so places are float32.
        exact = jnp.promote_types(offsets.dtype, jnp.float32)
        offsets = offsets.reshape(b, height, width, groups, 2).astype(exact)
        rows = ((jnp.arange(height, dtype=exact) + 0.5) / r - 0.5)[:, None, None]
        columns = ((jnp.arange(width, dtype=exact) + 0.5) / s - 0.5)[:, None]
        grid = (rows + offsets[..., 0], columns + offsets[..., 1])
        sampled = sample_bilinear(x, *grid).astype(x.dtype)
        return self.conv(sampled, "project", kernel=1)


@upsamplers.register(name="dysample_plus")
class DySamplePlus(DySample):
    """DySample+: the offsets' scope is learned too. Liu et al. 2023, sec. 3.2.

    >>> DySamplePlus(8).kernel
    (1, 1)
    """

    dynamic_scope: bool = True


@upsamplers.register(name="dysample_pl")
class DySamplePl(DySample):
    """DySample-S: offsets of the channels as sub-pixels. Liu et al. 2023, sec. 3.2.

    >>> DySamplePl(8).kernel
    (1, 1)
    """

    shuffle_first: bool = True


@upsamplers.register(name="dysample_pl_plus")
class DySamplePlPlus(DySample):
    """DySample-S+: `dysample_pl` with a learned scope. Liu et al. 2023, sec. 3.2.

    >>> DySamplePlPlus(8).kernel
    (1, 1)
    """

    dynamic_scope: bool = True
    shuffle_first: bool = True


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
