"""Class numbers: the one place that decides which of them count, and as what."""

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Bool, Float, Int, Shaped

from deconvgen.core import palette
from deconvgen.core.errors import UserError
from deconvgen.ops.arguments import Given

IGNORE = palette.IGNORE
"""The class of pixels that do not count, unless another one is named."""

UNDEFINED = int(np.iinfo(np.int32).min)
"""The class number that NaN logits give: no class, and no mistake either."""

ClassNumbers = Shaped[Given, "*shape"]


def in_range(
    classes: ClassNumbers, k: int, ignore_label: int = -1
) -> tuple[Int[Array, "*shape"], Bool[Array, "*shape"]]:
    """(numbers in 0 .. k - 1 as int32, which of them count).

    What does not count is negative, k or more, or the `ignore_label` (-1: none such);
    its number is 0, to index with. Takes integers of any type, signed or not, and
    bools; raises `UserError` for floats, whose fractions would be lost.
    """
    integers = jnp.issubdtype(classes.dtype, np.integer) or classes.dtype == bool
    if not integers:
        raise UserError(
            f"class numbers should be integers, these are {classes.dtype}: take the "
            "argmax of logits over the last axis, or round"
        )
    # Compared in a type that holds them all: uint8 has no -1, and k may be 300. What
    # uint32 has beyond int32 turns negative.
    x = classes if classes.dtype.itemsize > 4 else classes.astype(np.int32)
    counts = (x >= 0) & (x < k)
    if 0 <= ignore_label < k:
        counts &= x != ignore_label
    where = np.where if isinstance(x, np.ndarray) else jnp.where
    return jnp.asarray(where(counts, x, 0), jnp.int32), jnp.asarray(counts)


def most_likely(logits: Float[Array, "*shape k"]) -> Int[Array, "*shape"]:
    """The class with the largest logit; `UNDEFINED` where one is NaN, not class 0."""
    undefined = jnp.isnan(logits).any(-1)
    return jnp.where(undefined, UNDEFINED, logits.argmax(-1).astype(jnp.int32))


def certainty(logits: Float[Array, "*shape k"]) -> Float[Array, "*shape"]:
    """The largest probability that a softmax gives a class; NaN where a logit is.

    >>> certainty(jnp.zeros((1, 4)))
    Array([0.25], dtype=float32)
    """
    found = jax.nn.softmax(logits.astype(jnp.float32), axis=-1).max(-1)
    return jnp.where(jnp.isnan(logits).any(-1), jnp.nan, found)


def undefined(classes: ClassNumbers) -> Bool[Array, "*shape"]:
    """Where the class is `UNDEFINED`, as `most_likely` says it."""
    if classes.dtype != np.int32:  # has no such number, or not from there
        return jnp.zeros(classes.shape, bool)
    return jnp.asarray(classes == UNDEFINED)
