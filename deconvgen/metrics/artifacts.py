"""What upsampling leaves behind: in weights, in images, in gradients.

A deconvolution of stride s treats the s x s positions of its output differently, one
sub-kernel ("phase") for each: that is the checkerboard (Odena, Dumoulin and Olah 2016).
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float

from deconvgen.core.errors import UserError
from deconvgen.core.types import Images
from deconvgen.ops.arguments import takes
from deconvgen.ops.fir import pair

LEAST = 1e-10
"""Variance that counts as none: a hundred-thousandth of an amplitude of 1, squared."""


def polyphase_gains(
    kernel: Float[Array, "kh kw i o"], stride: int | np.integer | tuple[int, int]
) -> Float[Array, "r s i o"]:
    """The sum of the taps that each output phase of a deconvolution uses."""
    r, s = pair(stride, "a stride")
    gains = [
        [jnp.sum(kernel[a::r, b::s], axis=(0, 1)) for b in range(s)] for a in range(r)
    ]
    return jnp.array(gains)


def polyphase_dc_gap(
    kernel: Float[Array, "kh kw i o"], stride: int | np.integer | tuple[int, int]
) -> Array:
    """How unevenly the phases of a deconvolution answer a constant input, in [0, 1].

    The spread of the phases' DC gains around their mean over the root mean square of
    the gains. 0 if and only if a constant comes out without a checkerboard (Sugawara,
    Shiota and Kiya 2018); sqrt(1 - 1/s^2) for independent gains of zero mean, and for
    one phase alone.

    >>> polyphase_dc_gap(jnp.ones((4, 4, 1, 1)), 2)  # 2 divides 4
    Array(0., dtype=float32)
    """
    gains = polyphase_gains(kernel.astype(jnp.float32), stride)
    spread = gains - jnp.mean(gains, axis=(0, 1))
    power = jnp.mean(jnp.square(gains))
    return jnp.sqrt(jnp.mean(jnp.square(spread)) / jnp.where(power > 0, power, 1))


@takes("levels", images="h w c")
def phase_variances(
    images: Images, stride: int, detail: bool = False
) -> Float[Array, "b {stride} {stride}"]:
    """Mean square at each of the s x s pixel phases, about the image's own mean.

    With `detail`, of the Laplacian (a pixel minus the mean of its four neighbours):
    smooth contents then do not hide the pattern. Rows and columns beyond a multiple of
    the stride are left out.

    Raises `UserError` where the images are smaller than the stride.

    >>> phase_variances(images, 2).shape
    (8, 2, 2)
    """
    x = images.astype(jnp.float32)
    if detail:
        across = x[:, 1:-1, :-2] + x[:, 1:-1, 2:]
        down = x[:, :-2, 1:-1] + x[:, 2:, 1:-1]
        x = x[:, 1:-1, 1:-1] - (across + down) / 4
    else:
        x = x - jnp.mean(x, axis=(1, 2), keepdims=True)
    b, h, w, c = x.shape
    rows, columns = h // stride, w // stride
    if not rows or not columns:
        raise UserError(f"images of {h} x {w} pixels have no phases of stride {stride}")
    x = x[:, : rows * stride, : columns * stride]
    x = x.reshape(b, rows, stride, columns, stride, c)
    return jnp.mean(jnp.square(x), axis=(1, 3, 5))


def phase_variance_ratio(variances: Float[Array, "s s"]) -> Array:
    """Largest over smallest of the phases' variances: 1 for no checkerboard.

    Of variances that were averaged over a set of images. With independent weights and
    inputs a deconvolution has (ceil(k/s) / floor(k/s))^2. NaN where nothing varies, of
    constant images, say: they are neither even nor uneven, and no ranking shall have
    them first; and where a variance is not finite.

    >>> phase_variance_ratio(jnp.array([[1.0, 2.0], [2.0, 4.0]]))
    Array(4., dtype=float32)
    """
    largest, least = jnp.max(variances), jnp.min(variances)
    known = jnp.isfinite(variances).all() & (largest > LEAST)
    return jnp.where(known, largest / jnp.maximum(least, LEAST), jnp.nan)


def input_gradient(loss: Callable[[Images], Float[Array, " b"]], images: Images):
    """dLoss/dInput [b, h, w, c] of a loss per example, to look for a checkerboard in.

    `phase_variances` of it show what a strided network sends back into a generator.
    `loss` has to treat examples independently.

    >>> input_gradient(lambda x: (x**2).sum((1, 2, 3)) / 2, x).shape
    (1, 4, 4, 2)
    """
    return jax.grad(lambda x: jnp.sum(loss(x).astype(jnp.float32)))(images)
