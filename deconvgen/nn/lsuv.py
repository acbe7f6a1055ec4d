"""Kernels scaled by what they make of the first batch."""

import functools
from typing import Any

import jax.numpy as jnp

from deconvgen.nn.initializers import Initializer


def of_data(init: Initializer) -> Initializer:
    """The initializer, marked for `unit_variance`."""

    @functools.wraps(init)
    def marked(*args: Any) -> Any:
        return init(*args)

    marked.of_data = True  # type: ignore[attr-defined]
    return marked


def unit_variance(call: Any, inputs: tuple, options: dict, context: Any) -> Any:
    """An interceptor of `nn.intercept_methods` for a layer that is being initialized.

    Each kernel of an initializer marked by `of_data` is divided by the deviation of
    what its module makes of its input, in the order of the calls. Mishkin and Matas
    2016, algorithm 1: biases are zero, so that the variance is 1 at once, and no
    further iteration changes anything. Kernels whose output is constant stay.
    """
    y, module = call(*inputs, **options), context.module
    init = getattr(module, "kernel_init", None)
    own = context.method_name == "__call__" and module.has_variable("params", "kernel")
    if not own or not getattr(init, "of_data", False):
        return y
    deviation = jnp.std(y.astype(jnp.float32))
    scale = 1 / jnp.where(deviation > 0, deviation, 1)
    kernel = module.get_variable("params", "kernel")
    module.put_variable("params", "kernel", kernel * scale.astype(kernel.dtype))
    return y * scale.astype(y.dtype)
