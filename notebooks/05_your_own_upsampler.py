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
# # Your own upsampling layer
#
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/deconvgen/deconvgen/blob/main/notebooks/05_your_own_upsampler.ipynb)
#
# Write a layer in ten lines, register it, and everything else finds it: the audit, the
# configs, the sweeps, the report. We build one, ask what it does before training, sweep it
# against two others, and read the answer with its uncertainty.

# %% [markdown]
# On Colab the next cell installs the package; elsewhere it does nothing.

# %%
import subprocess
import sys

if "google.colab" in sys.modules:
    source = "deconvgen[report] @ git+https://github.com/deconvgen/deconvgen"
    subprocess.run([sys.executable, "-m", "pip", "install", "-q", source], check=True)

# %% [markdown]
# The parameters. `DECONVGEN_QUICK=1` in the environment runs everything in a minute or
# two, to see that it works; the pictures are worth looking at without it.

# %% tags=["parameters"]
import os

QUICK = os.environ.get("DECONVGEN_QUICK") == "1"
STEPS = 20 if QUICK else 1500
SEEDS = 2 if QUICK else 3

# %%
from deconvgen.core import runtime

runtime.prepare()

import tempfile
from pathlib import Path

import jax
import matplotlib.pyplot as plt
import numpy as np
from IPython.display import Markdown, display

from deconvgen import audit, config, load
from deconvgen.core import images
from deconvgen.nn import make_upsampler, upsamplers
from deconvgen.report import report
from deconvgen.sweep import start

folder = Path(tempfile.mkdtemp())

# %% [markdown]
# ## The layer
#
# *Half and half*: a deconvolution of kernel 4 (sharp, may be uneven) whose result is added
# to that of nearest-neighbour upsampling with a convolution (smooth, even), so that the
# network can choose. An upsampler is a Flax module with a few common fields; `Upsampler`
# has them, and the method `conv` that applies a convolution of the right features,
# initializer and dtype.
#
# We write it into a file of its own, together with a config, so that the workers of a
# sweep find it too.

# %%
MINE = '''
"""A DCGAN whose generator may have a layer of our own."""

import flax.linen as nn

from deconvgen import config
from deconvgen.nn import ConvTranspose, Upsampler, upsamplers
from deconvgen.ops import resize

if "half_and_half" not in upsamplers:  # a file may be read more than once

    @upsamplers.register(name="half_and_half")
    class HalfAndHalf(Upsampler):
        """A deconvolution plus a resize-convolution."""

        kinds = ("deconvolution", "convolution")

        @nn.compact
        def __call__(self, x):
            smooth = self.conv(resize.nearest(x, self.factors), kernel=(3, 3))
            init = self.init_for("deconvolution", self.factors)
            sharp = ConvTranspose(
                self.features, (4, 4), self.factors, kernel_init=init, dtype=self.dtype
            )(x)
            return (smooth + sharp) / 2**0.5


def get_config(variant=""):
    return config.load(f"dcgan:{variant}")
'''
(folder / "mine.py").write_text(MINE.lstrip())
config.load(f"{folder}/mine.py:smoke")  # reading the file registers the layer
print("half_and_half" in upsamplers)

# %% [markdown]
# ## Does it do what it should?
#
# The contract of every upsampler: `[b, h, w, c]` becomes `[b, 2h, 2w, features]`.

# %%
x = jax.random.normal(jax.random.key(0), (1, 7, 7, 16))
layer = make_upsampler("half_and_half", features=8)
variables = layer.init(jax.random.key(1), x)
y = layer.apply(variables, x)
print(x.shape, "->", y.shape, f"standard deviation {float(y.std()):.2f}")
assert y.shape == (1, 14, 14, 8)

# %% [markdown]
# ## The audit
#
# What it costs, and what it does to a constant, before any training. The sum of an even
# and an uneven layer is about half as uneven.

# %%
NAMES = ("conv_transpose", "half_and_half", "nearest_conv")
audits = {name: audit.audit(name, features=16) for name in NAMES}
for name, found in audits.items():
    cost = f"{found.cost.multiply_adds / 1e6:.2f} M multiply-adds"
    print(f"{name:16} DC gap {found.dc_gap:.3f}   {cost}")

figure, axes = plt.subplots(1, 3, figsize=(9, 3))
for axis, (name, found) in zip(axes, audits.items(), strict=True):
    low, high = found.constant.min(), found.constant.max()
    axis.imshow((found.constant - low) / max(high - low, 1e-3))
    axis.set_title(name)
    axis.axis("off")
plt.show()

# %% [markdown]
# ## The sweep
#
# An experiment is a file that declares what to run: the question, the config, the
# settings, what to measure. Several seeds, because one run of a GAN proves nothing; five or
# more for a verdict.

# %%
EXPERIMENT = f'''
"""Half and half against its two halves."""

from deconvgen.sweep import choose, seeds

QUESTION = "Is half a deconvolution better than a whole one?"
BASE = "{folder}/mine.py:smoke"
RUNS = seeds(choose("model.upsampler", {NAMES}), {SEEDS})
MEASURES = {{"spectrum_distance_db": "min", "phase_detail_ratio_s2": "min"}}
SIZES = {{
    "full": [
        {{
            "steps": {STEPS},
            "eval_every": {STEPS},
            "checkpoint_every": {STEPS},
            "model.kernel_size": 0,
            "ema": 0.9,
            "eval.num_examples": {100 if QUICK else 1000},
        }}
    ]
}}
'''
(folder / "halves.py").write_text(EXPERIMENT.lstrip())
outcomes = start(str(folder / "halves.py"), folder / "sweep", timing=False)
print({name: outcome["state"] for name, outcome in outcomes.items()})

# %% [markdown]
# A sweep that is interrupted goes on with the same call; runs that are finished are kept.
#
# ## The report
#
# The first measure answers, as the file names no other (`PRIMARY`). Under five seeds the
# report tells differences, and how many seeds it would take to tell them from chance, but gives
# no verdict. A page with all pictures is `report.html` beside it.

# %%
paths = report([folder / "sweep"])
text = next(path for path in paths if path.suffix == ".md").read_text()
display(Markdown("\n".join(text.splitlines()[:40])))

# %% [markdown]
# And the images, which no number replaces: four of each layer, the same seed.

# %%
runs = sorted(path.parent for path in (folder / "sweep").rglob("config.json"))
figure, axes = plt.subplots(1, len(NAMES), figsize=(10, 3.5))
for axis, name in zip(axes, NAMES, strict=True):
    first = next(path for path in runs if name in path.name)
    made = load(first, "latest").sample(16)
    axis.imshow(np.squeeze(images.grid(made)), cmap="gray")
    axis.set_title(name)
    axis.axis("off")
plt.show()

# %% [markdown]
# **Try:** change the layer (a learned weight for each half?), audit again, sweep again in
# another folder. If it is good, it belongs into `deconvgen/nn/upsample/`: the tests of all
# upsamplers run on it as soon as it is registered there.
