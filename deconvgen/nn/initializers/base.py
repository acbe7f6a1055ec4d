"""How kernels are used, and the registry of what draws them."""

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from deconvgen.core.errors import UserError
from deconvgen.core.registry import Registry

Initializer = Callable[[Array, Sequence[int], Any], Array]

DECONVOLUTIONS = (
    "deconvolution",  # a transposed convolution of all axes and channels at once
    "decomposed_deconvolution",  # one axis at a time
    "depthwise_deconvolution",  # one channel at a time
)
KINDS = (
    *DECONVOLUTIONS,
    "filtered_deconvolution",  # followed by a fixed filter
    "parallel_deconvolution",  # one of several that are added up
    "sub_pixel",  # a convolution whose channels become sub-pixels (r, s, c)
    "subband",  # a convolution whose channels (r, s, c) a wavelet makes sub-pixels
    "convolution",
    "depthwise_convolution",
)


class Use(NamedTuple):
    """How a kernel is used: its kind, what it upsamples by, and how it is laid out."""

    kind: str
    factor: tuple[int, ...] = (1, 1)
    transpose_kernel: bool = False
    power: float = 1.0  # what a fixed filter after the kernel does to white noise
    last: bool = True  # of the layer's kernels, in the order of their work
    layers: int = 1  # how many kernels the layer has in a row
    blocks: int = 1  # of the network, each of them with such a layer

    def hwio(self, shape: Sequence[int]) -> tuple[int, ...]:
        """The shape as [kh, kw, in, out], or with as many axes of taps as it has."""
        *taps, a, b = shape
        return (*taps, b, a) if self.transpose_kernel else (*taps, a, b)

    def laid_out(self, kernel: Array) -> Array:
        """A kernel [kh, kw, in, out] turned the way this use stores it."""
        if self.transpose_kernel:
            return jnp.flip(kernel, range(kernel.ndim - 2)).swapaxes(-1, -2)
        return kernel

    @property
    def phases(self) -> int:
        """The sub-pixels of a pixel that one channel of the kernel's output makes."""
        in_channels = self.kind in ("sub_pixel", "subband")
        return 1 if in_channels else math.prod(self.factor)

    @property
    def depthwise(self) -> bool:
        """Whether each channel has a filter of its own."""
        return self.kind.startswith("depthwise")

    def gain(self, kernel: Array) -> Array:
        """Var(out) / Var(in) of the kernel for white noise, the mean over the output.

        The squares of the taps that meet in an output pixel, added up: exact for noise
        that is independent from pixel to pixel and from channel to channel.
        """
        features = self.hwio(kernel.shape)[-1]
        return (kernel**2).sum() * self.power / (features * self.phases)


class Starts(Registry[Any]):
    """Initializers by name; with a strength and a scale behind it, others of them.

    - `NAME@E` mixes a start with independent noise, `sqrt(1 - E^2) start + E noise` for
      E from 0 to 1, the noise of `stride_aware`: `icnr@0.3`.
    - `NAME+unit` scales each kernel drawn to `Use.gain` 1, so that starts are compared
      at equal scale: `orthogonal+unit`, `icnr@0.3+unit`. Zeros stay zeros.
    """

    def __getitem__(self, name: str) -> Any:
        plain = name.removesuffix("+unit")
        base, at, strength = plain.partition("@")
        if plain == name and not at:
            return super().__getitem__(name)
        entry = super().__getitem__(base)
        mixed = _mixed(entry, _strength(name, strength)) if at else entry
        return mixed if plain == name else _scaled(mixed)

    def __contains__(self, name: object) -> bool:
        if not isinstance(name, str):
            return False
        base, at, strength = name.removesuffix("+unit").partition("@")
        return super().__contains__(base) and (not at or _share(strength) is not None)


initializers = Starts("initializer")


def initializer(
    *kinds: str, name: str = "", needs_shortcut: bool = False, of_data: bool = False
) -> Callable:
    """Register `(use) -> init` as an initializer for these kinds of kernel.

    - needs_shortcut: it starts the layer at zero, for blocks with a path around it.
    - of_data: the kernels are scaled by what the layer makes of its first batch
      (`deconvgen.nn.lsuv`).
    """

    def register(make: Any) -> Any:
        qualities = (frozenset(kinds), needs_shortcut, of_data)
        return initializers.register(_with(make, *qualities), name=name)

    return register


def _with(make: Any, kinds: frozenset, needs_shortcut: bool, of_data: bool) -> Any:
    make.kinds, make.needs_shortcut, make.of_data = kinds, needs_shortcut, of_data
    return make


def _share(text: str) -> float | None:
    try:
        share = float(text)
    except ValueError:
        return None
    return share if 0 <= share <= 1 else None


def _strength(name: str, text: str) -> float:
    share = _share(text)
    if share is None:
        raise UserError(
            f"initializer {name!r}: the strength behind @ is a number from 0 (the "
            "start itself) to 1 (noise)"
        )
    return share


@lru_cache(maxsize=256)
def _mixed(entry: Any, share: float) -> Any:
    noise = Registry.__getitem__(initializers, "stride_aware")

    def mixed(use: Use) -> Initializer:
        start, drawn = entry(use), noise(use)

        def init(key: Array, shape: Sequence[int], dtype: Any = jnp.float32) -> Array:
            own, other = jax.random.split(key)
            kept = math.sqrt(1 - share**2) * start(own, shape, dtype)
            return kept + share * drawn(other, shape, dtype)

        return init

    shortcut = entry.needs_shortcut and not share
    return _with(mixed, entry.kinds, shortcut, entry.of_data)


@lru_cache(maxsize=256)
def _scaled(entry: Any) -> Any:
    def scaled(use: Use) -> Initializer:
        start = entry(use)

        def init(key: Array, shape: Sequence[int], dtype: Any = jnp.float32) -> Array:
            kernel = start(key, shape, dtype)
            gain = use.gain(kernel)
            return kernel * jnp.where(gain > 0, gain, 1).astype(dtype) ** -0.5

        return init

    return _with(scaled, entry.kinds, entry.needs_shortcut, entry.of_data)
