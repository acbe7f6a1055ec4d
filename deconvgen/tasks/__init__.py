"""Tasks, found by the names of their files, and the settings that they share.

One's own is a function `make(config, axis) -> Task`, registered in a file that the
config's `imports` names:

>>> @deconvgen.tasks.register(name="inpainting")
... def make(config, axis): ...
"""

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import fields
from types import MappingProxyType
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax import Array
from jaxtyping import Float

from deconvgen.config import Config, Key, declare
from deconvgen.core.errors import KNOBS, unknown
from deconvgen.core.registry import Registry
from deconvgen.core.types import Batch, Images, Picture, Scalar, Sums, Task
from deconvgen.metrics import features
from deconvgen.metrics.sets import Artifacts, Fidelity, Gradients
from deconvgen.metrics.shifts import Shifts
from deconvgen.metrics.sums import Collection
from deconvgen.models.blocks import Blocks
from deconvgen.nn.initializers import seen
from deconvgen.training.optim import make_optimizer
from deconvgen.training.parallel import START

__all__ = ["Entry", "check", "entry", "make", "names", "register"]


def names() -> list[str]:
    """Every task there is.

    >>> "gan" in names()
    True
    """
    files = [module.name for module in pkgutil.iter_modules(__path__)]
    return sorted({name for name in files if not name.startswith("_")} | {*registered})


class Entry(NamedTuple):
    """What the file of a task has, by these names; all but `make` may be left out.

    - make: `(config, axis) -> Task`, on one device or over a pmapped axis.
    - about: what it is, in a line.
    - check: raises `UserError` for a config that cannot be trained.
    - knobs: what to try after a mode collapse.
    - pictures: the kinds of sample that it alone has, each of which takes a picture of
      one's own.
    - draws_images: whether its samples are images like those of the data.
    - figures: what `deconvgen evaluate` tells of a loaded run besides the sums.

    >>> [*entry("superres").pictures]
    ['superres']
    """

    make: Callable[[Config, str | None], Task]
    about: str = ""
    check: Callable[[Config], None] = lambda config: None
    knobs: Callable[[Config], str] = lambda config: KNOBS
    pictures: Mapping[str, Picture] = MappingProxyType({})
    draws_images: bool = True
    figures: Callable[[Any], dict[str, float]] = lambda run: {}


registered: Registry[Entry] = Registry("task")
"""Those of the user's own files and of plugins."""


def register(
    make: Callable | None = None,
    *,
    name: str = "",
    keys: Mapping[str, Key] = MappingProxyType({}),
    **other: Any,
) -> Callable:
    """Decorate the function that makes a task of one's own, `(config, axis) -> Task`.

    `keys` are the config keys that it has beyond those of every task, with default,
    range and meaning: `{"model.width": Key(32, "1 or more", "channels")}`. `other` are
    the other fields of `Entry`. Its own name is the default name.

    >>> _ = register(lambda config, axis: ..., name="mine")
    >>> "mine" in names()
    True
    """
    if make is None:
        return lambda make: register(make, name=name, keys=keys, **other)
    name = name or make.__name__
    if name in names():
        raise ValueError(f"task {name!r} is there already")
    told: dict[str, Any] = {"about": make.__doc__ or ""} | other
    registered.register(Entry(make, **told), name=name)
    declare(name, keys)
    return make


def entry(name: str) -> Entry:
    """What the task's file says of it, or what was registered in its place.

    Raises `UserError` for a name that no task goes by.

    >>> entry("segmentation").draws_images
    False
    """
    if name in registered:
        return registered[name]
    if name not in names():
        raise unknown("task", name, names())
    file = importlib.import_module(f"{__name__}.{name}")
    found: dict[str, Any] = {"about": file.__doc__ or ""}
    found |= {key: getattr(file, key) for key in Entry._fields if hasattr(file, key)}
    return Entry(**found)


def make(config: Config, axis: str | None) -> Task:
    """The task that a config describes, on one device or over a pmapped axis.

    Its `init` folds a number of its own into the key, so that a start shares no draw
    with what else a seed draws; starts that are of the data see the batch's images.

    >>> make(deconvgen.load("pretrained:dcgan-fashion").config, None).latent
    100
    """
    task = entry(config.task).make(config, axis)

    def init(key: Array, batch: Batch) -> Any:
        with seen(batch.get("image")):
            return task.init(jax.random.fold_in(key, START), batch)

    return task._replace(init=init)


def check(config: Config) -> None:
    """Refuse what the config's task says cannot be trained.

    >>> check(config.load("dcgan"))
    """
    entry(config.task).check(config)


def dtype(config: Config) -> Any:
    """The dtype of the computation."""
    return jnp.dtype(config.dtype)


def blocks(config: Config, axis: str | None) -> Blocks:
    """The settings of every block: those fields that every config has."""
    names = [field.name for field in fields(Blocks) if field.name in config.model]
    named = {name: config.model[name] for name in names}
    return Blocks(axis_name=axis, dtype=dtype(config), **named)


def extractor_of(config: Config) -> features.Extractor:
    """The feature extractor that a config names."""
    return features.extractors[config.eval.extractor](
        dataset=config.data.name,
        folder=str(features.cache_folder()),
        weights=config.eval.weights,
    )


def measuring(config: Config) -> Callable[..., dict[str, Sums]]:
    """`(real, fake, mask, known) -> sums`: of what any task makes of images.

    `known` is the batch, where the real images are its own; see `Task.looks`.
    """
    extractor = extractor_of(config)

    def measure(
        real: Images, fake: Images, mask: Array, known: Batch | None = None
    ) -> dict[str, Sums]:
        return {
            "fidelity": Fidelity.of(extractor, real, fake, mask, known),
            "artifacts": Artifacts.of(real, fake, mask),
        }

    return measure


def probed(
    real: Images,
    fake: Images,
    gradient: Float[Array, "b i j k"],
    shift: Shifts | None,
    mask: Array,
) -> dict[str, Sums]:
    """The sums of a task's `probe`: what any task is asked about once it is trained.

    - real, fake: images to draw spectra of and to look at, kept under `pairs`.
    - gradient: of the loss at the network's input (of a critic's logit at a sample).
    - shift: None where it is not defined.
    """
    pairs = jnp.stack([real, fake], axis=1).astype(jnp.float16)  # there may be many
    found: dict[str, Sums] = {
        "pairs": Collection.of(pairs, mask),
        "gradient": Gradients.of(gradient, mask),
    }
    return found | ({} if shift is None else {"shift": shift})


def optimizer(
    settings: Config, steps: int, scales: Mapping[str, Scalar] | None = None
) -> optax.GradientTransformation:
    """The optimizer that a config's group describes."""
    return make_optimizer(steps=steps, scales=scales, **settings.to_dict())
