"""Networks of different layers at equal multiply-adds: the widths are solved for.

With `model.equal=multiply_adds`, the network of a config gets as many multiply-adds an
image as the same config has with plain `conv_transpose` layers at the widths that are
given, as nearly as whole widths allow. All widths of a decoder (of a whole network,
where encoder and decoder are one) are scaled alike; critics and the encoders of
autoencoders stay as they are.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

import jax
import numpy as np
from ml_collections import ConfigDict

from deconvgen import tasks
from deconvgen.config import Config
from deconvgen.core.errors import UserError, first_line
from deconvgen.training.cost import flops

EQUAL = ("widths", "multiply_adds")
LAYER = "conv_transpose"
PLAIN = {
    "upsampler": LAYER,
    "last_upsampler": "",
    "initializer": "default",
    "residual": False,
    "box_filter": False,
    "extra_conv": False,
    "equal": EQUAL[0],
}
"""The settings of `model` whose multiply-adds are met."""
NARROWEST, WIDEST = 1, 16
"""Least width of the widest layer, and most in times of the one that is given."""
TRIES = 8
"""Widths side by side of which one at least should fit the layers."""


def asked(config: Config) -> tuple[str, tuple[int, ...]]:
    """The key of `model` whose widths are solved for, and the widths that are given."""
    model = config.model
    if "decoder_features" in model:
        reverse = tuple(reversed(model.features))
        return "decoder_features", tuple(model.decoder_features or reverse)
    given = model.features
    return "features", tuple(given) if isinstance(given, tuple) else (given,)


def solved(
    config: Config, example: Mapping[str, Any], before: Config | None = None
) -> Config:
    """A copy of a resolved config with the widths that `model.equal` asks for.

    `example` is a batch. What was chosen is in `config.solved`: the widths given and
    taken, the multiply-adds an image wanted and reached. Of a run that goes on, with
    the config `before`, the widths are those it has.
    """
    if config.model.equal == EQUAL[0]:
        return config
    key, given = asked(config)
    told = before.get("solved") if before is not None else None
    if told and tuple(told.given) == given:
        return _recorded(config, key, told.to_dict())
    wanted = multiply_adds(_plain(config), example)
    if not math.isfinite(wanted):
        raise UserError("model.equal=multiply_adds: XLA does not count them here")
    least = lambda k: [max(NARROWEST, round(f * k / max(given))) for f in given]
    counts: dict[int, float | None] = {}

    def count(k: int) -> float | None:
        if k not in counts:
            try:
                counts[k] = multiply_adds(_at(config, key, least(k)), example)
            except (UserError, ValueError, TypeError) as error:
                counts[k], reasons[k] = None, first_line(error)
        return counts[k]

    reasons: dict[int, str] = {}
    best = nearest(count, wanted, max(given), WIDEST * max(given))
    if best is None:
        raise UserError(
            f"model.equal=multiply_adds finds no widths for model.upsampler="
            f"{config.model.upsampler} ({next(iter(reasons.values()), 'none')})"
        )
    record = {"key": key, "given": given, "taken": tuple(least(best))}
    return _recorded(config, key, record | {"wanted": wanted, "reached": counts[best]})


def nearest(
    count: Callable[[int], float | None], wanted: float, start: int, most: int
) -> int | None:
    """The k from 1 to `most` whose count is nearest to `wanted`; None: there is none.

    `count` grows with k, and is None where k does not fit. Counts of few k are asked
    for: first where a square law from `start` leads, then by halves between.
    """

    low, high, k = 0, most + 1, start  # counts at most and at least `wanted`
    seen: dict[int, float] = {}
    while high - low > 1:
        k = min(max(k, low + 1), high - 1)
        near = sorted(range(low + 1, high), key=lambda other: abs(other - k))
        k = next((other for other in near[:TRIES] if count(other) is not None), 0)
        if not k:
            break
        seen[k] = value = count(k) or 0.0
        low, high = (k, high) if value <= wanted else (low, k)
        law = round(k * (wanted / value) ** 0.5) if value else high
        k = law if len(seen) < 5 else (low + high) // 2
    return min(seen, key=lambda k: abs(seen[k] - wanted), default=None)


def multiply_adds(config: Config, example: Mapping[str, Any]) -> float:
    """Multiply-adds to sample one image of a resolved config, as XLA counts them."""
    task, size = tasks.make(config, None), config.num_samples
    shaped = lambda x: jax.ShapeDtypeStruct((size, *np.shape(x)[1:]), x.dtype)
    batch = jax.tree.map(shaped, dict(example))
    key = jax.eval_shape(lambda: jax.random.key(0))
    keys = jax.eval_shape(lambda: jax.random.split(jax.random.key(0), size))
    state = jax.eval_shape(task.init, key, batch)
    return flops(jax.jit(task.sample).lower(state, batch, keys)) / 2 / size


def _plain(config: Config) -> Config:
    found: Config = ConfigDict(config.to_dict())
    for name, value in PLAIN.items():
        found.model[name] = value
    if "freeze_upsampling" in found.model:
        found.model.freeze_upsampling = False
    return found


def _at(config: Config, key: str, widths: Any) -> Config:
    found: Config = ConfigDict(config.to_dict())
    model = found.model
    if "critic_features" in model and not model.critic_features:
        model.critic_features = tuple(reversed(model.features))
    model[key] = tuple(widths) if isinstance(model[key], tuple) else widths[0]
    return found


def _recorded(config: Config, key: str, record: dict[str, Any]) -> Config:
    found = _at(config, key, record["taken"])
    found.solved = record
    return found
