"""The three sums of a strided convolution, each the derivative of the others.

With the geometry of `deconvgen.ops.convolution.geometry`, X the big side, Y the small
side and W the kernel:

    gather   F(X, W)[i] = sum_t X[s i + d t - p] W[t]              big -> small
    scatter  T(Y, W)[u] = sum_{s i + d t - p = u} Y[i] W[t]^T      small -> big
    taps     G(X, Y)[t] = sum_{n, i} X[s i + d t - p]^T Y[i]       kernel gradient

Each is linear in both arguments and <F(X, W), Y> = <X, T(Y, W)> = <G(X, Y), W>:
the gradients of one are the other two, so derivatives of every order stay
within the three and are as fast as they are. (Autodiff would write the kernel
gradient of a scatter as a convolution of the *dilated* small side with the big
gradient, which XLA runs as a plain loop on the CPU.)

Shapes: X [n, *big, Cb], Y [n, *small, Cs], W [*kernel, Cb / groups, Cs].
"""

from functools import partial

import jax
from jax import lax
from jaxtyping import Array

from deconvgen.ops.convolution import dispatch
from deconvgen.ops.convolution.geometry import Big, Kernel, Plan, Small


def alike(x: Array, w: Array) -> tuple[Array, Array]:
    """Both varying over the same axes of an enclosing `shard_map`.

    lax does this by itself, and its transpose is the sum over the devices which
    the gradient of a replicated kernel needs. Adding a zero does it for us.
    """
    if _varies(x) != _varies(w):
        x, w = x + lax.full_like(w, 0, shape=()), w + lax.full_like(x, 0, shape=())
    return x, w


def _varies(x: Array) -> frozenset:
    kind = jax.typeof(x)
    kind = getattr(kind, "manual_axis_type", kind)
    return getattr(kind, "varying", getattr(kind, "vma", frozenset()))


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def gather(plan: Plan, x: Big, w: Kernel) -> Small:
    """The strided convolution F."""
    return dispatch.gather(plan, x, w)


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def scatter(plan: Plan, y: Small, w: Kernel) -> Big:
    """Its transpose T."""
    return dispatch.scatter(plan, y, w)


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def taps(plan: Plan, x: Big, y: Small) -> Kernel:
    """The gradient G of either with respect to the kernel."""
    return dispatch.taps(plan, x, y)


def _keep(sum_of_products):
    """Forward rule: the value, and both arguments for the backward rule."""
    return lambda plan, a, b: (sum_of_products(plan, a, b), (a, b))


def _gather_back(plan: Plan, kept: tuple[Big, Kernel], dy: Small) -> tuple[Big, Kernel]:
    x, w = kept
    return scatter(plan, dy, w), taps(plan, x, dy)


def _scatter_back(plan: Plan, kept: tuple[Small, Kernel], dx: Big) -> tuple:
    y, w = kept
    return gather(plan, dx, w), taps(plan, dx, y)


def _taps_back(plan: Plan, kept: tuple[Big, Small], dw: Kernel) -> tuple[Big, Small]:
    x, y = kept
    return scatter(plan, y, dw), gather(plan, x, dw)


gather.defvjp(_keep(gather), _gather_back)
scatter.defvjp(_keep(scatter), _scatter_back)
taps.defvjp(_keep(taps), _taps_back)
