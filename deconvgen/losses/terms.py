"""Losses by name, and weighted sums of them: `l1 + 0.1 azimuthal`."""

import re
from collections.abc import Callable

from jax import Array

from deconvgen.core.errors import UserError
from deconvgen.core.registry import Registry

TERM = re.compile(r"(?:(?P<weight>[\d.eE-]+)\s*\*?\s*)?(?P<name>[a-z_]\w*)")


def mixture(
    registry: Registry[Callable[..., Array]], text: str
) -> Callable[..., Array]:
    """The sum that `text` spells: terms joined by `+`, each a name with or without a
    weight before it (`l2`, `0.1 fft`, `0.5 * dice`).

    The result takes whatever the losses take and gives one number per example. Raises
    `UserError` for what does not read so, and for names that the registry lacks.

    >>> loss = mixture(reconstruction_losses, "l1 + 0.1 l2")
    >>> loss(x, 0 * x)
    Array([1.1], dtype=float32)
    """
    terms = []
    for part in text.split("+"):
        found = TERM.fullmatch(part.strip())
        weight = (found["weight"] or "1") if found else ""
        if not found or not _is_number(weight):
            raise UserError(
                f"the loss {text!r} should read like {next(iter(registry))!r} or "
                f"'{next(iter(registry))} + 0.1 NAME', and {part.strip()!r} does not"
            )
        terms.append((float(weight), registry[found["name"]]))

    def loss(*inputs):
        values = [weight * term(*inputs) for weight, term in terms]
        return sum(values[1:], values[0])

    return loss


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
