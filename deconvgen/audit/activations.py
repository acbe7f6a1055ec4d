"""What the layers of a network put out, seen from outside."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import flax.linen as nn
from jax import Array


def watched(function: Callable[..., Array]) -> Callable[..., dict[str, Array]]:
    """`function`, but returning what each Flax module in it puts out as images.

    The outputs [b, h, w, c] by the module's path ("decoder/up_0"), in the order of the
    computation, and the function's own result as "image". A layer that passes on the
    output of one inside it stands for both. Works under `jax.jit`.
    """

    def watching(*args: Any) -> dict[str, Array]:
        found: OrderedDict[str, Array] = OrderedDict()  # jit keeps its order

        def watch(next_function, inputs, settings, context):
            made = next_function(*inputs, **settings)
            name = "/".join(context.module.path)
            if not name or context.method_name != "__call__":
                return made
            if getattr(made, "ndim", 0) != 4:
                return made
            last = next(reversed(found), "")
            if last and found[last] is made:  # passed on from inside
                if any(other.startswith(name + "/") for other in [*found][:-1]):
                    return made  # by a whole network: its last layer has a name
                found.popitem()
            found[name] = made
            return made

        with nn.intercept_methods(watch):
            result = function(*args)
        if found and next(reversed(found.values())) is result:
            found.popitem()
        found["image"] = result
        return found

    return watching
