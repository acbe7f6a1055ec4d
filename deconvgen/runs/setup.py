"""Run folders: claim one for training, load one for sampling.

WORKDIR/
    config.json     the whole config, the data's shape and classes included
    metrics.jsonl   one record a line
    checkpoints/    see `deconvgen.training.checkpoint`
    samples/        grids from a fixed latent, by step
    tensorboard/    where --tensorboard asked for it
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jax
import numpy as np
from ml_collections import ConfigDict

from deconvgen import config as configs
from deconvgen import data, tasks
from deconvgen.config import Config
from deconvgen.core import files, numbers
from deconvgen.core.errors import UserError
from deconvgen.core.terminal import say
from deconvgen.core.types import State
from deconvgen.data import clusters
from deconvgen.metrics import features, measures
from deconvgen.runs import origin, pinned, pretrained, widths
from deconvgen.runs.grafting import graft
from deconvgen.training import checkpoint
from deconvgen.training.loop import Times

FROM_DATA = ("image_shape", "class_names", "identity")
MOST_COLUMNS = 20  # of a grid of samples with a class in each


def splits(config: Config) -> tuple[str, ...]:
    """The splits of a run's data: train, test, and validation where it has one."""
    return data.SPLITS if config.data.validation else ("train", "test")


def watched(config: Config) -> str:
    """The split that evaluations during training are on: validation where there is one,
    else test, as in runs older than it."""
    return splits(config)[1]


def dataset(config: Config, split: str) -> data.Dataset:
    """A split of the data set that a config names."""
    settings = config.data.to_dict()
    for key in FROM_DATA:
        settings.pop(key, None)
    return data.load(settings.pop("name"), split, **settings)


def resolve(
    config: Config, dataset: data.Dataset, before: Config | None = None
) -> Config:
    """The config with what only the data can tell: shape, classes, fitting features,
    and the widths that `model.equal` asks for.

    `before` is the config of a run that goes on.
    """
    config = describe(
        pinned.absolute(config),
        dataset.image_shape,
        dataset.num_classes or 0,
        dataset.class_names,
    )
    config.data.identity = dataset.identity
    if config.model.equal == widths.EQUAL[0]:
        return config
    return widths.solved(config, next(dataset.eval_batches(1)), before)


def describe(
    config: Config,
    image_shape: tuple[int, int, int],
    num_classes: int = 0,
    class_names: tuple[str, ...] = (),
) -> Config:
    """A copy of the config that says what its images are and how they are measured."""
    config = ConfigDict(config.to_dict())
    config.data.image_shape = tuple(image_shape)
    config.data.num_classes = num_classes
    config.data.class_names = tuple(class_names)
    if config.eval.extractor == "auto":
        own = config.data.folder  # whatever the name, which stays the default's
        known = not own and features.has_classifier(config.data.name)
        config.eval.extractor = "classifier" if known else "random"
    if config.monitor.metric == "frechet":
        name = config.eval.extractor
        config.monitor.metric = "fid" if name == "inception" else f"frechet_{name}"
    if config.monitor.mode == "auto":
        config.monitor.mode = measures.direction(config.monitor.metric)
    return config


def check(config: Config) -> None:
    """Refuse values that make no sense, before anything is computed.

    What it says in `imports` has been imported, and what its task needs.
    """
    configs.imported(config.get("imports", ()))
    tasks.entry(config.task)
    configs.check(config)
    tasks.check(config)
    if config.data.clusters and not config.model.get("conditional", False):
        raise UserError(
            "data.clusters makes classes for a model that is told them: it goes with "
            "model.conditional=true alone"
        )


def class_columns(config: Config) -> int:
    """The classes, where the model is told one and they fit beside each other; else 0.

    Labels go round, so that a grid of so many columns has a class in each; those of
    clusters do not.
    """
    if clusters.SIZES in pinned.identity(config):
        return 0
    classes = config.data.num_classes if config.model.get("conditional") else 0
    return classes if classes <= MOST_COLUMNS else 0


def turns(config: Config, num: int, first: int = 0) -> np.ndarray:
    """The classes that drawn images `first` on are told, [num] as int32.

    They go round, and clusters come as often as they are among the training images; 0
    without classes.
    """
    numbers = first + np.arange(num)
    if sizes := pinned.identity(config).get(clusters.SIZES):
        return clusters.turns(numbers, sizes)
    return (numbers % max(config.data.num_classes, 1)).astype(np.int32)


def told(config: Config, num: int, first: int = 0) -> dict[str, np.ndarray]:
    """Their `turns` as a part of a batch; none where there are no classes."""
    return {"label": turns(config, num, first)} if config.data.num_classes else {}


def times(config: Any) -> Times:
    """How much and how often, from the config; `steps_per_call` 0 is the device's.

    On a CPU that is 1: XLA runs convolutions inside a loop without its fast path.
    """
    every = Times(
        config.steps,
        config.batch_size,
        config.log_every,
        config.sample_every,
        config.eval_every,
        config.checkpoint_every,
    )
    call = config.steps_per_call
    if not call:
        cpu = jax.default_backend() == "cpu"
        call = 1 if cpu else int(np.gcd.reduce(every[2:6]))
    return every._replace(steps_per_call=call)


def resident(config: Any) -> bool:
    """Whether the training images shall lie on the devices: where steps are many a
    call, and there are no other hosts to share them with."""
    return times(config).steps_per_call > 1


@contextmanager
def claim(workdir: Path, config: Config) -> Iterator[dict[str, list[Any]]]:
    """The run folder, with its config, for this process alone.

    Yields what the run goes on with that was otherwise before, `{key: [old, new]}`.
    """
    with files.locked(workdir, f"another process is training in {workdir}"):
        changed = _pin(workdir, config)
        origin.note(workdir)
        yield changed


def _pin(workdir: Path, config: Config) -> dict[str, list[Any]]:
    """Write the config that a run begins or goes on with; what has changed."""
    there, changed, history = checkpoint.steps(workdir), {}, ()
    if there:
        old = pinned.saved(workdir)
        changed = pinned.changes(workdir, old, config, there[-1])
        history = tuple(old.get("history", ()))
    if changed:
        history = (*history, {"step": there[-1], "changed": changed})
    config.history = history
    if not there or not pinned.same_file(workdir, config):
        configs.save(config, workdir / pinned.CONFIG)
        pinned.note_data(workdir, config)
    return changed


def start(config: Config) -> Any:
    """(key, example batch) -> the state before `init_from`, made under one jit."""
    return jax.jit(tasks.make(config, None).init)


def initial(
    config: Config,
    example: dict[str, Any],
    seed: int,
    init: Callable[[Any, Any], State] | None = None,
) -> State:
    """The state at step 0; grafted where `init_from` says so.

    - init: what `start` made of a config that starts alike.
    """
    state = (init or start(config))(numbers.key(seed), example)
    found = source(config)
    if not found:
        return state
    arrays = pretrained.averages if _shipped(config) else checkpoint.read_arrays
    state, taken, kept = graft(arrays(found.path), state)
    if not any("'kernel'" in name for name in taken):  # a bias fits by accident
        raise UserError(
            f"init_from={config.init_from}: nothing there has the name and the shape "
            "of a kernel of this config"
        )
    if kept:
        parts = dict.fromkeys("/".join(re.findall(r"'(.*?)'", n)[:3]) for n in kept)
        listed = [p for p in parts if not p.startswith(("params/", "batch_stats/"))]
        more = ", ..." if len(listed) > 8 else ""
        say(
            f"init_from={config.init_from}, step {found.step}: its own start keeps "
            f"{', '.join(listed[:8])}{more}"
        )
    return state


def _shipped(config: Config) -> bool:
    return config.init_from.startswith(pretrained.PREFIX)


def source(config: Config) -> checkpoint.Checkpoint | None:
    """The checkpoint that `init_from` names, if it names any; raises without one.

    The best one of a run folder, or `pretrained:NAME`.
    """
    if not config.init_from:
        return None
    if _shipped(config):
        return pretrained.find(config.init_from.removeprefix(pretrained.PREFIX))[1]
    folder, found = Path(config.init_from).expanduser(), None
    if (folder / pinned.CONFIG).exists():
        monitor = pinned.saved(folder).monitor
        found = checkpoint.find(folder, "best", monitor.metric, monitor.mode, warn=say)
    if found is None:
        raise UserError(f"init_from={config.init_from}: it holds no checkpoint")
    return found


def shape(
    config: Config,
    example: dict[str, Any],
    init: Any = None,
) -> State:
    """Shapes and dtypes of the state; raises what building the model would raise.

    - init: as of `initial`, which it is then traced for as well.
    """
    return (init or start(config)).eval_shape(numbers.key(0), example)
