"""Several runs as one program: what they may differ in, and how it reaches the step.

A population's members may differ in what no step computes with (`free`), and in the
numbers of their configs: learning rates, decays, weights of losses, rates of dropout.
Those become arrays with the members' axis, next to each state; the task is made, while
JAX traces its step, from a config that has the traced number in their place. A number
that is 0 for some and not for others would be another program: such runs are apart.
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
from ml_collections import ConfigDict

from deconvgen import config as configs
from deconvgen import tasks
from deconvgen.config import Config
from deconvgen.core.errors import UserError
from deconvgen.core.types import State, Task
from deconvgen.ops.convolution import dispatch
from deconvgen.training import checkpoint

FIXED = ("data.*", "eval.*", "*.step_factor")
"""Config keys whose numbers Python computes with, which are never traced."""


class Apart(UserError):
    """Runs that were to be trained together need programs of their own."""


class Valued(NamedTuple):
    """A member in training: the numbers that it has for itself, and its state."""

    values: dict[str, Any]  # by config key
    state: State


def free(key: str, task: str = "") -> bool:
    """Whether no step computes with a config key: the start, and what is best."""
    starts = configs.row(task, key).changes == "start"
    return starts or key.startswith("monitor.") or key == "history"


def start(config: Config) -> tuple:
    """What the networks of a member start by; those of others may start otherwise."""
    return tuple(
        value
        for key, value in configs.flat(config).items()
        if configs.row(config.task, key).changes == "start"
        and key not in ("seed", "init_from")
    )


def traceable(key: str, value: Any) -> bool:
    """Whether the members of a population may differ in this value of a config."""
    fixed = any(fnmatchcase(key, pattern) for pattern in FIXED)
    return type(value) is float and not fixed and not free(key)


def program(config: Config, traced: bool = True) -> dict[str, Any]:
    """What is the same, by config key, in all runs that one program can train.

    Of each number that may be traced that is whether it is 0; the number itself where
    none is to be `traced`.
    """
    return {
        key: bool(value) if traced and traceable(key, value) else value
        for key, value in configs.flat(config).items()
        if not free(key, config.task)
    }


def traced(loaded: Sequence[Config]) -> list[str]:
    """The config keys in which runs of one kind differ, and a step computes with."""
    flats = [configs.flat(config) for config in loaded]
    first = flats[0]
    return [
        key
        for key, value in first.items()
        if traceable(key, value) and any(flat[key] != value for flat in flats)
    ]


def reason_against(loaded: Sequence[Config], workdirs: Sequence[Path]) -> str:
    """Why these runs cannot be trained together; "" where they can."""
    first, *others = map(program, loaded)
    absent = object()
    differing = {
        key
        for other in others
        for key in first.keys() | other.keys()
        if first.get(key, absent) != other.get(key, absent)
    }
    if differing:
        return f"they differ in {', '.join(sorted(differing))}"
    return "" if common_step(workdirs) is not None else "they are at different steps"


def common_step(workdirs: Sequence[Path]) -> int | None:
    """The step to go on from together: the newest checkpoint, of all of them.

    A member may have saved once more than another when they were interrupted; None
    where they are further apart.
    """
    there = [checkpoint.steps(workdir) or [0] for workdir in workdirs]
    step = min(steps[-1] for steps in there)
    return step if all(step in steps[-2:] for steps in there) else None


def groups(loaded: Sequence[Config], workdirs: Sequence[Path]) -> list[list[int]]:
    """The places of the runs that are trained together, in their order."""
    found: list[list[int]] = []
    programs = [program(config) for config in loaded]
    for i, own in enumerate(programs):
        for group in found:
            same = programs[group[0]] == own
            if same and common_step([workdirs[j] for j in (*group, i)]) is not None:
                group.append(i)
                break
        else:
            found.append([i])
    return found


def values(config: Config, keys: Iterable[str]) -> dict[str, Any]:
    """A member's own numbers, by their keys."""
    flat = configs.flat(config)
    return {key: np.float32(flat[key]) for key in keys}


def task(config: Config, axis: str | None, keys: Sequence[str], many: bool) -> Task:
    """The task of members that differ in the numbers of `keys`, of `Valued` states.

    With no keys it is the config's, of plain states. Of `many` members, off the CPU,
    the convolutions of a train step are those of `dispatch.several`.
    """
    plain = tasks.make(config, axis)
    products = many and jax.default_backend() != "cpu"

    def own(member: Any) -> Task:
        if not keys:
            return plain
        values = _replaced(config.to_dict(), member.values)
        return tasks.make(ConfigDict(values), axis)

    def step(choose: Callable[[Task], Callable]) -> Callable:
        def train_step(member, batch, rng):
            with dispatch.several() if products else nullcontext():
                state, scalars = choose(own(member))(state_of(member), batch, rng)
            return (member._replace(state=state) if keys else state), scalars

        return train_step

    def of(name: str) -> Callable:
        return lambda member, batch, rng: getattr(own(member), name)(
            state_of(member), batch, rng
        )

    if not keys and not products:
        return plain
    return plain._replace(
        train_step=step(lambda task: task.train_step),
        eval_step=of("eval_step"),
        sample=of("sample"),
        kinds=tuple(
            (share, step(lambda task, i=i: task.kinds[i][1]))
            for i, (share, _) in enumerate(plain.kinds)
        ),
    )


def _replaced(nested: dict, values: dict[str, Any], prefix: str = "") -> dict:
    """The nested dict with other values at the paths `a.b.c`."""
    return {
        key: _replaced(value, values, f"{prefix}{key}.")
        if isinstance(value, dict)
        else values.get(f"{prefix}{key}", value)
        for key, value in nested.items()
    }


def state_of(member: Any) -> State:
    """The state that a checkpoint of a member holds."""
    return member.state if isinstance(member, Valued) else member
