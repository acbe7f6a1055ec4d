"""What a process keeps from one run to the next: data, and functions that are traced.

A worker of a sweep trains many runs of few programs. A run whose program it has had
finds the very functions that JAX has traced and compiled, and starts at once.
"""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax

from deconvgen.config import Config
from deconvgen.core.types import State, Task
from deconvgen.data import Dataset
from deconvgen.runs import population, setup
from deconvgen.training import evaluate, parallel
from deconvgen.training.compiling import as_it_is, once
from deconvgen.training.parallel import Spread

MOST = 3
"""Of a kind that are kept: the last ones."""


class Program(NamedTuple):
    """What runs of one program share: each roots the two steps in its own seed."""

    task: Task
    draw: Callable
    evaluate: Callable


class Kept:
    """What is kept between the runs of a process.

    - shared: other processes have the same programs to compile, at the same time.
    """

    def __init__(self, shared: bool = False):
        self.proved: set[Path] = set()  # folders that can hold checkpoints
        self._compile = once if shared else as_it_is
        self._spread: Spread | None = None
        self._found: dict[str, dict[str, Any]] = {}

    def spread(self, batch_size: int) -> Spread:
        """All devices; see `parallel.choose`."""
        self._spread = parallel.choose(batch_size, self._spread, self._compile)
        return self._spread

    def dataset(self, config: Config, split: str) -> Dataset:
        """`setup.dataset`."""
        told = config.data.to_dict()
        told = {k: v for k, v in told.items() if k not in setup.FROM_DATA}
        return self._known("data", [told, split], lambda: setup.dataset(config, split))

    def init(self, config: Config) -> Callable[[Any, Any], State]:
        """`setup.start`."""
        told = [population.program(config, False), population.start(config)]
        make = lambda: self._compile(setup.start(config))
        return self._known("starts", told, make)

    def program(
        self, config: Config, spread: Spread, keys: Sequence[str], many: bool
    ) -> Program:
        """The task of `population.task`, and its steps between two of training."""
        told: Any = population.program(config, False)
        told |= {key: bool(told[key]) for key in keys}

        def make() -> Program:
            task = population.task(config, spread.axis, keys, many)
            draw = spread.run(task.sample, jax.random.key(0))
            return Program(task, draw, evaluate.make_step(task, spread, 0))

        return self._known("programs", [told, [*keys], many], make)

    def _known(self, kind: str, told: Any, make: Callable[[], Any]) -> Any:
        found = self._found.setdefault(kind, {})
        name = json.dumps(told, sort_keys=True, default=str)
        found[name] = found.pop(name) if name in found else make()
        while len(found) > MOST:
            del found[next(iter(found))]
        return found[name]
