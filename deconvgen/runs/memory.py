"""How many members of a population a device holds at once.

    members x (state + what its step needs besides) <= SHARE of the device's memory

What a step needs is mostly what its layers keep for the way back, which grows with the
members as the states do; XLA tells it of the compiled step of one.
"""

from typing import Any

import jax
import numpy as np

from deconvgen.core.errors import UserError
from deconvgen.core.types import Task, Tree
from deconvgen.training.feed import as_sent
from deconvgen.training.parallel import TRAINING, Spread, purpose_key

SHARE = 0.85
"""Of a device's memory; the rest is for the images, evaluations and what lies apart."""


class TooMany(UserError):
    """More runs than the device's memory holds at once; so many, `fits`, it does."""

    def __init__(self, count: int, fits: int, each: int):
        super().__init__(
            f"{count} runs do not fit into the device's memory at once, of "
            f"{each / 2**20:.0f} MiB each: {fits} do"
        )
        self.fits = fits


def limit() -> int | None:
    """The bytes that the device gives us; None where it does not say, as a CPU."""
    stats = jax.local_devices()[0].memory_stats() or {}
    return stats.get("bytes_limit")


def needed(program: Any, *arguments: Tree) -> int:
    """The bytes that a jitted function needs, arguments and results included.

    Of the arguments shapes will do. A donated one and its result count once.
    """
    found: Any = program.lower(*arguments).compile().memory_analysis()
    inside = found.temp_size_in_bytes + found.argument_size_in_bytes
    return inside + found.output_size_in_bytes - found.alias_size_in_bytes


def check(
    task: Task, spread: Spread, example: Tree, state: Tree, size: int, count: int
) -> None:
    """Raise `TooMany` where the device does not hold `count` members like this one.

    - example: a batch of any size; the steps' are of `size`.
    """
    if not (most := limit()):
        return
    steps = spread.rounds(task.train_step, as_sent, False)
    row = lambda x: np.zeros((1, size, *x.shape[1:]), x.dtype)
    rows = spread.put_rounds(jax.tree.map(row, example), False)
    root = purpose_key(0, TRAINING)
    each = needed(steps, root, spread.put_state(state), (), rows, 0)
    if count > (fits := max(1, int(SHARE * most / each))):
        raise TooMany(count, fits, each)
