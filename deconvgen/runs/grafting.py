"""A run that starts from the arrays of another one: `init_from`."""

from typing import Any

import jax
import numpy as np

from deconvgen.core.types import State
from deconvgen.training.checkpoint import leaves


def graft(
    arrays: dict[str, np.ndarray], state: State
) -> tuple[State, list[str], list[str]]:
    """Take what fits (same path, same shape) from the arrays of another run.

    Parameters, batch statistics and averages only: optimizer and step start afresh.
    The network that is averaged starts from its average, which is what was measured,
    where the arrays hold one. Returns the state, the names that were taken and those
    that kept their own start.
    """
    taken: list[str] = []
    kept: list[str] = []
    paths = lambda tree: set(leaves(tree))
    averaged = {
        f".nets[{name!r}]{field}": f".ema[{key!r}]"
        for name, net in state.nets.items()
        if paths(net.params) == paths(state.ema["params"])
        for field, key in ((".params", "params"), (".stats", "batch_stats"))
    }

    def take(where: tuple, leaf: Any) -> Any:
        name = jax.tree_util.keystr(where)
        if ".opt" in name or name == ".step":
            return leaf
        names = [
            average + name.removeprefix(own)
            for own, average in averaged.items()
            if name.startswith(own)
        ]
        for each in (*names, name):
            if each in arrays and arrays[each].shape == np.shape(leaf):
                taken.append(name)
                return arrays[each].astype(leaf.dtype)
        kept.append(name)
        return leaf

    return jax.tree_util.tree_map_with_path(take, state), taken, kept
