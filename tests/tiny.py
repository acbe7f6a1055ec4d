"""Runs small enough for a test."""

from deconvgen import config

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
