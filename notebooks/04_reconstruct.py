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
# # Reconstruct, walk, enlarge, segment
#
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/deconvgen/deconvgen/blob/main/notebooks/04_reconstruct.ipynb)
#
# The same decoder serves four tasks. An **autoencoder** squeezes an image through a few
# numbers and back, a **variational autoencoder** makes these numbers a space to walk in,
# **super-resolution** enlarges a photograph of your own, and **segmentation** says what each
# pixel belongs to. Each is one config and one call; the first is trained here, the others
# come trained with the package (`deconvgen list pretrained`).

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
STEPS = 20 if QUICK else 1500  # of training; the whole of it has 8,000

# %%
from deconvgen.core import runtime

runtime.prepare()

import tempfile

import matplotlib.pyplot as plt
import numpy as np

from deconvgen import load, train
from deconvgen.core import images
from deconvgen.runs import photographs as whole
from deconvgen.runs import sampling
from deconvgen.runs.sampling import pictures as sampling_pictures


# %%
def show(picture, size, title):
    """A picture without axes."""
    plt.figure(figsize=size)
    plt.imshow(picture, cmap="gray")
    plt.title(title, fontsize=9)
    plt.axis("off")
    plt.show()


# %% [markdown]
# ## Autoencoder
#
# 784 pixels go through 32 numbers. What comes back is blurred where 32 numbers are not
# enough: fine prints and laces go first, outlines stay. One call trains:

# %%
often = dict.fromkeys(("steps", "eval_every", "checkpoint_every"), STEPS)
autoencoder = train("autoencoder", tempfile.mkdtemp(), quiet=True, **often)
examples = autoencoder.examples(8)["image"]
rows = np.concatenate([examples, autoencoder.reconstruct(examples)])
show(images.grid(rows, columns=8), (8, 2.3), "above: images; below: reconstructions")
whole_run = load("pretrained:autoencoder-fashion")
print(f"PSNR after {STEPS} steps  {autoencoder.figures['psnr']:.2f} dB")
print(f"PSNR of the whole run   {whole_run.figures['psnr']:.2f} dB")

# %% [markdown]
# ## Variational autoencoder
#
# Here the code is a distribution, pulled towards a standard normal one, so that *any* draw
# from that decodes to something. We walk from one draw to the next: on the great circle,
# because normal numbers in many dimensions all have about the same length, and the
# straight line would pass through the much shorter ones in between.

# %%
vae = load("pretrained:vae-fashion")
a, b = vae.latents(4, 0)[:, None], vae.latents(4, 1)[:, None]
share = np.linspace(0, 1, 10)[None, :, None]
path = sampling.slerp(a, b, share).reshape(40, -1)
print("length of the codes: ", np.linalg.norm(path, axis=1)[:10].round(1))
print(
    "on the straight line:",
    np.linalg.norm((1 - share) * a + share * b, axis=-1)[0].round(1),
)
show(images.grid(vae.decode(path), columns=10), (9, 4.2), "four walks, a row each")

# %% [markdown]
# Where do the pixels come from? The decoder's layers for one code:

# %%
maps = vae.feature_maps(path[:1])
figure, axes = plt.subplots(1, len(maps), figsize=(2 * len(maps), 2.3))
for axis, (name, found) in zip(axes, maps.items(), strict=True):
    strongest = found[0].std((0, 1)).argmax()
    axis.imshow(found[0, ..., strongest], cmap="gray")
    axis.set_title(name, fontsize=8)
    axis.axis("off")
plt.show()

# %% [markdown]
# ## Super-resolution of your photograph
#
# A small network has learnt to double the size of photographs. On Colab the cell below asks
# for a picture of yours; elsewhere (or if you cancel) it takes one of the package's.

# %%
superres = load("pretrained:superres-photos")
picture = None
if "google.colab" in sys.modules:
    from google.colab import files

    for name in files.upload():
        picture = images.load(name, superres.image_shape[-1])
if picture is None:
    photograph = next(iter(whole.photographs(superres).values()))
    picture, truth = whole.pair(superres, photograph[64:256, 128:320])
print("from", picture.shape, "to", whole.enlarged(superres, picture).shape)

# %%
patch = picture[:96, :96]
sides = [whole.bicubic(superres, patch), whole.enlarged(superres, patch)]
both = np.squeeze(images.to_uint8(np.concatenate(sides, axis=1)))
show(both, (10, 5.2), "left: bicubic interpolation; right: the network")
{key: round(superres.figures[key], 2) for key in ("psnr_y", "psnr_y_bicubic")}

# %% [markdown]
# In decibels, on the test patches: how near both come to the photograph itself.
#
# ## Segmentation
#
# Clothes laid over textures, so that the class of every pixel is known. Each row: the
# image, its true classes, the predicted ones, and in red the pixels that are wrong.

# %%
segmentation = load("pretrained:segmentation-clothes")
grid = images.grid(segmentation.shown(4), columns=1)
sheet = sampling_pictures.with_legend(grid, segmentation.config.data.class_names)
show(sheet, (8, 8.5), "image | true classes | predicted | errors")

# %% [markdown]
# **Try:** `vae.decode` of a code with one number changed step by step; another
# `loss.name` for the autoencoder (`"l1 + focal_frequency"` keeps more of the texture);
# another upsampler in any of the four.
