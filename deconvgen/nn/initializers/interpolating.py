"""Kernels that start as an interpolation, or as the mirror image of an encoder."""

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.nn import initializers as plain

from deconvgen.core.errors import UserError
from deconvgen.nn.initializers.base import (
    DECONVOLUTIONS,
    Initializer,
    Use,
    initializer,
    initializers,
)
from deconvgen.ops.fir import filter_axis
from deconvgen.ops.resize import interpolation_taps


@initializer(*DECONVOLUTIONS)
def bilinear(use: Use) -> Initializer:
    """Bilinear interpolation on the diagonal of the channels: output c reads input c.

    Long et al. 2015 (FCN). The interpolation is exact at k = 2 s - s % 2; an odd k is
    half a pixel off at an even s. To freeze it, mask the paths that end in `kernel`
    out of the optimizer's updates.
    """

    def init(key: Array, shape: Sequence[int], dtype: Any = jnp.float32) -> Array:
        *sizes, a, b = shape
        taps = functools.reduce(np.multiply.outer, map(_fcn, sizes))
        diagonal = jnp.ones((1, b)) if use.depthwise else jnp.eye(a, b)
        return jnp.asarray(taps[..., None, None], dtype) * diagonal.astype(dtype)

    return init


@initializer("sub_pixel")
def icnr(use: Use, inner: str = "lecun_normal") -> Initializer:
    """One sub-kernel for all sub-pixels: starts as convolution + nearest-neighbour.

    Aitken et al. 2017, sec. 3. The channels are (r, s, c), so the sub-kernel is tiled;
    in PyTorch's order, (c, r, s), each channel would be repeated instead. The
    sub-kernel is drawn by `inner`: see `icnr_of`.
    """

    def init(key: Array, shape: Sequence[int], dtype: Any = jnp.float32) -> Array:
        *rest, channels = shape
        pixels = math.prod(use.factor)
        once = tuple(1 for _ in use.factor)
        draw = initializers[inner](use._replace(kind="convolution", factor=once))
        kernel = draw(key, (*rest, channels // pixels), dtype)
        return jnp.tile(kernel, pixels)

    return init


def icnr_of(inner: str) -> Callable[[Use], Initializer]:
    """An entry like `icnr`, the sub-kernel drawn by the initializer of that name.

    >>> start = icnr_of("he_normal")(Use("sub_pixel", (2, 2)))
    >>> kernel = start(key, (3, 3, 2, 8))  # of 2 features, the same 4 times
    >>> bool((kernel[..., :2] == kernel[..., 2:4]).all())
    True

    Raises `UserError` for a name that fits no plain convolution.
    """
    if "convolution" not in initializers[inner].kinds:
        good = ", ".join(
            n for n in initializers if "convolution" in initializers[n].kinds
        )
        raise UserError(
            f"icnr draws a convolution's kernel, by {good}, not by {inner!r}"
        )

    entry: Any = lambda use: icnr(use, inner)
    for quality in ("kinds", "needs_shortcut", "of_data"):
        setattr(entry, quality, getattr(initializers["icnr"], quality))
    return entry


@initializer(*DECONVOLUTIONS)
def nearest_equivalent(use: Use) -> Initializer:
    """Starts as nearest-neighbour resize by s, then a convolution of k - s + 1 taps.

    The kernel is W * ones(s, s) for a drawn W; needs k >= s.
    """
    return _resize_equivalent(use, "nearest")


@initializer(*DECONVOLUTIONS)
def bilinear_equivalent(use: Use) -> Initializer:
    """Starts as bilinear resize by s, then a convolution of k - 2 s + s % 2 + 1 taps.

    The kernel is W * tent for a drawn W; needs k >= 2 s - s % 2, the tent's size.
    """
    return _resize_equivalent(use, "bilinear")


@initializer("deconvolution")
def mirrored(use: Use) -> Initializer:
    """For the mirror image of an encoder: drawn as the encoder's kernel would be.

    That is lecun-normal with the fan-in of the strided convolution from `features`
    channels back to C_in. `deconvgen.nn.mirror.mirror_encoder` puts the encoder's own
    kernels in their place, so that the decoder starts as the encoder's adjoint.
    """

    def init(key: Array, shape: Sequence[int], dtype: Any = jnp.float32) -> Array:
        *taps, c, features = use.hwio(shape)
        encoder = plain.lecun_normal()(key, (*taps, features, c), dtype)
        return encoder if use.transpose_kernel else mirror_image(encoder)

    return init


def mirror_image(kernel: Array) -> Array:
    """A kernel [*taps, a, b] turned round, channels swapped: [*taps, b, a].

    Of a strided `SAME` convolution: the kernel of the transposed convolution that is
    its adjoint. It is its own inverse.
    """
    return jnp.flip(kernel, range(kernel.ndim - 2)).swapaxes(-1, -2)


def _fcn(k: int) -> np.ndarray:
    """The 1-d interpolation filter of FCN: k taps."""
    half = (k + 1) // 2
    centre = half - 1 if k % 2 else half - 0.5
    return 1 - np.abs(np.arange(k) - centre) / half


def _resize_equivalent(use: Use, name: str) -> Initializer:
    taps = [interpolation_taps(s, name) for s in use.factor]

    def init(key: Array, shape: Sequence[int], dtype: Any = jnp.float32) -> Array:
        *kernel, c, features = use.hwio(shape)
        size = [k - len(axis) + 1 for k, axis in zip(kernel, taps, strict=True)]
        if min(size) < 1:
            by = lambda numbers: " x ".join(map(str, numbers))
            raise UserError(
                f"initializer '{name}_equivalent' needs a kernel of at least "
                f"{by(map(len, taps))} to upsample by {by(use.factor)}, not "
                f"{by(kernel)}"
            )
        drawn = plain.lecun_normal()(key, (*size, c, features), dtype)
        images = jnp.moveaxis(drawn, -2, 0)
        for i, axis in enumerate(taps):  # full convolutions
            whole = (len(axis) - 1, len(axis) - 1)
            images = filter_axis(images, axis, i, padding=whole)
        return use.laid_out(jnp.moveaxis(images, 0, -2))

    return init


@initializer("subband")
def details_zero(use: Use) -> Initializer:
    """Zeros for all bands but the lowest: starts as convolution + nearest-neighbour.

    What `icnr` is for sub-pixels, for the bands of an inverse wavelet transform: the
    DC gap is 0 where the details are.
    """

    def init(key: Array, shape: Sequence[int], dtype: Any = jnp.float32) -> Array:
        bands = math.prod(use.factor)
        kernel = initializers["stride_aware"](use)(key, shape, dtype)
        lowest = jnp.arange(shape[-1]) < shape[-1] // bands
        return kernel * (lowest * bands**0.5).astype(dtype)

    return init
