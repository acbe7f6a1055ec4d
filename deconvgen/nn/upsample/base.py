"""What all upsamplers share: the registry, the common fields, the checks."""

import contextlib
import functools
from collections.abc import Callable
from typing import Any, ClassVar

import flax.linen as nn
import jax.numpy as jnp
from jax import Array

from deconvgen.core.errors import UserError
from deconvgen.core.registry import Registry
from deconvgen.nn.conv import Conv
from deconvgen.nn.initializers import Initializer, Use, stride_aware
from deconvgen.nn.lsuv import of_data, unit_variance
from deconvgen.ops.arguments import as_float, batch_of, in_space, with_axis
from deconvgen.ops.fir import per_space

upsamplers: Registry[Any] = Registry("upsampler")
"""Upsampling layers by name: [..., h, w, c] -> [..., factor h, factor w, features]."""

ANY = (1, 2, 3)
"""The ranks of a layer whose definition goes axis by axis."""

Sizes = tuple[int, ...]
"""A number for each spatial axis."""


class Layer(nn.Module):
    """A layer that is written for [b, *space, c] and takes any number of batch axes.

    As many spatial axes as `factors` has numbers.
    """

    @property
    def factors(self) -> Sizes:
        """The factor of each spatial axis."""
        raise NotImplementedError

    def __init_subclass__(cls, **kwargs: Any) -> None:
        if "__call__" in cls.__dict__:
            cls.__call__ = _of_any_batch(cls.__dict__["__call__"])
        super().__init_subclass__(**kwargs)

    def cast(self, x: Array) -> Array:
        """x in the dtype of the computation."""
        return as_float(x)


AXES = {
    "x": ("h", "w", "c"),
    "indices": ("rows", "columns", "channels"),
    "guide": ("H", "W", "d"),
}


def _of_any_batch(call: Callable) -> Callable:
    """The method `call(self, x, *more)` for x of any type and any batch axes."""

    @functools.wraps(call)
    def called(self: Any, x: Any, *more: Any) -> Array:
        names = ["x", "guide" if self.needs_guide else "indices"]
        given = (jnp.asarray(a) for a in (x, *more))
        arrays = dict(zip(names, given, strict=False))
        axes = {name: in_space(AXES[name], len(self.factors)) for name in arrays}
        batch = batch_of(type(self).__name__, arrays, axes)
        x, *rest = (with_axis(a, batch) for a in arrays.values())
        if self.needs_guide:
            rest = [self.cast(_guiding(self, x, *rest))]
        with _started(self):
            y = call(self, self.cast(x), *rest)
        return y.reshape(*batch, *y.shape[1:])

    return called


def _started(layer: Any) -> contextlib.AbstractContextManager:
    """In which a layer that is being initialized is called."""
    start = getattr(layer, "kernel_init", None)
    if layer.is_initializing() and getattr(start, "of_data", False):
        return nn.intercept_methods(unit_variance)
    return contextlib.nullcontext()


def _guiding(layer: Layer, x: Array, *guide: Array) -> Array:
    """The guide, of the output's size; else a `UserError`."""
    needed = tuple(n * s for n, s in zip(x.shape[1:-1], layer.factors))
    name = type(layer).__name__
    if not guide:
        raise UserError(
            f"{name} is guided: call it with features of the output's size {needed} "
            "too, those of an encoder"
        )
    if guide[0].shape[1:-1] != needed:
        raise UserError(
            f"{name} needs a guide of the output's size {needed}, not "
            f"{guide[0].shape[1:-1]}"
        )
    return guide[0]


class Upsampler(Layer):
    """The fields of every upsampler.

    - features: the channels that come out.
    - factor: how many times more rows and columns, a whole number >= 1 or a pair; one
      or three numbers, `(2,)` or `(2, 2, 2)`, for signals [..., w, c] and volumes
      [..., d, h, w, c], where the layer has `ranks` for them.
    - kernel_size: of the layer's kernel; None is the layer's own default.
    - kernel_init: an initializer `(key, shape, dtype)`, or an entry of
      `deconvgen.nn.initializers.initializers`, told how each kernel is used; None is
      `stride_aware`, which keeps the variance.
    - dtype, param_dtype: of the computation (None: that of x and the parameters) and
      of the parameters.
    - impl: "auto" is fast in reverse mode; "lax" is plain JAX, for forward mode too.
    - blocks: of the network, each with such a layer, for the starts that count them.

    `kinds` are the kinds of kernel that the layer has, for the initializers. A layer
    with `needs_indices` is called with the encoder's max-pool indices as well, one with
    `needs_guide` with features of the output's size, [..., factor h, factor w, d]; one
    that `has_shortcut` adds a path without parameters, as `Residual` does. Raises
    `UserError` for sizes that the layer does not have, and without its guide.

    >>> issubclass(NearestConv, Upsampler), NearestConv(8, factor=(2, 3)).factor
    (True, (2, 3))
    """

    features: int
    factor: int | Sizes = 2
    kernel_size: int | Sizes | None = None
    kernel_init: Callable | None = None
    use_bias: bool = True
    dtype: Any = None
    param_dtype: Any = jnp.float32
    impl: str = "auto"
    blocks: int = 1

    kinds: ClassVar[tuple[str, ...]] = ("convolution",)
    needs_indices: ClassVar[bool] = False
    needs_guide: ClassVar[bool] = False
    ranks: ClassVar[tuple[int, ...]] = (2,)
    has_shortcut: ClassVar[bool] = False

    @property
    def factors(self) -> Sizes:
        """The factor of each spatial axis: rows and columns."""
        factors = per_space(self.factor)
        if len(factors) not in self.ranks:
            raise UserError(
                f"{type(self).__name__} upsamples images, by a whole number or a pair "
                f"of them, not by {self.factor}"
            )
        return factors

    @property
    def kernel(self) -> Sizes:
        """The kernel's size along each spatial axis."""
        factors, size = self.factors, self.kernel_size
        if size is None:
            return tuple(map(self.default_kernel, factors))
        several = isinstance(size, (tuple, list))
        size = per_space(size if several else (size,) * len(factors), "a kernel size")
        if len(size) != len(factors):
            raise UserError(
                f"a kernel size of {len(size)} numbers, {size}, for a factor of "
                f"{len(factors)}, {factors}"
            )
        return size

    def default_kernel(self, factor: int) -> int:
        """The kernel's own size along an axis that is upsampled by `factor`."""
        return 3

    def init_for(
        self,
        kind: str,
        factor: Sizes | None = None,
        transpose_kernel: bool = False,
        **how: Any,
    ) -> Initializer:
        """The initializer of a kernel of this kind: the user's, or the default.

        `how` are further fields of `Use`.
        """
        once = tuple(1 for _ in self.factors)
        use = Use(kind, factor or once, transpose_kernel, blocks=self.blocks, **how)
        if self.kernel_init is None:
            return stride_aware(use)
        kinds = getattr(self.kernel_init, "kinds", None)
        if kinds is None:
            return self.kernel_init
        if kind not in kinds:
            return stride_aware(use)
        drawn = self.kernel_init(use)
        return of_data(drawn) if getattr(self.kernel_init, "of_data", False) else drawn

    def cast(self, x: Array) -> Array:
        """x in the dtype of the computation."""
        return x.astype(
            jnp.promote_types(as_float(x).dtype, self.param_dtype)
            if self.dtype is None
            else self.dtype
        )

    def conv(
        self,
        x: Array,
        name: str = "conv",
        features: int | None = None,
        kernel: int | Sizes | None = None,
        **options: Any,
    ) -> Array:
        """A stride-1 `SAME` convolution of x in the common dtype; see `layer`."""
        return self.layer(features, kernel, name=name, **options)(x)

    def layer(
        self,
        features: int | None = None,
        kernel: int | Sizes | None = None,
        **options: Any,
    ) -> Conv:
        """Such a convolution, of `self.features` and `self.kernel` where none is given.

        In a compact method; `options` are further fields.
        """
        if kernel is None:
            kernel = self.kernel
        elif isinstance(kernel, int):
            kernel = tuple(kernel for _ in self.factors)
        return Conv(
            self.features if features is None else features,
            kernel,
            use_bias=options.pop("use_bias", self.use_bias),
            kernel_init=options.pop("kernel_init", self.init_for("convolution")),
            dtype=self.dtype,
            param_dtype=self.param_dtype,
            impl=self.impl,
            **options,
        )
