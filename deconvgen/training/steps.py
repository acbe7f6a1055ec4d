"""What tasks are made of: start a network, run it, descend, average."""

from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import optax
from jax import Array
from jaxtyping import Float, Int

from deconvgen.core.numbers import on
from deconvgen.core.types import Keys, Net, Scalar, Tree


def start(
    module: nn.Module,
    optimizer: optax.GradientTransformation,
    key: Array,
    *inputs: Any,
    **settings: Any,
) -> Net:
    """A network at its beginning, from example inputs."""
    variables = module.init(key, *inputs, train=False, **settings)
    params = variables["params"]
    return Net(params, variables.get("batch_stats", {}), optimizer.init(params))


def forward(
    module: nn.Module, params: Tree, stats: Tree, *inputs: Any, **settings: Any
) -> tuple[Any, Tree]:
    """Run in training mode: (output, new batch statistics)."""
    variables = {"params": params, "batch_stats": stats}
    out, new = module.apply(
        variables, *inputs, train=True, mutable=["batch_stats"], **settings
    )
    return out, new.get("batch_stats", {})


def infer(module: nn.Module, variables: Tree, *inputs: Any, **settings: Any) -> Any:
    """Run in inference mode, on running batch statistics."""
    return module.apply(variables, *inputs, train=False, **settings)


def mean_across(tree: Tree, axis: str | None) -> Tree:
    """The mean over the devices; the tree itself on one device."""
    return tree if axis is None else jax.lax.pmean(tree, axis)


def descend(
    net: Net,
    optimizer: optax.GradientTransformation,
    grads: Tree,
    stats: Tree,
    axis: str | None,
) -> Net:
    """One optimizer step on the gradient's mean over the devices.

    >>> sgd, w = make_optimizer("sgd", 0.1), {"w": jnp.ones(2)}
    >>> descend(Net(w, {}, sgd.init(w)), sgd, w, {}, None).params["w"]
    Array([0.9, 0.9], dtype=float32)
    """
    grads = mean_across(grads, axis)
    updates, opt = optimizer.update(grads, net.opt, net.params)
    return Net(optax.apply_updates(net.params, updates), stats, opt)


def average(ema: Tree, net: Net, decay: Scalar, step: Array) -> Tree:
    """Exponential moving average of parameters and batch statistics.

    The decay rises as (1 + step) / (10 + step) to its final value, so that the random
    start does not linger. With decay 0, the network itself.

    >>> ema = {"params": {"w": jnp.zeros(2)}, "batch_stats": {}}
    >>> average(ema, Net({"w": jnp.ones(2)}, {}, ()), 0.9, jnp.array(0))["params"]["w"]
    Array([0.9, 0.9], dtype=float32)
    """
    new = {"params": net.params, "batch_stats": net.stats}
    if not on(decay):
        return new
    now = jnp.minimum(decay, (1.0 + step) / (10.0 + step))
    return jax.tree.map(lambda a, b: a + (1.0 - now) * (b - a), ema, new)


def reduce(
    values: Float[Array, "b ..."], mask: Float[Array, " b"], axis: str | None
) -> Float[Array, "..."]:
    """A device's share of the mean over the unmasked examples of all devices.

    Of one device the mean itself; of several, `mean_across` of it is the mean, however
    many examples each of them has, and so is that of its gradient.
    """
    rows = mask.reshape(-1, *[1] * (values.ndim - 1))
    total, count = jnp.sum(jnp.where(rows > 0, values * rows, 0), axis=0), jnp.sum(mask)
    return total / jnp.maximum(mean_across(count, axis), 1e-6)


def normals(keys: Keys, *shape: int) -> Float[Array, "b ..."]:
    """Standard normal draws [b, *shape], each example from its own key."""
    return jax.vmap(lambda key: jax.random.normal(key, shape))(keys)


def fold(keys: Keys, salt: int | Int[Array, ""]) -> Keys:
    """Fresh keys, one per example, for a purpose that goes by a number."""
    return jax.vmap(lambda key: jax.random.fold_in(key, salt))(keys)


def prior(keys: Keys, size: int) -> Float[Array, "b {size}"]:
    """The standard normal latents [b, size] that a task's samples are decoded from."""
    return normals(fold(keys, 0), size)


def supervised(
    loss: Callable[..., tuple[Array, tuple[Tree, dict[str, Array]]]],
    optimizer: optax.GradientTransformation,
    decay: Scalar,
    axis: str | None,
    name: str = "model",
) -> Callable:
    """The train step of a task with one network.

    `loss(params, stats, batch, keys) -> (scalar, (new stats, scalars to log))`.

    >>> loss = lambda params, stats, batch, keys: (params["w"] ** 2, (stats, {}))
    >>> sgd, w = make_optimizer("sgd", 0.1), {"w": jnp.array(3.0)}
    >>> step = supervised(loss, sgd, decay=0.0, axis=None)
    >>> start = State(jnp.array(0), {"model": Net(w, {}, sgd.init(w))}, {})
    >>> float(step(start, {}, None)[1]["loss"])
    9.0
    """

    def train_step(state, batch, keys):
        net = state.nets[name]
        grad = jax.value_and_grad(loss, has_aux=True)
        (value, (stats, logged)), grads = grad(net.params, net.stats, batch, keys)
        net = descend(net, optimizer, grads, stats, axis)
        ema = average(state.ema, net, decay, state.step)
        scalars = mean_across({"loss": value} | logged, axis)
        return type(state)(state.step + 1, {name: net}, ema), scalars

    return train_step
