"""Small pieces of networks: activations by name, and dropout drawn per example."""

import zlib
from collections.abc import Callable
from functools import lru_cache

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float, Int, Key, Shaped

from deconvgen.core.errors import UserError
from deconvgen.core.numbers import known, on
from deconvgen.core.registry import Registry
from deconvgen.core.types import Scalar
from deconvgen.ops.arguments import as_float
from deconvgen.ops.fir import filter_axis

Activation = Callable[[Array], Array]
activations: Registry[Activation] = Registry("activation")

for _name in ("relu", "elu", "selu", "gelu", "silu", "softplus", "sigmoid", "tanh"):
    activations.register(getattr(jax.nn, _name), name=_name)


@activations.register
def leaky_relu(x: Array) -> Array:
    """max(x, 0.2 x): DCGAN's slope."""
    return jax.nn.leaky_relu(x, 0.2)


@activations.register
def filtered_leaky_relu(x: Array) -> Array:
    """Leaky ReLU at twice the resolution, low-pass filtered before and after it.

    So that it makes no frequencies that the pixels cannot carry, and commutes with
    shifts by fractions of one. Karras et al. 2021 (StyleGAN3), sec. 3.1 and app. C: a
    `kaiser` filter after zero insertion, sqrt 2 max(x, 0.2 x), the filter again, every
    second sample. Of x [b, *space, c]; without spatial axes, the leaky ReLU alone.
    """
    taps = kaiser()
    for axis in range(x.ndim - 2):
        x = filter_axis(x, 2 * taps, axis, up=2, padding=(6, 5), impl="lax")
    x = jax.nn.leaky_relu(x, 0.2) * 2**0.5
    for axis in range(x.ndim - 2):
        x = filter_axis(x, taps, axis, down=2, padding=(5, 5), impl="lax")
    return x


@lru_cache
def kaiser() -> np.ndarray:
    """A low-pass filter of 12 taps for twice the pixels' rate, sum 1.

    The cutoff is half the pixels' rate s, the transition band (sqrt 2 - 1) s / 2 to
    either side: StyleGAN3's, of 6 taps a pixel.
    """
    from scipy.signal import firwin  # which takes its time

    return np.asarray(firwin(12, cutoff=0.5, width=2**0.5 - 1, fs=2))


@activations.register
def identity(x: Array) -> Array:
    """x itself."""
    return x


@activations.register
def prelu(x: Array) -> Array:
    """max(x, 0) + a min(x, 0), one learned `a` a channel; inside a module only."""
    return PReLU()(x)


def activation(name: str) -> Activation:
    """The function by that name; `prelu` has parameters: call it in a compact method.

    Raises `UserError` for a name that nothing goes by.

    >>> activation("relu")(jnp.array([-1.0, 2.0]))
    Array([0., 2.], dtype=float32)
    """
    return activations[name]


class PReLU(nn.Module):
    """max(x, 0) + slope min(x, 0) with one learned slope for each channel.

    He et al. 2015, "Delving Deep into Rectifiers", eq. 1; starts at 0.25.

    >>> PReLU().init_with_output(key, -x)[0][0, 0, 0]
    Array([-0.25, -0.25], dtype=float32)
    """

    start: float = 0.25

    @nn.compact
    def __call__(self, x: Shaped[Array, "*b c"]) -> Float[Array, "*b c"]:
        init = nn.initializers.constant(self.start)
        slope = self.param("slope", init, (x.shape[-1],), jnp.float32)
        x = as_float(x)
        return jnp.where(x >= 0, x, slope.astype(x.dtype) * x)


class Dropout(nn.Module):
    """Inverted dropout whose draws belong to the example, not to its place.

    Each example brings its key; the module's path is folded in, so that two layers
    draw differently and neither the batch's size nor the number of devices matters.
    Srivastava et al. 2014. Returns the shape of x.

    Raises `UserError` for a rate outside [0, 1), and in training without keys.

    >>> Dropout(0.5).apply({}, x, jax.random.split(key, 1), train=False).shape
    (1, 4, 4, 2)
    """

    rate: Scalar

    @nn.compact
    def __call__(
        self,
        x: Float[Array, " b *rest"],
        keys: Key[Array, " b"] | None,
        train: bool,
    ) -> Float[Array, " b *rest"]:
        if known(self.rate) and not 0 <= self.rate < 1:
            raise UserError(f"a dropout rate lies in [0, 1), not at {self.rate}")
        if not train or not on(self.rate):
            return x
        if keys is None:
            raise UserError("dropout while training needs one key for each example")
        salt = zlib.crc32("/".join(self.path).encode())

        def kept(key: Array) -> Array:
            key = jax.random.fold_in(key, salt)
            return jax.random.bernoulli(key, 1 - self.rate, x.shape[1:])

        scale = jnp.asarray(1 - self.rate, x.dtype)
        return jnp.where(jax.vmap(kept)(keys), x / scale, 0)


class ClassGains(nn.Module):
    """x (1 + gain[label]) + bias[label], a gain and a bias of each class and channel.

    Both start at 0. Behind a norm, class-conditional batch normalization (Dumoulin et
    al. 2017, "A Learned Representation for Artistic Style", eq. 5; de Vries et al.
    2017). Returns the shape of x.

    >>> gains, label = ClassGains(10), jnp.zeros(1, int)
    >>> bool((gains.init_with_output(key, x, label)[0] == x).all())
    True
    """

    num_classes: int

    @nn.compact
    def __call__(
        self, x: Float[Array, "b *space c"], label: Int[Array, " b"]
    ) -> Float[Array, "b *space c"]:
        shape = (self.num_classes, x.shape[-1])
        gain = self.param("gain", nn.initializers.zeros, shape, jnp.float32)
        bias = self.param("bias", nn.initializers.zeros, shape, jnp.float32)
        own = (len(x), *[1] * (x.ndim - 2), x.shape[-1])
        pick = lambda table: table[label].reshape(own).astype(x.dtype)
        return x * (1 + pick(gain)) + pick(bias)
