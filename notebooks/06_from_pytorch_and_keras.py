# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#       format_version: '1.3'
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # A decoder from PyTorch or Keras
#
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/deconvgen/deconvgen/blob/main/notebooks/06_from_pytorch_and_keras.ipynb)
#
# You have a trained decoder elsewhere and want its weights here: to audit it, to sample from
# it in JAX, to train it on. The layers correspond one to one, but the arrays are laid out
# differently and the paddings count differently. We bring a PyTorch decoder across, prove
# that both compute the same images, and do the same for Keras's transposed convolution.

# %% [markdown]
# On Colab the next cell installs the package; elsewhere it does nothing.

# %%
import subprocess
import sys

if "google.colab" in sys.modules:
    source = "git+https://github.com/deconvgen/deconvgen"
    subprocess.run([sys.executable, "-m", "pip", "install", "-q", source], check=True)

# %% [markdown]
# The parameters. `DECONVGEN_QUICK=1` in the environment runs everything in a minute or
# two, to see that it works; the pictures are worth looking at without it.

# %% tags=["parameters"]
import os

QUICK = os.environ.get("DECONVGEN_QUICK") == "1"
SIZE = 8 if QUICK else 16  # side of the images that go in

# %%
from deconvgen.core import runtime

runtime.prepare()

import importlib.util

import flax.linen as nn
import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np

from deconvgen.nn import ConvTranspose, convert

TORCH = importlib.util.find_spec("torch") is not None
print("PyTorch is installed:", TORCH)

# %% [markdown]
# ## How the layers correspond
#
# | | PyTorch | deconvgen |
# |---|---|---|
# | images | `[b, c, h, w]` | `[b, h, w, c]` |
# | kernel of a convolution | `[out, in, k, k]` | `[k, k, in, out]` |
# | kernel of its transpose | `[in, out, k, k]` | `[k, k, out, in]`, `transpose_kernel` |
# | `padding=p` of the transpose | takes `p` off each side | `use_consistent_padding` |
#
# `deconvgen.nn.convert` moves the axes; the settings are fields of our layer.

# %%
if TORCH:
    import torch

    torch.manual_seed(0)
    theirs = torch.nn.Sequential(
        torch.nn.ConvTranspose2d(6, 8, 4, stride=2, padding=1),
        torch.nn.BatchNorm2d(8),
        torch.nn.ReLU(),
        torch.nn.ConvTranspose2d(8, 3, 3, stride=2, padding=1, output_padding=1),
        torch.nn.Tanh(),
    )
    with torch.no_grad():  # as if it had been trained
        theirs.train()(torch.randn(32, 6, SIZE, SIZE))
    theirs.eval()
    print(theirs)

# %% [markdown]
# The same decoder here. Batch normalization has the same four vectors, under other names.


# %%
class Decoder(nn.Module):
    """Two deconvolutions with batch normalization in between."""

    @nn.compact
    def __call__(self, x):
        x = self.up(8, 4, 0, "up_0")(x)
        x = nn.BatchNorm(use_running_average=True, epsilon=1e-5, name="norm_0")(x)
        x = self.up(3, 3, 1, "up_1")(nn.relu(x))
        return jnp.tanh(x)

    def up(self, features, k, more, name):
        """PyTorch's ConvTranspose2d(..., k, stride=2, padding=1)."""
        return ConvTranspose(
            features,
            (k, k),
            (2, 2),
            padding=1,
            output_padding=more,
            transpose_kernel=True,
            use_consistent_padding=True,
            name=name,
        )


# %% [markdown]
# Bring the weights across: kernels through `convert`, everything else as it is.


# %%
def converted(model):
    """Our variables from PyTorch's modules."""
    first, norm, _, second, _ = model
    array = lambda tensor: tensor.detach().numpy()
    up = lambda layer: {
        "kernel": convert.conv_transpose_from_torch(array(layer.weight)),
        "bias": array(layer.bias),
    }
    params = {
        "up_0": up(first),
        "norm_0": {"scale": array(norm.weight), "bias": array(norm.bias)},
        "up_1": up(second),
    }
    means = {"mean": array(norm.running_mean), "var": array(norm.running_var)}
    return {"params": params, "batch_stats": {"norm_0": means}}


# %% [markdown]
# ## The proof
#
# The same input through both; the largest difference should be that of rounding, about
# 1e-6 for numbers of size 1. If an axis or a padding were wrong, it would be about 1.

# %%
x = np.random.default_rng(0).normal(size=(4, SIZE, SIZE, 6)).astype(np.float32)
if TORCH:
    variables = converted(theirs)
    ours = np.asarray(jax.jit(Decoder().apply)(variables, x))
    with torch.no_grad():
        expected = theirs(torch.from_numpy(x.transpose(0, 3, 1, 2).copy()))
    expected = expected.numpy().transpose(0, 2, 3, 1)
    print("shapes", ours.shape, expected.shape)
    print("largest difference", np.abs(ours - expected).max())
    np.testing.assert_allclose(ours, expected, atol=1e-5)

# %%
if TORCH:
    figure, axes = plt.subplots(1, 3, figsize=(9, 3))
    parts = (expected[0], ours[0], np.abs(ours - expected)[0])
    for axis, part, title in zip(
        axes, parts, ("PyTorch", "here", "difference"), strict=True
    ):
        axis.imshow(part / 2 + 0.5 if title != "difference" else part)
        axis.set_title(title)
        axis.axis("off")
    plt.show()

# %% [markdown]
# And back: what was trained here goes to PyTorch by the inverse functions, bit for bit.

# %%
if TORCH:
    kernel = variables["params"]["up_0"]["kernel"]
    back = convert.conv_transpose_to_torch(kernel)
    print("bit for bit:", np.array_equal(back, theirs[0].weight.detach().numpy()))

# %% [markdown]
# ## Keras
#
# Keras keeps images as we do, `[b, h, w, c]`, and its `Conv2DTranspose` keeps the kernel
# as `[k, k, out, in]`, which is what our layer with `transpose_kernel` has: nothing moves.
# Its definition is "the gradient of `Conv2D` with respect to its input", so we can prove
# equality without Keras: differentiate a convolution, compare.

# %%
kernel = jax.random.normal(jax.random.key(0), (4, 4, 3, 6))  # k, k, out, in
big = jnp.zeros((4, 2 * SIZE, 2 * SIZE, 3))


def convolution(image):
    """Keras's Conv2D(6, 4, strides=2, padding="same"), without the bias."""
    axes = ("NHWC", "HWIO", "NHWC")
    return jax.lax.conv_general_dilated(
        image, kernel, (2, 2), "SAME", dimension_numbers=axes
    )


gradient = jax.jit(lambda y: jax.vjp(convolution, big)[1](y)[0])(x)
layer = ConvTranspose(3, (4, 4), (2, 2), transpose_kernel=True, use_bias=False)
params = {"params": {"kernel": convert.conv_transpose_from_keras(kernel)}}
ours = jax.jit(layer.apply)(params, x)
print("largest difference", float(jnp.abs(ours - gradient).max()))
np.testing.assert_allclose(ours, gradient, atol=1e-4)

# %% [markdown]
# A layer without `transpose_kernel`, which is what most configs have, wants the kernel
# flipped and its last axes exchanged. `conv_transpose_from_keras` does that as well:

# %%
plain = ConvTranspose(3, (4, 4), (2, 2), use_bias=False)
flipped = convert.conv_transpose_from_keras(kernel, transpose_kernel=False)
again = jax.jit(plain.apply)({"params": {"kernel": flipped}}, x)
print("largest difference", float(jnp.abs(again - gradient).max()))

# %% [markdown]
# **Try:** break it on purpose: leave `use_consistent_padding` out, or take
# `conv_from_torch` for the transposed kernel, and look at the difference. Then audit what
# you brought: `deconvgen.metrics.artifacts.polyphase_dc_gap(kernel, 2)` tells how much of a
# checkerboard your trained layer has.
