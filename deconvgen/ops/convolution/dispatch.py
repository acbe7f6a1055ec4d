"""The three sums, each in the form that suits: on a CPU what `forms` says.

On GPU and TPU they are the single lax convolutions of `direct`, the forms that the
vendors' kernels are made for.

Many networks of a kind trained in one program (`several`) are another matter: `vmap`
over their kernels makes a grouped convolution of a convolution, which GPUs run badly,
and a batched matrix product of a matrix product. So inside `several` all three sums
are products, 5 to 7 times faster there (`benchmarks/RESULTS-gpu.md`).
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from math import prod

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Num

from deconvgen.core.errors import unknown
from deconvgen.ops.convolution import cells, depthwise, direct, polyphase
from deconvgen.ops.convolution.forms import Case, chosen
from deconvgen.ops.convolution.geometry import Big, Geometry, Kernel, Plan, Small

IMPLS = [
    "auto",
    "lax",
    "direct",
    "apart",
    "mixed",
    "joint",
    "product",
    "cells",
    "batched",
]
"""`apart`, `mixed` and `joint` are forms of the scatter sum; `batched` takes products
for all three, where there are not too many taps."""

_several: ContextVar[bool] = ContextVar("several", default=False)


@contextmanager
def several() -> Iterator[None]:
    """What is traced inside is to be mapped over networks: `auto` is `batched`."""
    token = _several.set(True)
    try:
        yield
    finally:
        _several.reset(token)


def route(
    impl: str,
    g: Geometry,
    x: Num[Array, "..."],
    w: Num[Array, "..."],
    preferred_element_type=None,
) -> str:
    """The `impl` to take: plain lax for what the three sums are not made for."""
    if impl not in IMPLS:
        raise unknown("impl", impl, IMPLS)
    kind = jnp.result_type(x, w)
    plain = (
        not jnp.issubdtype(kind, jnp.floating)
        or x.dtype != w.dtype
        or preferred_element_type not in (None, kind)
        or 0 in (x.size, w.size, prod(g.big), prod(g.small))
    )
    if plain:
        return "lax"
    return "batched" if impl == "auto" and _several.get() else impl


def gather(plan: Plan, x: Big, w: Kernel) -> Small:
    """The strided convolution."""
    case = Case(plan.geometry, x.shape[0], x.shape[-1], w.shape[-1])
    return _run("gather", plan, case, x, w)


def taps(plan: Plan, x: Big, y: Small) -> Kernel:
    """The kernel gradient."""
    case = Case(plan.geometry, x.shape[0], x.shape[-1], y.shape[-1])
    return _run("taps", plan, case, x, y)


def scatter(plan: Plan, y: Small, w: Kernel) -> Big:
    """The transposed convolution."""
    g = plan.geometry
    case = Case(g, y.shape[0], w.shape[-2] * g.groups, y.shape[-1])
    return _run("scatter", plan, case, y, w)


def _split(dense: Callable) -> Callable:
    """Group by group: slices of the last axis of both arguments and of the result."""

    def each(g: Geometry, precision, a: Array, b: Array) -> Array:
        one = partial(dense, Plan(g._replace(groups=1), precision, "auto"))
        pairs = zip(jnp.split(a, g.groups, -1), jnp.split(b, g.groups, -1))
        return jnp.concatenate([one(*pair) for pair in pairs], -1)

    return each


FORMS: dict[str, dict[str, Callable]] = {
    "gather": {
        "direct": direct.gather,
        "cells": cells.gather,
        "product": polyphase.gather_product,
        "patches": polyphase.gather_patches,
        "depthwise": depthwise.gather,
        "split": _split(gather),
    },
    "taps": {
        "direct": direct.taps,
        "cells": cells.taps,
        "product": polyphase.taps_product,
        "patches": polyphase.taps_patches,
        "each": polyphase.taps_each,
        "depthwise": depthwise.taps,
        "split": _split(taps),
    },
    "scatter": {
        "direct": direct.scatter,
        "cells": cells.scatter,
        "product": polyphase.scatter_product,
        "apart": partial(polyphase.scatter, joint=0),
        "mixed": partial(polyphase.scatter, joint=1),
        "joint": lambda g, *args: polyphase.scatter(g, *args, joint=len(g.stride)),
        "depthwise": depthwise.scatter,
        "split": _split(scatter),
    },
}


def _run(name: str, plan: Plan, case: Case, a: Array, b: Array) -> Array:
    """In the chosen form; where it is our own choice, on the CPU only."""
    g, precision, impl = plan
    forms = FORMS[name]
    form, whole = forms[chosen(name, impl, case)], forms["direct"]
    if impl != "auto" or form is whole:
        return form(g, precision, a, b)
    return lax.platform_dependent(
        a,
        b,
        cpu=lambda a, b: form(g, precision, a, b),
        default=lambda a, b: whole(g, precision, a, b),
    )
