"""Seconds of a call on a device that computes while the host goes on.

Calls are queued as a training loop queues them, and waited for at the end of as many
as fill a turn: a synchronization after each would time the host's part twice.
"""

from collections.abc import Callable, Mapping
from math import ceil
from statistics import median
from time import perf_counter
from typing import Any, NamedTuple

from timing import Timings


class Call(NamedTuple):
    """What is timed, and how its last result is waited for."""

    run: Callable[[], Any]
    wait: Callable[[Any], Any]


def jax_call(run: Callable[[], Any]) -> Call:
    """Of JAX arrays."""
    import jax

    return Call(run, jax.block_until_ready)


def torch_call(run: Callable[[], Any]) -> Call:
    """Of PyTorch's tensors, on its GPU or on the CPU."""
    import torch

    cuda = torch.cuda.is_available()
    return Call(run, lambda _: torch.cuda.synchronize() if cuda else None)


def many(call: Call, times: int) -> float:
    """Seconds of so many calls."""
    begin = perf_counter()
    for _ in range(times):
        last = call.run()
    call.wait(last)
    return perf_counter() - begin


def enough(call: Call, least: float, most: int = 2000) -> int:
    """Calls that fill `least` seconds, found after warming up."""
    many(call, 2)
    once = many(call, 1)
    if once < least:
        once = min(once, many(call, 4) / 4)
    return min(max(1, ceil(least / max(once, 1e-7))), most)


def seconds(call: Call, least: float = 0.15, turns: int = 3) -> float:
    """The median over the turns of the seconds of one call."""
    times = enough(call, least)
    return median(many(call, times) / times for _ in range(turns))


def interleave(
    calls: Mapping[str, Call], turns: int = 5, least: float = 0.05
) -> Timings:
    """Each call once a turn, each turn beginning with the next of them."""
    names = list(calls)
    times = {name: enough(calls[name], least) for name in names}
    found: dict[str, list[float]] = {name: [] for name in names}
    for turn in range(turns):
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            found[name].append(many(calls[name], times[name]) / times[name])
    return Timings(found)
