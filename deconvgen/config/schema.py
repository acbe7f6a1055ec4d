"""What config files are made with: every key at its default, variants, values."""

from difflib import get_close_matches
from typing import Any, TypeAlias

from ml_collections import ConfigDict

from deconvgen.config.keys import rows
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
    """Every key that the table has for a task; `values` are set on top.

    A value may name a nested key with two underscores: `data__image_size=32`.
    """
    return assign(complete(ConfigDict({"task": task})), values)


def complete(config: Config) -> Config:
    """A copy of the config, with the defaults of what it lacks of its task's keys."""
    config = ConfigDict(config.to_dict())  # which is not locked, whatever it was
    for key, row in rows(config.get("task", "")).items():
        *groups, name = key.split(".")
        place = config
        for group in groups:
            if group not in place:
                place[group] = ConfigDict()
            place = place[group]
            if not isinstance(place, ConfigDict):
                break
        else:
            if name not in place:
                place[name] = row.default
    return config


def check(config: Config) -> None:
    """Raise a `UserError` for a value out of its key's range, in one sentence.

    Names are looked for in the registries that have been imported.

    >>> config.check(config.load("dcgan:smoke", ["steps=7"]))
    """
    for key, row in rows(config.task).items():
        place = config
        for part in key.split("."):
            place = place.get(part) if isinstance(place, ConfigDict) else None
        if place is not None:
            row.check(key, place)


def data_name(config: Config) -> str:
    """What a person calls the data at hand: the folder, where they are of one's own."""
    return config.data.folder or config.data.name


def optimizer(**values) -> dict:
    """The keys of one network's optimizer; see `training.optim.make_optimizer`.

    Raises `UserError` for a name that is none of them.

    >>> config.optimizer(learning_rate=1e-4)["learning_rate"]
    0.0001
    """
    start = "optimizer."
    shared = [key for key in rows("") if key.startswith(start)]
    own = {key.removeprefix(start): rows("")[key].default for key in shared}
    for name in values:
        if name not in own:
            raise unknown("config key", f"{start}{name}", own)
    return own | values


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
