"""Numbers within their bounds, on or off; seeds as JAX tells them; figures as text."""

import math
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


def on(value: Any) -> bool:
    """Whether a number that switches something on is not 0.

    One that JAX traces, a setting in which runs of one program differ, is not: those
    that have it at 0 have a program of their own (`deconvgen.runs.population`).
    """
    return not known(value) or bool(value)


def known(value: Any) -> bool:
    """Whether a number is there to be looked at: not so while JAX traces it."""
    from jax.core import Tracer

    return not isinstance(value, Tracer)


def key(seed: Any) -> "jax.Array":
    """The PRNG key of a seed; another one for every seed that is not refused."""
    import jax  # late: the command line knows the bounds without it

    return jax.random.key(whole("seed", seed, 0, SEEDS - 1))


def number(value: float | int) -> str:
    """A figure in four digits, without an exponent where it can do; `-` for NaN."""
    if math.isnan(value):
        return "-"
    if value and not 1e-3 <= abs(value) < 1e6:
        return f"{value:.3g}"
    digits = 4 if value == 0 else max(0, 3 - math.floor(math.log10(abs(value))))
    return f"{value:,.{min(digits, 5)}f}"


def shown(value: Any) -> str:
    """A figure as `number` has it; NaN, infinity and what is no figure as they are."""
    known = isinstance(value, float) and math.isfinite(value)
    return number(value) if known else str(value)
