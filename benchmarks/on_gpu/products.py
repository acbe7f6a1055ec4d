"""Convolutions as matrix products, whose vmap over kernels is a batched product.

`vmap` makes a grouped convolution of a convolution with a kernel for each member;
here the kernel only meets `dot_general`, and autodiff and vmap stay within products,
shifts and sums. For two spatial axes, no groups, no dilation: what a DCGAN needs.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

import jax.numpy as jnp
from jax import lax

from deconvgen.nn import conv as layers
from deconvgen.ops.convolution import polyphase
from deconvgen.ops.convolution.geometry import (
    Geometry,
    dilated_pads,
    per_axis,
    strided_pads,
)


def conv(x, kernel, strides=1, padding="SAME", **_):
    """x [n, h, w, c], kernel [kh, kw, c, f]: patches times the kernel."""
    (kh, kw), stride = kernel.shape[:2], per_axis(strides, 2, "strides")
    n, *size, c = x.shape
    pads = strided_pads(size, (kh, kw), stride, (1, 1), padding)
    x = jnp.pad(x, ((0, 0), *pads, (0, 0)))
    r, s = stride
    h, w = (x.shape[1] - kh) // r + 1, (x.shape[2] - kw) // s + 1
    seen = [
        lax.slice(
            x, (0, i, j, 0), (n, i + r * h - r + 1, j + s * w - s + 1, c), (1, r, s, 1)
        )
        for i in range(kh)
        for j in range(kw)
    ]
    patches = jnp.stack(seen, 3)  # [n, h, w, taps, c]
    return jnp.einsum("nhwtc,tcf->nhwf", patches, kernel.reshape(kh * kw, c, -1))


def conv_transpose(x, kernel, strides=1, padding="SAME", **_):
    """x [n, h, w, c], kernel [kh, kw, c, f]: pixels times all taps, shifted, added."""
    stride, taps = per_axis(strides, 2, "strides"), kernel.shape[:2]
    pads = dilated_pads(taps, stride, (1, 1), padding, False)
    reach, small = [k - 1 for k in taps], x.shape[1:3]
    spans = zip(stride, small, pads, reach)
    big = tuple(s * (n - 1) + 1 + lo + hi - r for s, n, (lo, hi), r in spans)
    low = tuple(r - lo for r, (lo, _) in zip(reach, pads))
    geometry = Geometry(stride, (1, 1), low, big, small, taps, 1)
    w = jnp.flip(kernel, (0, 1)).swapaxes(2, 3)
    return polyphase.scatter_product(geometry, None, x, w)


@contextmanager
def swapped() -> Iterator[None]:
    """While a program is traced inside, our layers run as matrix products."""
    with (
        mock.patch.object(layers, "conv", conv),
        mock.patch.object(layers, "conv_transpose", conv_transpose),
    ):
        yield
