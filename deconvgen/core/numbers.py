"""Whole numbers within their bounds; seeds as far as JAX tells them apart."""

import operator
from typing import TYPE_CHECKING, Any

from deconvgen.core.errors import UserError

if TYPE_CHECKING:
    import jax

SEEDS = 2**32
"""JAX keeps 32 bits of a seed, so that from here on they would be the same again."""


def whole(name: str, value: Any, least: int, most: int | None = None) -> int:
    """A whole number from `least` to `most`, or a `UserError` that names it."""
    try:
        number = operator.index(value)
    except TypeError:
        number = None
    if number is None or isinstance(value, bool):
        raise UserError(f"{name} should be a whole number, not {value!r}")
    if number < least or (most is not None and number > most):
        bounds = f"{least} or more" if most is None else f"{least} to {most}"
        raise UserError(f"{name} should be {bounds}, not {number}")
    return number


def key(seed: Any) -> "jax.Array":
    """The PRNG key of a seed; another one for every seed that is not refused."""
    import jax  # late: the command line knows the bounds without it

    return jax.random.key(whole("seed", seed, 0, SEEDS - 1))
