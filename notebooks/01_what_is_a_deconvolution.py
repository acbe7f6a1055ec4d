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
# # What is a deconvolution?
#
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/deconvgen/deconvgen/blob/main/notebooks/01_what_is_a_deconvolution.ipynb)
#
# A decoder has to make large images from small ones, and the layer that is most often
# asked to do it is the *deconvolution*, or better: the transposed convolution. It is one
# linear map that can be understood in three ways. Here we write each of them by hand, see
# that they agree with the package to the last digits, and then look at what a trained
# network does with it.

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
WIDE = 4 if QUICK else 8  # latents to look at

# %%
from deconvgen.core import runtime

runtime.prepare()  # settings of JAX that help on a CPU; before anything imports JAX

import matplotlib.pyplot as plt
import numpy as np

import deconvgen
from deconvgen.core import images
from deconvgen.ops import conv_transpose

rng = np.random.default_rng(0)

# %% [markdown]
# ## First view: zeros in between, then a convolution
#
# Take five numbers, put a zero between each two of them (a *stride* of 2), pad, and slide
# a kernel of four numbers over the result. Five numbers became twelve: the output is
# longer than the input. That is all there is to it.

# %%
x = np.array([1.0, 3.0, 2.0, 0.0, 2.0])
kernel = np.array([0.25, 0.75, 0.75, 0.25])
stride, k = 2, len(kernel)

spread = np.zeros(stride * (len(x) - 1) + 1)
spread[::stride] = x
padded = np.pad(spread, k - 1)
by_hand = np.correlate(padded, kernel, mode="valid")
print("spread out:", spread)
print("output:    ", by_hand)

# %% [markdown]
# The package's layer is made for batches and channels: it takes `[batch, n, channels]`
# and a kernel `[k, channels in, channels out]`. With one of each it has to give the same.

# %%
ours = conv_transpose(x[None, :, None], kernel[:, None, None], stride, "VALID")
np.testing.assert_allclose(np.asarray(ours)[0, :, 0], by_hand, atol=1e-6)

figure, axes = plt.subplots(1, 3, figsize=(11, 2.5), sharey=True)
for axis, values, title in zip(
    axes, (x, spread, by_hand), ("input", "zeros between", "output"), strict=True
):
    axis.stem(values)
    axis.set_title(title)
plt.show()

# %% [markdown]
# ## Second view: the transpose of a convolution
#
# A strided convolution is a matrix: row *m* holds the kernel, moved by *m* strides. Its
# **transpose** takes what is as long as the output back to what is as long as the input.
# It is not the inverse (the numbers do not come back), but the shape does, and it is what
# automatic differentiation applies to gradients.

# %%
w = rng.normal(size=4)
n = stride * (len(x) - 1) + k  # the length that a convolution shrinks to len(x)
C = np.zeros((len(x), n))
for m in range(len(x)):
    C[m, m * stride : m * stride + k] = w

transposed = conv_transpose(
    x[None, :, None], w[:, None, None], stride, "VALID", transpose_kernel=True
)
np.testing.assert_allclose(C.T @ x, np.asarray(transposed)[0, :, 0], atol=1e-6)

figure, (left, right) = plt.subplots(1, 2, figsize=(8, 3))
strongest = np.abs(w).max()
left.imshow(C, cmap="RdBu", vmin=-strongest, vmax=strongest)
left.set_title("a convolution of stride 2")
right.imshow(C.T, cmap="RdBu", vmin=-strongest, vmax=strongest)
right.set_title("its transpose: the deconvolution")
plt.show()

# %% [markdown]
# The word for this is *adjoint*: for every `a` and `b`, `(C a) . b` equals `a . (C' b)`.

# %%
a, b = rng.normal(size=n), rng.normal(size=len(x))
print((C @ a) @ b, "=", a @ (C.T @ b))

# %% [markdown]
# ## Third view: polyphase
#
# Most of the multiplications of the first view are by an inserted zero. Look at the even
# outputs alone: they only ever meet the even kernel values; the odd outputs only the odd
# ones. So a deconvolution of stride 2 is **two small ordinary convolutions**, one for each
# *phase*, whose outputs are interleaved. Half of the work is gone (three quarters of it in
# two dimensions), and this is how the package computes it on a CPU.

# %%
even, odd = np.convolve(x, w[0::2]), np.convolve(x, w[1::2])
interleaved = np.stack([even, odd], axis=1).reshape(-1)
np.testing.assert_allclose(interleaved, C.T @ x, atol=1e-9)

figure, axis = plt.subplots(figsize=(7, 2.5))
axis.stem(np.arange(0, n, 2), even, "C0", markerfmt="C0o", label="even: w[0], w[2]")
axis.stem(np.arange(1, n, 2), odd, "C1", markerfmt="C1o", label="odd: w[1], w[3]")
axis.legend()
plt.show()

# %% [markdown]
# If the two small kernels have different sums, a constant input comes out as a zigzag.
# That is the checkerboard, and the next notebook is about it.
#
# ## In a picture
#
# In two dimensions every input pixel stamps its kernel, weighted by its value, onto the
# output; neighbouring stamps overlap. With a kernel of 4 and a stride of 2 each output
# pixel receives four stamps.

# %%
pixels = np.zeros((1, 4, 4, 1), np.float32)
pixels[0, 1, 1], pixels[0, 2, 2] = 1.0, -1.0
y, x2 = np.mgrid[-1.5:2, -1.5:2]
stamp = np.exp(-(x2**2 + y**2) / 2)[:, :, None, None].astype(np.float32)
out = np.asarray(conv_transpose(pixels, stamp, 2, "SAME"))

figure, axes = plt.subplots(1, 3, figsize=(8, 2.8))
titles = ("input 4 x 4", "kernel", "output 8 x 8")
pictures = (pixels[0, ..., 0], stamp[..., 0, 0], out[0, ..., 0])
for axis, values, title in zip(axes, pictures, titles, strict=True):
    axis.imshow(values, cmap="RdBu", vmin=-1, vmax=1)
    axis.set_title(title)
plt.show()

# %% [markdown]
# ## In a trained network
#
# `pretrained:dcgan-fashion` is a small generator that comes with the package. It starts
# from 100 random numbers, makes a 7 x 7 image of many channels of them, and doubles its
# size twice with deconvolutions of kernel 4.

# %%
run = deconvgen.load("pretrained:dcgan-fashion")
run

# %%
latents = run.latents(WIDE, seed=3)
plt.figure(figsize=(WIDE, 1.2))
plt.imshow(images.grid(run.decode(latents), columns=WIDE), cmap="gray")
plt.axis("off")
plt.show()

# %% [markdown]
# Its filters: kernels of the first deconvolution, one for each pair of an input channel
# (rows) and an output channel (columns). They are what each pixel stamps.

# %%
filters = np.asarray(run.variables["params"]["decoder"]["up_0"]["deconv"]["kernel"])
filters = filters[:, :, :6, :12].transpose(2, 3, 0, 1)[..., None]
scaled = filters.reshape(-1, 4, 4, 1) / (3 * filters.std())
plt.figure(figsize=(8, 4))
plt.imshow(images.grid(scaled, columns=12), cmap="gray")
plt.axis("off")
plt.show()

# %% [markdown]
# And what the layers make of one latent: the channels that vary most, layer by layer. The
# garment is there at 7 x 7 already; what follows sharpens it.

# %%
maps = run.feature_maps(latents[:1])
figure, axes = plt.subplots(len(maps), 8, figsize=(8, len(maps)))
for row, (name, found) in zip(axes, maps.items(), strict=True):
    for axis in row:
        axis.axis("off")
    strongest = np.argsort(-found[0].std((0, 1)))[:8]
    for axis, channel in zip(row, strongest, strict=False):
        axis.imshow(found[0, ..., channel], cmap="gray")
    row[0].set_title(
        f"{name} {found.shape[1]} x {found.shape[2]}", fontsize=8, loc="left"
    )
plt.show()

# %% [markdown]
# **Try:** another kernel size in the second view: when do all output numbers of a row of
# ones agree? Another seed for the latents. `deconvgen sample
# --workdir=pretrained:dcgan-fashion --kind=features` draws the last figure as a PNG.
