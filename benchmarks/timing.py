"""Fair timings on a machine that others use too.

What is compared takes turns, and what is reported is the median over the turns, with
the lowest and the highest of them; a ratio is that of the ratios within a turn, so that
a slow moment hits both sides. The rate of a matrix product in the same moments says how
good they were.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import ceil
from statistics import median
from time import perf_counter

import jax
import jax.numpy as jnp
from tables import Spread

Thunk = Callable[[], object]


@dataclass(frozen=True)
class Timings:
    """Seconds of each call, by name, turn by turn."""

    turns: dict[str, list[float]]

    def seconds(self, name: str) -> float:
        """The median turn."""
        return median(self.turns[name])

    def milliseconds(self, name: str) -> Spread:
        """Of the turns."""
        return Spread.of(1e3 * seconds for seconds in self.turns[name])

    def rate(self, name: str, amount: float) -> Spread:
        """Of the turns, where a call does so much: its amount a second."""
        return Spread.of(amount / seconds for seconds in self.turns[name])

    def ratios(self, name: str, over: str) -> list[float]:
        """How many times faster `name` is than `over`, turn by turn."""
        pairs = zip(self.turns[over], self.turns[name], strict=True)
        return [theirs / ours for theirs, ours in pairs]

    def speedup(self, name: str, over: str) -> float:
        """How many times faster `name` is than `over`, median of the turns."""
        return median(self.ratios(name, over))

    def faster(self, name: str, over: str) -> Spread:
        """How many times faster `name` is than `over`, of the turns."""
        return Spread.of(self.ratios(name, over))


def interleave(
    thunks: Mapping[str, Thunk], turns: int = 7, warm: int = 1, least: float = 0.02
) -> Timings:
    """Time every thunk once a turn, each turn beginning with the next of them.

    A thunk's result is waited for where it is made of JAX arrays. One that takes
    less than `least` seconds is called as often as fills them.
    """
    names = list(thunks)
    calls = {}
    for name in names:
        start = 0.0
        for _ in range(warm + 1):
            start = perf_counter()
            jax.block_until_ready(thunks[name]())
        calls[name] = ceil(least / (perf_counter() - start))
    seconds: dict[str, list[float]] = {name: [] for name in names}
    for turn in range(turns):
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            start = perf_counter()
            for _ in range(calls[name]):
                jax.block_until_ready(thunks[name]())
            seconds[name].append((perf_counter() - start) / calls[name])
    return Timings(seconds)


def gemm_probe(size: int = 1536) -> tuple[Thunk, float]:
    """A float32 matrix product to take turns with, and its GFLOP."""
    x = jax.random.normal(jax.random.key(0), (size, size))
    product = jax.jit(jnp.matmul)
    return lambda: product(x, x), 2 * size**3 / 1e9
