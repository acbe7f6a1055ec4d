"""Programs that several processes share: the first compiles one, the others load it.

JAX keeps compiled programs in a folder, but two processes that come to the same one at
the same time both compile it.
"""

import hashlib
from pathlib import Path
from typing import Any

import jax
import numpy as np

from deconvgen.core import files


def once(jitted: Any, state: int = -1) -> Any:
    """The jitted function, whose programs are compiled by one process at a time.

    - state: the place of an argument whose shapes never change; it is not looked at.
    """
    seen = set()

    def call(*arguments: Any) -> Any:
        told = (
            (*arguments[:state], *arguments[state + 1 :]) if state >= 0 else arguments
        )
        shapes = tuple(map(np.shape, jax.tree.leaves(told)))
        if shapes not in seen:
            compile_alone(jitted.lower(*arguments))
            seen.add(shapes)
        return jitted(*arguments)

    run: Any = call
    run.lower, run.eval_shape = jitted.lower, jitted.eval_shape
    return run


def compile_alone(lowered: Any) -> None:
    """Compile a lowered program, while no other process compiles it."""
    folder: Any = jax.config.jax_compilation_cache_dir  # pyright: ignore
    if not folder:
        return
    digest = hashlib.sha256(lowered.as_text().encode()).hexdigest()[:32]
    with files.alone(Path(folder) / f"{digest}.lock"):
        lowered.compile()


def as_it_is(jitted: Any, state: int = -1) -> Any:
    """The jitted function itself: what there is instead of `once`."""
    return jitted
