"""Train steps of a DCGAN with the data on the device: of one member, and of many.

The images lie there as uint8 and become floats by a table of 256, which is bitwise
what the host's loader makes of them. A batch's rows are drawn from (seed, step), with
replacement; an epoch's permutation would be computed once an epoch.
"""

from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from PIL import Image

import deconvgen
from deconvgen import config, tasks
from deconvgen.data.pipeline import to_float
from deconvgen.runs import setup as runs
from deconvgen.training import parallel as devices

Tree = Any


def fashion(count: int = 10_000) -> np.ndarray:
    """[n, 28, 28, 1] uint8: the embedded Fashion-MNIST, class after class."""
    package = Path(deconvgen.__file__).parent
    path = next(package.rglob("fashion_mnist_train.png"))
    tiles = np.asarray(Image.open(path)).reshape(-1, 28, 100, 28)
    return np.ascontiguousarray(tiles.swapaxes(1, 2).reshape(-1, 28, 28, 1)[:count])


def table() -> np.ndarray:
    """[256] float32: what each pixel value is between -1 and 1."""
    return to_float(np.arange(256, dtype=np.uint8))


def settings(name: str, *overrides: str, dtype: str = "float32"):
    """A config, as for Fashion-MNIST, that measures nothing it would have to load."""
    given = ["eval.extractor=random", f"dtype={dtype}", *overrides]
    loaded = config.load(name, given)
    if "conditional" in loaded.model:  # there are no labels here
        loaded.model.conditional = False
        loaded.model.critic_condition = "projection"
    return runs.describe(loaded, (28, 28, 1))


class Member:
    """One setting: its first state, its data, and its step as a pure function."""

    def __init__(self, loaded, images: np.ndarray):
        self.batch, self.task = loaded.batch_size, tasks.make(loaded, None)
        self.data = jax.device_put((images, table()))
        shape = (self.batch, *images.shape[1:])
        blank = {"image": np.zeros(shape, "f4"), "mask": np.ones(self.batch, "f4")}
        self.state = jax.jit(self.task.init)(jax.random.key(loaded.seed), blank)
        self.root = jax.random.fold_in(jax.random.key(loaded.seed), 1)

    def step(self, data: Tree, root: jax.Array, state: Tree, index: jax.Array):
        """(data, root key, state, number of the step) -> (state, scalars)."""
        images, values = data
        key = jax.random.fold_in(jax.random.fold_in(root, 2), index)
        rows = jax.random.randint(key, (self.batch,), 0, len(images))
        batch = {"image": values[images[rows]], "mask": jnp.ones(self.batch)}
        keys = devices.example_keys(root, index, 0, self.batch)
        return self.task.train_step(state, batch, keys)

    def steps(self, k: int) -> Callable:
        """The same of k steps: one alone, or a scan."""
        if k == 1:
            return self.step

        def run(data, root, state, index):
            body = lambda state, i: self.step(data, root, state, i)
            state, scalars = jax.lax.scan(body, state, index + jnp.arange(k))
            return state, jax.tree.map(lambda x: x[-1], scalars)

        return run

    def many(self, count: int) -> tuple[jax.Array, Tree]:
        """Keys and states of so many members; they differ in their draws alone."""
        roots = jax.vmap(jax.random.fold_in, (None, 0))(self.root, jnp.arange(count))
        wide = lambda x: jnp.broadcast_to(x, (count, *x.shape))
        return roots, jax.jit(lambda tree: jax.tree.map(wide, tree))(self.state)


class Program:
    """A compiled step with the state that it keeps replacing."""

    def __init__(self, run: Callable, data: Tree, root: jax.Array, state: Tree, k: int):
        self.data, self.root, self.k, self.index = data, root, k, 0
        self.state = jax.tree.map(jnp.copy, state)  # its own, as it is given away
        begin = perf_counter()
        lowered = jax.jit(run, donate_argnums=2).lower(
            data, root, self.state, jnp.int32(0)
        )
        self.program = lowered.compile()
        self.compile_seconds = perf_counter() - begin

    def __call__(self) -> Tree:
        index = jnp.asarray(self.index, jnp.int32)
        self.state, scalars = self.program(self.data, self.root, self.state, index)
        self.index += self.k
        return scalars

    def memory(self) -> dict[str, float]:
        """MB of the compiled program: its arguments, and what it needs besides."""
        found = self.program.memory_analysis()
        if found is None:
            return {}
        return {
            "state MB": found.argument_size_in_bytes / 1e6,
            "work MB": found.temp_size_in_bytes / 1e6,
        }


def peak_mb() -> float:
    """The device's most memory in use so far, MB; NaN where it does not say."""
    stats = jax.devices()[0].memory_stats() or {}
    return stats.get("peak_bytes_in_use", float("nan")) / 1e6
