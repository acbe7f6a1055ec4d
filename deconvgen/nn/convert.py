"""Kernels of PyTorch's and Keras's convolutions as those of ours, and back.

Any number of spatial axes, any number of groups. The layers themselves correspond
like this (PyTorch's padding p and output padding op, Keras's "same" and "valid"):

    PyTorch  Conv2d           Conv(strides=s, padding=p)
             ConvTranspose2d  ConvTranspose(strides=(s, s), padding=p,
                                  output_padding=op, transpose_kernel=True,
                                  use_consistent_padding=True)
    Keras    Conv2D           Conv(strides=s, padding="SAME")
             Conv2DTranspose  ConvTranspose(strides=(s, s), padding="SAME",
                                  transpose_kernel=True)

Biases need no conversion. Arrays of NumPy and JAX go in; to hand over a PyTorch
parameter call `.detach().numpy()` on it first.
"""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Shaped

AnyArray = Array | np.ndarray


def conv_from_torch(
    weight: Shaped[AnyArray, "features i *kernel"],
) -> Shaped[Array, "*kernel i features"]:
    """The `weight` of a PyTorch Conv1d/2d/3d as the kernel of our `Conv`."""
    weight = jnp.asarray(weight)
    return jnp.moveaxis(weight, (1, 0), (-2, -1))


def conv_to_torch(
    kernel: Shaped[AnyArray, "*kernel i features"],
) -> Shaped[Array, "features i *kernel"]:
    """The kernel of our `Conv` as the `weight` of a PyTorch Conv1d/2d/3d."""
    return jnp.moveaxis(jnp.asarray(kernel), (-2, -1), (1, 0))


def conv_transpose_from_torch(
    weight: Shaped[AnyArray, "c o *kernel"],
) -> Shaped[Array, "*kernel o c"]:
    """The `weight` of a PyTorch ConvTranspose1d/2d/3d, [c, features / groups, ...].

    The result is for a layer with `transpose_kernel`.
    """
    return jnp.moveaxis(jnp.asarray(weight), (1, 0), (-2, -1))


def conv_transpose_to_torch(
    kernel: Shaped[AnyArray, "*kernel o c"],
) -> Shaped[Array, "c o *kernel"]:
    """The way back: the kernel of a layer with `transpose_kernel`."""
    return jnp.moveaxis(jnp.asarray(kernel), (-2, -1), (1, 0))


def conv_from_keras(
    kernel: Shaped[AnyArray, "*kernel i features"],
) -> Shaped[Array, "*kernel i features"]:
    """Keras's Conv1D/2D/3D has our layout: the same array."""
    return jnp.asarray(kernel)


def conv_to_keras(
    kernel: Shaped[AnyArray, "*kernel i features"],
) -> Shaped[Array, "*kernel i features"]:
    """Keras's Conv1D/2D/3D has our layout: the same array."""
    return jnp.asarray(kernel)


def conv_transpose_from_keras(
    kernel: Shaped[AnyArray, "*kernel features c"], transpose_kernel: bool = True
) -> Shaped[Array, "*kernel i o"]:
    """The kernel of a Keras Conv1D/2D/3DTranspose, [*kernel_size, features, c].

    It is that of a layer with `transpose_kernel` as it stands; for a layer without,
    it is flipped and its last two axes change places.
    """
    kernel = jnp.asarray(kernel)
    return kernel if transpose_kernel else _flipped(kernel)


def conv_transpose_to_keras(
    kernel: Shaped[AnyArray, "*kernel i o"], transpose_kernel: bool = True
) -> Shaped[Array, "*kernel features c"]:
    """The way back, from a layer with or without `transpose_kernel`."""
    kernel = jnp.asarray(kernel)
    return kernel if transpose_kernel else _flipped(kernel)


def _flipped(kernel: Array) -> Array:
    return jnp.flip(kernel, range(kernel.ndim - 2)).swapaxes(-1, -2)
