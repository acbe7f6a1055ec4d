"""A network of NaN has no figure of any task that is a number (bioinf-jku/TTUR#4)."""

import jax
import numpy as np
import pytest

from deconvgen import tasks
from deconvgen.metrics import sums
from tests.decoders import NAMES, batch, keys, settings, start


@pytest.mark.parametrize("name", NAMES)
def test_every_figure_of_a_nan_network_is_nan(name):
    made = settings(name)
    task, state = tasks.make(made, None), start(made)
    nan = jax.tree.map(lambda x: np.full(x.shape, np.nan, x.dtype), state.ema)

    def everything(state):
        given = (state, batch(made), keys(4, 0))
        found = task.eval_step(*given) | (task.probe(*given) if task.probe else {})
        return {k: v for k, v in found.items() if k != "pairs"}

    figures = sums.results(jax.jit(everything)(state._replace(ema=nan)))
    of_real = lambda k: k.endswith("_real") or k.startswith("images_") or "bicubic" in k
    numbers = {k: v for k, v in figures.items() if not np.isnan(v) and not of_real(k)}
    assert not numbers
