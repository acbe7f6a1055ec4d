"""The audit of anybody's upsampling: a function, or a Flax module."""

from typing import Any

import flax.linen as nn
import jax
import numpy as np

from deconvgen.audit.probe import (
    INSIDE,
    Answer,
    answer,
    arguments,
    draws,
    probes,
    random_key,
)
from deconvgen.core.errors import UserError, first_line
from deconvgen.core.numbers import whole
from deconvgen.ops.fir import Pair, pair

BORDER = 8  # pixels of the input, each way, that a kernel may reach


def layer(
    function: Any,
    factor: int | Pair = 2,
    channels: int = 16,
    *,
    variables: Any = None,
    border: int = BORDER,
) -> Answer:
    """What an upsampling function or layer does to its input: checkerboards and shifts.

    `function` makes [b, r h, s w, d] of float32 [b, h, w, channels], `factor` being
    (r, s); it need not be traceable. Of a Flax module, figures are means over some
    random starts, unless `variables` says with which it runs. `border` is how many
    pixels of the input a kernel may reach, and is left out on every side.

    >>> w = jax.random.normal(jax.random.key(0), (3, 3, 16, 32))
    >>> up = lambda x: jax.lax.conv_transpose(x, w, (2, 2), "SAME")
    >>> deconvgen.audit.layer(up).phase_variance > 2  # 1 is even
    True

    Gives the figures that `Audit` describes. Raises `UserError` where the function
    takes no such input, or what it makes is of another size or not finite.
    """
    factor = pair(factor)
    channels, border = whole("channels", channels, 1), whole("border", border, 1)
    probe = probes(INSIDE + 2 * border, channels, factor)
    x = probe[0]
    try:
        made = [np.asarray(y) for y in _answers(function, variables, probe)]
    except (TypeError, ValueError, LookupError, AttributeError) as error:
        raise UserError(
            f"the layer takes no images {list(x.shape)}: {first_line(error)} "
            f"(channels={channels} says how many channels go in)"
        ) from error
    n, h, w, _ = x.shape
    wanted = (n, h * factor[0], w * factor[1])
    for y in made:
        if y.ndim != 4 or y.shape[:3] != wanted:
            raise UserError(
                f"with factor={factor}, the layer should make {[*wanted, 'features']} "
                f"of {list(x.shape)}, not {list(y.shape)}"
            )
        if y.dtype.kind not in "fiu" and y.dtype.name != "bfloat16":
            raise UserError(f"the layer should make real numbers, not {y.dtype}")
        if not np.isfinite(y.astype(np.float32)).all():
            raise UserError("the layer makes NaN or infinities of finite images")
    return answer(np.stack(made).astype(np.float32), factor, border)


def _answers(function: Any, variables: Any, probe: tuple[Any, ...]) -> list[Any]:
    if not isinstance(function, nn.Module):
        if not callable(function):
            raise UserError(f"a layer is a function or a module, not {function!r:.80}")
        return [function(probe[0])]
    args = arguments(function, *probe)
    apply = jax.jit(function.apply)
    if variables is not None:
        return [apply(variables, *args)]
    start = jax.jit(function.init)
    first = apply(start(random_key(0), *args), *args)
    seeds = range(1, draws(first.shape[-1]))
    return [first, *(apply(start(random_key(seed), *args), *args) for seed in seeds)]
