"""The keys that configs have, with their defaults."""

from difflib import get_close_matches
from typing import Any, TypeAlias

from ml_collections import ConfigDict

from deconvgen.core.errors import unknown

Config: TypeAlias = Any
"""A `ConfigDict`: its keys are attributes, which no type checker can know."""


def pick(variants: dict, variant: str) -> dict:
    """The named variant of a config file; "" is the default one.

    Raises `UserError` for one that is not there, with the near match.
    """
    if variant and variant not in variants:
        raise unknown("variant", variant, variants)
    return variants.get(variant, {})


def smoke(**values) -> dict:
    """A variant of a few steps, to see that everything works; `values` on top."""
    often = dict(log_every=5, sample_every=20, eval_every=20, checkpoint_every=10)
    few = dict(steps=20, batch_size=16, eval__num_examples=100, num_samples=16)
    return often | few | values


def defaults(task: str, **values) -> Config:
    """The keys that every config has, with their defaults; `values` are set on top.

    A value may name a nested key with two underscores: `data__image_size=32`.
    """
    config = ConfigDict()
    config.task = task
    config.seed = 0
    config.steps = 1000
    config.batch_size = 64
    config.dtype = "float32"  # of the computation; parameters stay float32
    config.imports = ()  # one's own files and modules, imported before anything else
    config.init_from = ""  # a run folder (its best) or pretrained:NAME to take from
    config.data = dict(
        name="fashion_mnist_small",
        folder="",  # of one's own images, instead of a named data set
        image_size=0,  # 0: as stored
        channels=0,  # 0: as stored, 1: grey, 3: colour
        crop="center",
        flip=False,
        num_classes=0,  # of labels or masks; 0: as many as the data have
        ignore_label=255,  # the value of masks' pixels that do not count; -1: none
        mask_values=(),  # of each class in the masks, as (0, 255); (): 0, 1, 2, ...
    )
    config.model = dict(
        upsampler="conv_transpose",  # one for all blocks, or a,b,c: one a block
        last_upsampler="",  # of the last block alone
        initializer="default",  # of the upsampling layers
        kernel_size=0,  # of the upsampling layers; 0: each one's own
        residual=False,  # adds bilinear additive upsampling of the block's input
        reduction="sum",  # of channels in bilinear additive upsampling: or mean
        box_filter=False,  # zero-order hold behind each upsampling layer
        extra_conv=False,  # one more stride-1 convolution a block
        norm="batch",
        dropout=0.0,
    )
    config.optimizer = optimizer()
    config.ema = 0.999  # decay of the averaged parameters; 0: no average
    config.steps_per_call = 0  # train steps in one program; 0: what suits the device
    config.log_every = 50
    config.sample_every = 500
    config.eval_every = 500  # evaluates and keeps a checkpoint
    config.checkpoint_every = 250
    config.num_samples = 64  # in a sample grid
    config.eval = dict(
        num_examples=2000,  # at most; during training and at its end
        batch_size=100,
        extractor="auto",  # of features: classifier where there is one, else random
        weights="",  # a file of the extractor's weights, instead of its own
        batch_norm="running",  # of `deconvgen evaluate`: or batch, or re-estimated
    )
    config.monitor = dict(  # what "best" means, and when to stop early
        metric="loss",
        mode="min",
        patience=0,  # evaluations without a new best; 0: never stop early
    )
    return assign(config, values)


def data_name(config: Config) -> str:
    """What a person calls the data at hand: the folder, where they are of one's own."""
    return config.data.folder or config.data.name


def optimizer(**values) -> dict:
    """The keys of one network's optimizer; see `training.optim.make_optimizer`."""
    keys = dict(
        name="adam",
        learning_rate=1e-3,
        b1=0.9,
        b2=0.999,
        momentum=0.9,
        weight_decay=0.0,
        clip=0.0,
        schedule="constant",
        warmup_steps=0,
        step_every=1000,
        step_factor=0.5,
    )
    return keys | values


def assign(config: Config, values: dict) -> Config:
    """Set values by name; `data__image_size=32` sets `config.data.image_size`.

    Raises `UserError` for a group that is not there, or a key that seems misspelt.
    """
    for key, value in values.items():
        *groups, name = key.split("__")
        target = config
        for group in groups:
            target = target[group]
        if name not in target and (groups or get_close_matches(name, target, 1, 0.8)):
            raise unknown("config key", key, target)
        target[name] = value
    return config
