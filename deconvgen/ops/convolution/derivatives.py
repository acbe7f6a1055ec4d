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
from jaxtyping import Array, Float

from deconvgen.ops.convolution import dispatch as forms
from deconvgen.ops.convolution.geometry import Geometry

Precision = lax.PrecisionLike


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


@partial(jax.custom_vjp, nondiff_argnums=(0, 1, 2))
def gather(
    geometry: Geometry,
    precision: Precision,
    impl: str,
    x: Float[Array, "n *big cb"],
    w: Float[Array, "*kernel i cs"],
) -> Float[Array, "n *small cs"]:
    """The strided convolution F."""
    return forms.gather(geometry, precision, impl, x, w)


@partial(jax.custom_vjp, nondiff_argnums=(0, 1, 2))
def scatter(
    geometry: Geometry,
    precision: Precision,
    impl: str,
    y: Float[Array, "n *small cs"],
    w: Float[Array, "*kernel i cs"],
) -> Float[Array, "n *big cb"]:
    """Its transpose T."""
    return forms.scatter(geometry, precision, impl, y, w)


@partial(jax.custom_vjp, nondiff_argnums=(0, 1, 2))
def taps(
    geometry: Geometry,
    precision: Precision,
    impl: str,
    x: Float[Array, "n *big cb"],
    y: Float[Array, "n *small cs"],
) -> Float[Array, "*kernel i cs"]:
    """The gradient G of either with respect to the kernel."""
    return forms.taps(geometry, precision, impl, x, y)


def _keep(sum_of_products):
    """Forward rule: the value, and both arguments for the backward rule."""
    return lambda *args: (sum_of_products(*args), args[-2:])


gather.defvjp(
    _keep(gather),
    lambda *a: (scatter(*a[:3], a[4], a[3][1]), taps(*a[:3], a[3][0], a[4])),
)
scatter.defvjp(
    _keep(scatter),
    lambda *a: (gather(*a[:3], a[4], a[3][1]), taps(*a[:3], a[4], a[3][0])),
)
taps.defvjp(
    _keep(taps),
    lambda *a: (scatter(*a[:3], a[3][1], a[4]), gather(*a[:3], a[3][0], a[4])),
)
