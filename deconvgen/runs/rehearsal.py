"""A run without its computing: what JAX's tracing tells of a config beforehand."""

import json
import warnings
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np

from deconvgen import config as configs
from deconvgen import tasks
from deconvgen.config import Config
from deconvgen.core.errors import unknown
from deconvgen.metrics import sums as metrics


def program(config: Config) -> str:
    """A text that two configs share when they train and evaluate by the same
    operations."""
    own = lambda key: configs.row(config.task, key).changes in ("training", "figures")
    told = {key: value for key, value in configs.flat(config).items() if own(key)}
    return json.dumps(told, sort_keys=True, default=str)


def rehearse(config: Config, example: Mapping[str, Any]) -> list[str]:
    """Trace the start, a training step and an evaluation step of a resolved config.

    `example` is a batch, whose size does not matter. Returns the names of the figures
    that the evaluation will give, none where they cannot be known; raises whatever
    building the model raises.
    """
    tasks.check(config)
    task = tasks.make(config, None)
    state = jax.eval_shape(task.init, jax.random.key(0), example)

    def inputs(size: int) -> tuple[Any, Any]:
        shaped = lambda x: jax.ShapeDtypeStruct((size, *x.shape[1:]), x.dtype)
        keys = jax.eval_shape(lambda: jax.random.split(jax.random.key(0), size))
        return jax.tree.map(shaped, example), keys

    jax.eval_shape(task.train_step, state, *inputs(config.batch_size))
    sums = jax.eval_shape(task.eval_step, state, *inputs(config.eval.batch_size))
    names = figures(sums)
    if names and config.monitor.metric not in names:
        raise unknown("monitor.metric", config.monitor.metric, names)
    return names


def figures(sums: Mapping[str, Any]) -> list[str]:
    """The names of the figures in which sums of these shapes end: as of no examples."""
    empty = jax.tree.map(lambda x: np.zeros(x.shape, x.dtype), sums)
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            return list(metrics.results(empty))
    except (ArithmeticError, LookupError, TypeError, ValueError):
        return []  # a measure that cannot do without examples
