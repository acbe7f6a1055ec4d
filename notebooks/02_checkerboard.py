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
# # Where checkerboards come from
#
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/deconvgen/deconvgen/blob/main/notebooks/02_checkerboard.ipynb)
#
# Images from a decoder often carry a fine regular pattern, most visible where they should
# be smooth. It comes from the upsampling layer, and much of it is there before the first
# step of training. We count how often each pixel is painted, audit layers and their
# initializers, and compare two generators before and after training.
#
# Odena, Dumoulin and Olah 2016, "Deconvolution and Checkerboard Artifacts"; Sugawara,
# Shiota and Kiya 2018 for the condition that rules it out.

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
STEPS = 20 if QUICK else 2000  # of training, for each of two generators

# %%
from deconvgen.core import runtime

runtime.prepare()

import tempfile

import matplotlib.pyplot as plt
import numpy as np

from deconvgen import audit, config, load, train
from deconvgen.core import images
from deconvgen.metrics.spectra import decibels
from deconvgen.ops import conv_transpose, power_spectrum

# %% [markdown]
# ## Overlap: kernel against stride
#
# A deconvolution stamps a kernel for each input pixel. Count the stamps that reach each
# output pixel: feed it ones through a kernel of ones. Where the stride divides the kernel
# the count is even; where it does not, every second pixel gets more than its neighbours.

# %%
ones = np.ones((1, 5, 5, 1), np.float32)
figure, axes = plt.subplots(1, 5, figsize=(12, 2.6))
for axis, (k, stride) in zip(
    axes, [(2, 2), (3, 2), (4, 2), (5, 2), (6, 3)], strict=True
):
    kernel = np.ones((k, k, 1, 1), np.float32)
    count = np.asarray(conv_transpose(ones, kernel, stride, "SAME"))[0, ..., 0]
    inner = count[stride:-stride, stride:-stride]
    axis.imshow(count, cmap="viridis")
    axis.set_title(
        f"kernel {k}, stride {stride}\n{inner.min():.0f} to {inner.max():.0f}"
    )
    axis.axis("off")
plt.show()

# %% [markdown]
# So *kernel 4, stride 2* is safe? Of the count, yes. But the weights are random, and an
# even count of unequal weights is still uneven: the even phase sums `w[0] + w[2]`, the odd
# one `w[1] + w[3]`. Only if these **sums** agree does a constant stay constant.
#
# ## The audit
#
# `deconvgen.audit` measures a layer as it is initialized. `phase_variance` compares how
# strongly the output phases answer to noise (1 is even), `dc_gap` how far their answers to
# a constant are apart (0 means no checkerboard).

# %%
layers = [
    ("conv_transpose", 3, "default"),
    ("conv_transpose", 4, "default"),
    ("conv_transpose", 4, "bilinear"),
    ("depth_to_space", 3, "default"),
    ("depth_to_space", 3, "icnr"),
    ("nearest_conv", 3, "default"),
]
audits = [audit.audit(name, 2, k, init, 8) for name, k, init in layers]
print(f"{'upsampler':16} {'kernel':6} {'initializer':12} phase variance  DC gap")
for (name, k, init), found in zip(layers, audits, strict=True):
    print(f"{name:16} {k:6} {init:12} {found.phase_variance:14.2f} {found.dc_gap:7.3f}")

# %% [markdown]
# Read it line by line:
#
# - Kernel 3 does not divide by 2: variance differs by a factor of 4 between phases.
# - Kernel 4 evens out the variance, but not the sums of random weights.
# - A **bilinear** start makes the sums equal: the layer begins as an interpolation.
# - Sub-pixel convolution (`depth_to_space`) has four unrelated kernels, one a phase;
#   **ICNR** starts them equal (Aitken et al. 2017).
# - Resize, then convolve: there is only one kernel, so all phases agree.
#
# The same in pictures: what a constant input looks like behind each layer.

# %%
figure, axes = plt.subplots(1, len(audits), figsize=(13, 2.8))
for axis, (name, k, init), found in zip(axes, layers, audits, strict=True):
    shown = found.constant
    low, high = shown.min(), shown.max()
    spread = max(high - low, 1e-3)
    axis.imshow(np.clip((shown - low) / spread, 0, 1))
    axis.set_title(f"{name} {k}\n{init}", fontsize=9)
    axis.axis("off")
plt.show()

# %% [markdown]
# ## Before and after training
#
# Does training mend it? Two generators, the same but for their upsampling layer: the
# uneven deconvolution of kernel 3, and nearest-neighbour upsampling with a convolution.

# %%
shared = [
    f"steps={STEPS}",
    f"eval_every={STEPS}",
    f"checkpoint_every={STEPS}",
    "log_every=20",
    "batch_size=32",
    "model.features=32,16",
    "ema=0.99",
    "model.kernel_size=3",
    f"eval.num_examples={100 if QUICK else 1000}",
    "monitor.metric=g_loss",
]
folder = tempfile.mkdtemp()
trained = {}
for name in ("conv_transpose", "nearest_conv"):
    settings = config.load("gan", [*shared, f"model.upsampler={name}"])
    train(settings, f"{folder}/{name}", quiet=True)
    trained[name] = load(f"{folder}/{name}")

# %% [markdown]
# A network before training is the same config with one step. Below: images (their
# contrast stretched, since an untrained network hardly leaves the grey), and the mean
# spectrum of 256 of them, frequency 0 in the middle. A checkerboard of stride 2 is bright
# at the edges, one of stride 4 halfway to them.

# %%
untrained = {}
for name in trained:
    once = ["steps=1", "eval_every=1", "ema=0", "eval.num_examples=32"]
    settings = config.load("gan", [*shared, *once, f"model.upsampler={name}"])
    train(settings, f"{folder}/{name}-untrained", quiet=True)
    untrained[name] = load(f"{folder}/{name}-untrained")

# %%
figure, axes = plt.subplots(2, 4, figsize=(12, 6))
for row, name in zip(axes, trained, strict=True):
    pairs = {"before": untrained[name], "after": trained[name]}
    for axis, (when, run) in zip(row.reshape(2, 2), pairs.items(), strict=True):
        made = run.sample(256)
        power = np.asarray(power_spectrum(made)).reshape(-1, 28, 28).mean(0)
        stretched = made[:16] / np.abs(made[:16]).max()
        axis[0].imshow(images.grid(stretched), cmap="gray", vmin=0, vmax=255)
        axis[0].set_title(f"{name}, {when}", fontsize=9)
        axis[1].imshow(decibels(np.fft.fftshift(power)), cmap="magma")
        axis[1].set_title("spectrum in dB", fontsize=9)
        axis[0].axis("off"), axis[1].axis("off")
plt.show()

# %% [markdown]
# The numbers to the pictures, on generated images against real ones:
# `phase_variance_ratio_s2` is 1 where the four phases of the image vary alike,
# `spectrum_distance_db` is how far the azimuthal spectrum is from that of the data.

# %%
measures = ("phase_variance_ratio_s2", "phase_detail_ratio_s2", "spectrum_distance_db")
for when, runs in (("before", untrained), ("after", trained)):
    for name, run in runs.items():
        figures = {key: run.figures[key] for key in measures if key in run.figures}
        print(when, name, {key: round(value, 3) for key, value in figures.items()})

# %% [markdown]
# **Try:** kernel 4 with `model.initializer=bilinear`; a last layer of its own with
# `model.last_upsampler=nearest_conv`. On the command line:
# `deconvgen audit --kernel_size=3 --out=audit` writes a page with all layers.
