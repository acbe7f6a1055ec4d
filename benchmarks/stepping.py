"""A process that trains a DCGAN for some steps and tells what it paid.

`process.py` starts it. It prints an object of JSON: `first`, seconds from `--since` (of
`time.monotonic`) to the end of the first step; `step`, the median seconds of those
after the second; `faults`, page faults a step of them.
"""

import argparse
import json
import resource
import time
from collections.abc import Callable
from statistics import median
from typing import Any

from deconvgen.core import runtime

SET: dict[str, tuple[Callable[[], object], ...]] = {
    "nothing": (),
    "memory kept": (runtime.keep_memory,),
    "convolutions by Eigen": (runtime.convolve_by_eigen,),
    "both": (runtime.keep_memory, runtime.convolve_by_eigen),
}
"""What is set before JAX starts; the cache of programs is the environment's."""


def pytorch(batch: int, toy: bool) -> Callable[[], object]:
    """Its eager step, in a process without JAX."""
    import theirs
    from ml_collections import ConfigDict

    from deconvgen import config

    small = ["model.features=8,4", "model.factors=2,2"] if toy else []
    found = config.load("dcgan:64", [f"batch_size={batch}", *small])
    side = 16 if toy else 64
    loaded: Any = ConfigDict(found.to_dict())
    loaded.data.image_shape = (side, side, 3)
    draw = theirs.fixed(batch, side, 3)
    return theirs.step(loaded, "eager", draw)


def ours(net: str, batch: int, toy: bool, plain: bool) -> Callable[[], object]:
    """Our step, or that with Flax's own layers."""
    import jax
    import train_step

    step = train_step.jax_step(train_step.settings(net, batch, toy), plain)
    return lambda: jax.block_until_ready(step())


def main() -> None:
    """Step and tell."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--who", choices=["deconvgen", "Flax", "PyTorch"])
    parser.add_argument("--net", choices=["step", "demo"], default="step")
    parser.add_argument("--set", choices=SET, default="both")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--steps", type=int, default=0, help="after the second")
    parser.add_argument("--since", type=float, required=True)
    parser.add_argument("--toy", action="store_true")
    parser.add_argument("--plain", action="store_true", help="for train_step.py")
    options = parser.parse_args()
    for each in SET[options.set]:
        each()
    if options.who == "PyTorch":
        run = pytorch(options.batch, options.toy)
        run()
    else:  # whose making is the first step
        flax = options.who == "Flax"
        run = ours(options.net, options.batch, options.toy, plain=flax)
    first, seconds = time.monotonic() - options.since, []
    before = 0
    for number in range(options.steps and options.steps + 1):
        if number == 1:
            before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        begin = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - begin)
    faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
    told = {"first": first}
    if options.steps:
        told |= {"step": median(seconds[1:]), "faults": faults / options.steps}
    print(json.dumps(told))


if __name__ == "__main__":
    main()
