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
# # Train a DCGAN
#
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/deconvgen/deconvgen/blob/main/notebooks/03_train_a_dcgan.ipynb)
#
# From a config to pictures: what the config says, what one call trains, what a run folder
# holds, how a run that was cut off goes on, and what can be drawn from it. A few minutes on
# Colab's GPU, some more on a CPU.
#
# Radford, Metz and Chintala 2016, "Unsupervised Representation Learning with Deep
# Convolutional Generative Adversarial Networks".

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
STEPS = 20 if QUICK else 3000
VARIANT = "smoke" if QUICK else "demo"

# %%
from deconvgen.core import runtime

runtime.prepare()

import shutil
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image

from deconvgen import config, load
from deconvgen.core import images
from deconvgen.runs import sampling
from deconvgen.runs.train import train
from deconvgen.training import checkpoint, log

# %% [markdown]
# ## The config
#
# A config is a short Python file of plain values; `dcgan` is one of those that come with
# the package, and `demo` is its small variant. Every value can be overridden by its name:
# here, as on the command line with `--config.KEY=VALUE`.

# %%
settings = config.load(f"dcgan:{VARIANT}", [f"steps={STEPS}", "model.latent=64"])
print("upsampler  ", settings.model.upsampler, "kernel", settings.model.kernel_size)
print("features   ", settings.model.features, "factors", settings.model.factors)
print("initializer", settings.model.initializer)
print("loss       ", settings.loss.name)
print("optimizer  ", settings.optimizer.name, settings.optimizer.learning_rate)
print("data       ", settings.data.name)

# %% [markdown]
# The generator starts at 7 x 7 and each factor of 2 is one upsampling block: 7, 14, 28.
# A mistake is told before anything is computed, with what was probably meant:

# %%
from deconvgen.core.errors import UserError

try:
    config.load("dcgan:demo", ["model.upsampler=conv_transpose", "modle.latent=3"])
except UserError as error:
    print(error)

# %% [markdown]
# ## The run
#
# One call trains, evaluates, keeps checkpoints and draws sample grids. A first run loads
# the data and compiles, which takes the first seconds.

# %%
workdir = Path(tempfile.mkdtemp()) / "dcgan"
outcome = train(settings, workdir, quiet=True)
print("step", outcome.step)
print(*sorted(path.name for path in workdir.iterdir()), sep="\n")

# %% [markdown]
# `metrics.jsonl` has a record a line. Two losses that stay in balance are a good sign, and
# `diversity` is the variety of the generator's images next to that of the real ones: if
# it falls towards 0, the generator has collapsed.

# %%
records = [r for r in log.read(workdir / "metrics.jsonl") if r["kind"] == "train"]
steps = [r["step"] for r in records]
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3))
for name in ("d_loss", "g_loss"):
    left.plot(steps, [r[name] for r in records], label=name)
right.plot(steps, [r["diversity"] for r in records], label="diversity")
for axis in (left, right):
    axis.set_xlabel("step")
    axis.legend()
plt.show()

# %% [markdown]
# The same latents at every stage of training: the grids under `samples/`.

# %%
grids = sorted((workdir / "samples").glob("*.png"))
chosen = grids[:: max(1, len(grids) // 3)][-4:]
figure, axes = plt.subplots(1, len(chosen), figsize=(4 * len(chosen), 4), squeeze=False)
for axis, path in zip(axes[0], chosen, strict=True):
    axis.imshow(Image.open(path), cmap="gray")
    axis.set_title(f"step {int(path.stem)}")
    axis.axis("off")
plt.show()

# %% [markdown]
# ## Going on where it was
#
# Suppose that the machine went away before the end. We take the last checkpoint out and
# give the *same call* again: the run goes on from the checkpoint before, and since data
# and random numbers depend on the step alone, it ends with exactly the same weights.

# %%
last = checkpoint.steps(workdir)[-1]
before = checkpoint.read_arrays(checkpoint.folder(workdir, last))
shutil.rmtree(checkpoint.folder(workdir, last))
print("goes on from step", checkpoint.steps(workdir)[-1])
train(settings, workdir, quiet=True)
after = checkpoint.read_arrays(checkpoint.folder(workdir, last))
same = all(np.array_equal(before[name], after[name]) for name in before)
print("the same, bit for bit:", same)

# %% [markdown]
# ## Sampling
#
# `load` gives the run at its best checkpoint. Image *i* depends on the seed and on *i*
# alone, so the first four of sixty-four are the same as four.

# %%
run = load(workdir)
run

# %%
made = run.sample(num=32, seed=0)
few = run.sample(num=4, seed=0)
print("largest difference:", np.abs(made[:4] - few).max())
plt.figure(figsize=(8, 4))
plt.imshow(images.grid(made, columns=8), cmap="gray")
plt.axis("off")
plt.show()

# %% [markdown]
# `deconvgen sample` draws more than grids. These are the kinds, each a function of the
# registry `deconvgen.runs.sampling.kinds`:

# %%
for name in sampling.kinds:
    print(f"{name:22} {sampling.kinds.summary(name)}")

# %%
figure, axes = plt.subplots(1, 2, figsize=(10, 5))
for axis, kind in zip(axes, ("interpolation", "truncation"), strict=True):
    axis.imshow(sampling.kinds[kind](run, 32, 0, ""), cmap="gray")
    axis.set_title(kind)
    axis.axis("off")
plt.show()

# %% [markdown]
# ## Larger, and in colour
#
# The same recipe at 64 x 64, `dcgan:avatars`, takes the better part of an hour on a CPU
# core, so a checkpoint of it comes with the package (`deconvgen list pretrained`). It
# has learnt drawn faces, a column for each hair:

# %%
faces = load("pretrained:dcgan-avatars")
plt.figure(figsize=(10, 5))
plt.imshow(sampling.kinds["grid"](faces, 50, 0, ""))
plt.axis("off")
plt.show()

# %% [markdown]
# **Try:** another upsampler (`deconvgen list upsamplers`), another initializer, or
# `loss.name=hinge`. The same from a terminal:
#
#     deconvgen train --config=dcgan:demo --workdir=runs/dcgan
#     deconvgen sample --workdir=runs/dcgan --kind=walk
