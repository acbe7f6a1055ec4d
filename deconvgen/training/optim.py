"""Optimizers from plain values: schedule, clipping, weight decay, frozen layers."""

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import optax

from deconvgen.core.errors import UserError
from deconvgen.core.numbers import known, on
from deconvgen.core.registry import Registry
from deconvgen.core.types import Scalar, Tree

optimizers: Registry = Registry("optimizer")
schedules: Registry = Registry("schedule")


@optimizers.register
def adam(learning_rate, b1, b2, momentum, weight_decay) -> optax.GradientTransformation:
    """Adam (Kingma & Ba 2015)."""
    return optax.adam(learning_rate, b1, b2)


@optimizers.register
def adamw(
    learning_rate, b1, b2, momentum, weight_decay
) -> optax.GradientTransformation:
    """Adam with decoupled weight decay (Loshchilov & Hutter 2019)."""
    return optax.adamw(learning_rate, b1, b2, weight_decay=weight_decay, mask=kernels)


@optimizers.register
def sgd(learning_rate, b1, b2, momentum, weight_decay) -> optax.GradientTransformation:
    """Stochastic gradient descent with momentum."""
    return optax.sgd(learning_rate, momentum if on(momentum) else None)


@optimizers.register
def rmsprop(
    learning_rate, b1, b2, momentum, weight_decay
) -> optax.GradientTransformation:
    """RMSProp (Tieleman & Hinton 2012); `b2` is the decay of the square."""
    return optax.rmsprop(
        learning_rate, decay=b2, momentum=momentum if on(momentum) else None
    )


@schedules.register
def constant(
    peak: Scalar, steps: int, every: int, factor: Scalar, end: Scalar
) -> optax.Schedule:
    """The same rate throughout."""
    return optax.constant_schedule(peak)


@schedules.register
def cosine(
    peak: Scalar, steps: int, every: int, factor: Scalar, end: Scalar
) -> optax.Schedule:
    """Half a cosine from the peak to its share `end` (Loshchilov & Hutter 2017)."""
    share: Any = end  # a number, or one that JAX traces
    return optax.cosine_decay_schedule(peak, max(steps, 1), share)


@schedules.register
def linear(
    peak: Scalar, steps: int, every: int, factor: Scalar, end: Scalar
) -> optax.Schedule:
    """A straight line from the peak to its share `end`."""
    return optax.linear_schedule(peak, peak * end, max(steps, 1))


@schedules.register
def step(
    peak: Scalar, steps: int, every: int, factor: Scalar, end: Scalar
) -> optax.Schedule:
    """Times `factor` after each `every` steps."""
    decay: Any = factor  # a number, or one that JAX traces
    return optax.exponential_decay(peak, every, decay, staircase=True)


def make_schedule(
    name: str,
    learning_rate: Scalar,
    steps: int,
    warmup_steps: int = 0,
    step_every: int = 1000,
    step_factor: Scalar = 0.5,
    rate_end: Scalar = 0.0,
) -> optax.Schedule:
    """A learning rate as a function of the step, after a linear warm-up from 0."""
    if not 0 <= warmup_steps <= steps:
        raise UserError(
            f"optimizer.warmup_steps should be 0 to steps={steps}, not {warmup_steps}"
        )
    after = schedules[name](
        learning_rate, steps - warmup_steps, step_every, step_factor, rate_end
    )
    if not warmup_steps:
        return after
    warmup = optax.linear_schedule(0.0, learning_rate, warmup_steps)
    return optax.join_schedules([warmup, after], [warmup_steps])


def make_optimizer(
    name: str = "adam",
    learning_rate: Scalar = 1e-3,
    steps: int = 1,
    *,
    b1: Scalar = 0.9,
    b2: Scalar = 0.999,
    momentum: Scalar = 0.9,
    weight_decay: Scalar = 0.0,
    clip: Scalar = 0.0,
    schedule: str = "constant",
    warmup_steps: int = 0,
    step_every: int = 1000,
    step_factor: Scalar = 0.5,
    rate_end: Scalar = 0.0,
    b2_end: Scalar = 0.0,
    scales: Mapping[str, Scalar] | None = None,
) -> optax.GradientTransformation:
    """An optimizer for one network.

    Args:
      name: one of `optimizers`.
      learning_rate: the peak of the schedule.
      steps: length of the schedules.
      rate_end: share of the rate that a cosine or a line ends at.
      b2_end: adam's b2 goes there, down or up half a cosine over all steps (R3GAN:
        Huang et al. 2024); 0 leaves it where it is.
      weight_decay: decoupled for adamw (times the learning rate, added to the update);
        L2 (added to the gradient) for the others. Kernels only: parameters of one
        dimension (biases, gains) are spared.
      clip: largest global norm of the gradient; 0 does not clip.
      scales: factors on the learning rate of the parameters whose path contains the
        key, e.g. `{"head": 0.1}` (FSRCNN); 0 freezes them.

    Raises `UserError` for an unknown name and for numbers out of range.

    >>> sgd = make_optimizer("sgd", 0.1, clip=1.0)
    >>> sgd.update({"w": 5 * jnp.ones(1)}, sgd.init({"w": jnp.ones(1)}))[0]["w"]
    Array([-0.1], dtype=float32)
    """
    if any(known(x) and x < 0 for x in (learning_rate, weight_decay, clip)):
        raise UserError(
            "optimizer.learning_rate, .weight_decay and .clip should be 0 or more, "
            f"not {learning_rate}, {weight_decay} and {clip}"
        )
    rate = make_schedule(
        schedule,
        learning_rate,
        steps,
        warmup_steps,
        step_every,
        step_factor,
        rate_end,
    )
    chain = [optax.clip_by_global_norm(clip)] if on(clip) else []
    if on(weight_decay) and name != "adamw":
        chain += [optax.add_decayed_weights(weight_decay, mask=kernels)]
    if on(b2_end) and name != "adam":
        raise UserError(f"optimizer.b2_end is of adam alone, not of {name}")
    if on(b2_end):
        adaptive = moving_adam(b1, b2, b2_end, steps)
        chain += [adaptive, optax.scale_by_learning_rate(rate)]
    else:
        chain += [optimizers[name](rate, b1, b2, momentum, weight_decay)]
    if scales:
        chain += [scale_by_path(scales)]
    return optax.chain(*chain)


def moving_adam(
    b1: Scalar, b2: Scalar, end: Scalar, steps: int
) -> optax.GradientTransformation:
    """Adam's scaling with a b2 that goes from `b2` to `end`, half a cosine in `steps`.

    The correction for the start is that of the b2 of the step.
    """

    def at(count: Any) -> Any:
        share = jnp.minimum(count / max(steps, 1), 1.0)
        return end + (b2 - end) * (1 + jnp.cos(jnp.pi * share)) / 2

    return optax.inject_hyperparams(optax.scale_by_adam, static_args="b1")(b1=b1, b2=at)


def kernels(params: Tree) -> Tree:
    """True for the parameters that weight decay may touch: kernels."""
    return jax.tree.map(lambda p: p.ndim > 1, params)


def path_name(path: tuple) -> str:
    """`a/b/kernel` for a path of `jax.tree_util`."""
    return "/".join(str(getattr(part, "key", part)) for part in path)


def scale_by_path(scales: Mapping[str, Scalar]) -> optax.GradientTransformation:
    """Multiply the updates of the parameters whose path contains a key."""

    def factor(path: tuple) -> Scalar:
        name = path_name(path)
        return next((s for part, s in scales.items() if part in name), 1.0)

    def update(updates, state, params=None):
        scaled = jax.tree_util.tree_map_with_path(
            lambda path, u: u * factor(path), updates
        )
        return scaled, state

    init: Callable = lambda params: optax.EmptyState()
    return optax.GradientTransformation(init, update)
