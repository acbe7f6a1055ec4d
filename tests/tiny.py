"""Runs small enough for a test."""

import numpy as np

from deconvgen import config
from deconvgen.runs import run
from deconvgen.runs import setup as runs
from deconvgen.training import checkpoint

TINY = (
    "batch_size=8",
    "steps=6",
    "log_every=1",
    "eval_every=6",
    "sample_every=6",
    "checkpoint_every=2",
    "num_samples=4",
    "eval.num_examples=12",
    "eval.batch_size=8",
    "model.features=8,4",
    "model.latent=4",
    "model.dropout=0.1",
    "eval.extractor=random",
    "monitor.metric=g_loss",
)


def gan(*overrides):
    """A GAN of a few channels that trains for six steps."""
    return config.load("dcgan:smoke", (*TINY, *overrides))


SMALL = {
    "gan": ("gan", "model.features=8,4", "model.latent=4"),
    "autoencoder": ("autoencoder", "model.features=4,8", "model.latent=4"),
    "vae": ("vae", "model.features=4,8", "model.latent=4"),
    "superres": ("superres", "model.features=4", "model.depth=1"),
    "segmentation": ("segmentation", "model.features=4,8"),
}
"""The config of each task, and what makes it small."""


def described(task, shape=(16, 16, 1), classes=0, overrides=()):
    """A small config of a task, with what the data would have told."""
    name, *small = SMALL[task]
    given = (*small, "eval.extractor=random", *overrides)
    names = tuple(f"class {i}" for i in range(classes))
    return runs.describe(config.load(f"{name}:smoke", given), shape, classes, names)


def untrained(task, shape=(16, 16, 1), classes=0, overrides=(), folder="untrained"):
    """A run of a task that has learned nothing, without a folder or data."""
    settings = described(task, shape, classes, overrides)
    example = {"image": np.zeros((1, *shape), "f4"), "mask": np.ones(1, "f4")}
    if classes:
        example["label"] = np.zeros(1, np.int32)
    start = lambda found, shape: runs.initial(settings, example, 0)
    found = checkpoint.Checkpoint(0, config.HERE / folder, {})
    return run.Run(found.path, settings, found, start)
