"""Every output pixel a weighted mean of the neighbourhood of its input pixel."""

from functools import partial
from itertools import product

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float, Shaped

from deconvgen.core.errors import UserError
from deconvgen.ops.arguments import Given, Images, plain, takes
from deconvgen.ops.fir import Pair, Wholes, pair


@takes(x="h w c", weights="h w p t")
def reassemble(
    x: Images,
    weights: Shaped[Given, "*b h w p t"],
    window: Wholes,
    impl: str = "auto",
) -> Float[Array, "*b h w p c"]:
    """For each pixel p mixtures of its window: sum_t weights[..., p, t] x[at t].

    The window is kh x kw pixels, t = row * kw + column, with `(kh - 1) // 2` rows and
    `(kw - 1) // 2` columns before the pixel; x is zero beyond the border. Wang et al.
    2019 (CARAFE), eq. 4. The derivatives are written out, for reverse mode, because
    those that are derived add 25 padded arrays; `impl="lax"` leaves them to JAX.

    Raises `UserError` where the weights are not as many as the window's pixels.

    >>> reassemble(x, jnp.full((1, 4, 4, 4, 9), 1 / 9), window=(3, 3)).shape
    (1, 4, 4, 4, 2)
    """
    kh, kw = pair(window, "a window")
    if weights.shape[-1] != kh * kw:
        raise UserError(
            f"a window of {kh} x {kw} pixels needs {kh * kw} weights for each mixture, "
            f"not {weights.shape[-1]}"
        )
    return plain(_reassemble, impl)(x, weights, (kh, kw))


@takes(x="h w c", y="h w p c")
def window_products(
    x: Images, y: Shaped[Given, "*b h w p c"], window: Wholes
) -> Float[Array, "*b h w p t"]:
    """How alike y is to each pixel of its window of x: sum_c y[..., p, c] x[at t, c].

    The window is `reassemble`'s, and so is the border: x is zero beyond it. Lu et al.
    2022 (SAPA), eq. 3, without the exponential; also the gradient of `reassemble` with
    respect to its weights.

    >>> window_products(x, x[..., None, :], 3).shape
    (1, 4, 4, 1, 9)
    """
    return _weights_gradient(x, y, pair(window, "a window"))


def _patches(x: Array, window: Pair) -> list[Array]:
    """The window's pixels, one shifted x [b, h, w, c] for each t."""
    (kh, kw), (_, h, w, _) = window, x.shape
    low = ((kh - 1) // 2, (kw - 1) // 2)
    x = jnp.pad(x, ((0, 0), (low[0], kh // 2), (low[1], kw // 2), (0, 0)))
    return [x[:, i : i + h, j : j + w] for i, j in product(range(kh), range(kw))]


@partial(jax.custom_vjp, nondiff_argnums=(2,))
@partial(jax.jit, static_argnums=2)
def _reassemble(x: Array, weights: Array, window: Pair) -> Array:
    terms = [
        patch[:, :, :, None] * weights[..., t, None]
        for t, patch in enumerate(_patches(x, window))
    ]
    return sum(terms[1:], terms[0])


def _forward(x: Array, weights: Array, window: Pair) -> tuple:
    return _reassemble(x, weights, window), (x, weights)


@partial(jax.jit, static_argnums=0)
def _backward(window: Pair, kept: tuple, gradient: Array) -> tuple[Array, Array]:
    x, weights = kept
    (kh, kw), (_, h, w, p, _) = window, weights.shape
    to_weights = _weights_gradient(x, gradient, window)
    ends = ((kh // 2, (kh - 1) // 2), (kw // 2, (kw - 1) // 2))
    ends = ((0, 0), *ends, (0, 0), (0, 0))
    gradient, weights = jnp.pad(gradient, ends), jnp.pad(weights, ends)
    terms = []
    for i, j in product(range(kh), range(kw)):
        # What the window's pixel (i, j) was given comes back from the mirrored place.
        tap = (kh - 1 - i) * kw + (kw - 1 - j)
        there = (slice(None), slice(i, i + h), slice(j, j + w))
        for q in range(p):
            terms.append(gradient[there][..., q, :] * weights[there][..., q, tap, None])
    return sum(terms[1:], terms[0]), to_weights


def _weights_gradient(x: Array, gradient: Array, window: Pair) -> Array:
    """x at t times the gradient, summed over the channels: [b, h, w, p, t].

    A row of the window at a time, as the diagonals of one product of whole rows of
    pixels: more arithmetic than is needed, but in matrices worth the name.
    """
    (kh, kw), (_, h, w, _) = window, x.shape
    low = ((kh - 1) // 2, (kw - 1) // 2)
    x = jnp.pad(x, ((0, 0), (low[0], kh // 2), (low[1], kw // 2), (0, 0)))
    found = []
    for i in range(kh):
        rows = jnp.einsum("bhwpc,bhuc->bhpwu", gradient, x[:, i : i + h])
        found += [jnp.diagonal(rows, j, 3, 4)[..., :w] for j in range(kw)]
    return jnp.stack(found, -1).transpose(0, 1, 3, 2, 4)


_reassemble.defvjp(_forward, _backward)
