"""What the operations take: any number of batch axes, any type of numbers.

An operation is written for one batch axis and for floating-point numbers; `takes`
makes of it what Flax's layers are: no batch axis will do, and so will two.
"""

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import TYPE_CHECKING, Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Shaped

from deconvgen.core.errors import UserError, unknown

if TYPE_CHECKING:  # any array outside, a `jax.Array` inside: `takes` makes it one
    Given: TypeAlias = Any
else:
    Given = Array | np.ndarray

Images = Shaped[Given, "*b h w c"]
"""Of any type, with any number of batch axes."""

Maps = Shaped[Given, "*batch_and_space c"]
"""Images, or what has one or three spatial axes: signals and volumes."""

TYPES = ("rounded", "wide", "levels", "kept")


def takes(
    types: str = "rounded", *, space: str = "", **axes: str
) -> Callable[[Callable], Callable]:
    """Decorate an operation whose arrays have one batch axis, and so its results.

    `axes` name the arrays among its arguments and the axes of one example:
    `takes(x="h w c", weights="h w p t")`. Callers may have any number of batch axes,
    the same for all of them; axes of one name have one size. Else a `UserError`.
    `space` names the argument that has one value for each spatial axis: where it lists
    one or three of them instead of two, "h w" is "w" or "d h w".

    `types` say what the operation computes in, and what comes out:

    - "rounded": in float32 at least (float64 where an array is); integers and
      booleans give float32, half precision is rounded at the end.
    - "wide": in the same, and that comes out.
    - "levels": as "wide", for images in [-1, 1], of which integers are `levels`.
    - "kept": values are only moved about, so their types are left alone.
    """
    if types not in TYPES:
        raise ValueError(f"types is one of {TYPES}, not {types!r}")
    images = {name: tuple(listed.split()) for name, listed in axes.items()}

    def decorate(operation: Callable) -> Callable:
        signature = inspect.signature(operation)

        @functools.wraps(operation)
        def called(*args: Any, **kwargs: Any) -> Any:
            bound = signature.bind(*args, **kwargs)
            listed = bound.arguments.get(space)
            rank = len(listed) if isinstance(listed, (tuple, list)) else 2
            named = {name: in_space(axes, rank) for name, axes in images.items()}
            arrays = {name: jnp.asarray(bound.arguments[name]) for name in named}
            batch = batch_of(operation.__name__, arrays, named)
            if types != "kept":
                read = levels if types == "levels" else as_float
                arrays = {name: read(x) for name, x in arrays.items()}
            result = jnp.result_type(*(x.dtype for x in arrays.values()))
            for name, x in arrays.items():
                if types != "kept":
                    x = x.astype(wide(result))
                bound.arguments[name] = with_axis(x, batch)
            restore = lambda y: y.reshape(*batch, *y.shape[1:])
            if types == "rounded":
                restore = lambda y: y.astype(result).reshape(*batch, *y.shape[1:])
            return jax.tree.map(restore, operation(*bound.args, **bound.kwargs))

        return called

    return decorate


def in_space(axes: Sequence[str], rank: int) -> tuple[str, ...]:
    """The names of an image's axes, ("h", "w", "c"), in as many dimensions."""
    if rank not in (1, 3):  # of which whoever reads the argument knows better
        return tuple(axes)
    names = "dhw"[3 - rank :]
    return (*(names.upper() if axes[0].isupper() else names), *axes[2:])


IMPLS = ("auto", "lax")


def plain(operation: Any, impl: str) -> Callable:
    """A `jax.custom_vjp`, or with `impl="lax"` what it computes without its rules.

    Those are for reverse mode; plain JAX is differentiated forward as well
    (`jax.jvp`, `jax.jacfwd`, `jax.hessian`).
    """
    if impl not in IMPLS:
        raise unknown("impl", impl, IMPLS)
    return operation if impl == "auto" else operation.__wrapped__


def as_float(x: Array) -> Array:
    """x, with integers and booleans as float32."""
    return x if jnp.issubdtype(x.dtype, jnp.inexact) else x.astype(jnp.float32)


def levels(x: Array) -> Array:
    """x, with integers 0 .. 255 (and False, True) as black to white in [-1, 1]."""
    if jnp.issubdtype(x.dtype, jnp.inexact):
        return x
    return x.astype(jnp.float32) / (0.5 if x.dtype == bool else 127.5) - 1


def wide(dtype: Any) -> Any:
    """The type to add up in: float32, or `dtype` where that is wider."""
    return jnp.promote_types(dtype, jnp.float32)


def alike(x: Any, kernel: Any, preferred_element_type: Any) -> tuple[Array, Array]:
    """Both in the one type of a convolution; with a preferred type they are lax's.

    Integers (and booleans) with integers are exact, in 32 bits at least; with
    floating-point numbers they are such numbers.
    """
    x, kernel = jnp.asarray(x), jnp.asarray(kernel)
    if preferred_element_type is not None:
        return x, kernel
    dtype = jnp.result_type(x, kernel)
    if jnp.issubdtype(dtype, jnp.inexact):
        dtype = jnp.result_type(as_float(x), as_float(kernel))
    else:
        dtype = jnp.promote_types(dtype, jnp.int32)
    return x.astype(dtype), kernel.astype(dtype)


def with_axis(x: Array, batch: tuple[Any, ...]) -> Array:
    """x with one axis for all of those of the batch."""
    return x.reshape(prod(batch), *x.shape[len(batch) :])


def batch_of(
    operation: str, arrays: Mapping[str, Array], named: Mapping[str, Sequence[str]]
) -> tuple[Any, ...]:  # of numbers, or symbols while a program is exported
    """The batch axes in front of the `named` axes of each array, the same for all.

    Raises `UserError` where they, or two axes of one name, differ.
    """
    sizes: dict[str, tuple[Any, str]] = {}
    for name, x in arrays.items():
        rank = len(named[name])
        if x.ndim < rank:
            raise UserError(
                f"{operation}: {name} is [..., {', '.join(named[name])}], "
                f"not an array of shape {x.shape}"
            )
        batch = x.shape[: x.ndim - rank]
        found = {"batch axes": batch, **dict(zip(named[name], x.shape[len(batch) :]))}
        for axis, size in found.items():
            known, first = sizes.setdefault(axis, (size, name))
            if size != known:
                raise UserError(
                    f"{operation}: {first} and {name} need the same {axis}, not "
                    f"{known} and {size}, in shapes {arrays[first].shape} and {x.shape}"
                )
    return sizes["batch axes"][0]
