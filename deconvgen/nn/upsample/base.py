"""What all upsamplers share: the registry, the common fields, the checks."""

import functools
from collections.abc import Callable
from typing import Any, ClassVar

import flax.linen as nn
import jax.numpy as jnp
from jax import Array

from deconvgen.core.registry import Registry
from deconvgen.nn.conv import Conv
from deconvgen.nn.initializers import Initializer, Use, stride_aware
from deconvgen.ops.arguments import as_float, batch_of, with_axis
from deconvgen.ops.fir import Pair, pair

upsamplers: Registry[Any] = Registry("upsampler")
"""Upsampling layers by name: [..., h, w, c] -> [..., factor h, factor w, features]."""


class Layer(nn.Module):
    """A layer that is written for [b, h, w, c] and takes any number of batch axes."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        if "__call__" in cls.__dict__:
            cls.__call__ = _of_any_batch(cls.__dict__["__call__"])
        super().__init_subclass__(**kwargs)

    def cast(self, x: Array) -> Array:
        """x in the dtype of the computation."""
        return as_float(x)


AXES = {"x": ("h", "w", "c"), "indices": ("rows", "columns", "channels")}


def _of_any_batch(call: Callable) -> Callable:
    """The method `call(self, x, *indices)` for x of any type and any batch axes."""

    @functools.wraps(call)
    def called(self: Layer, x: Any, *indices: Any) -> Array:
        given = (jnp.asarray(a) for a in (x, *indices))
        arrays = dict(zip(AXES, given, strict=False))
        batch = batch_of(type(self).__name__, arrays, AXES)
        x, *rest = (with_axis(a, batch) for a in arrays.values())
        y = call(self, self.cast(x), *rest)
        return y.reshape(*batch, *y.shape[1:])

    return called


class Upsampler(Layer):
    """The fields of every upsampler.

    - features: the channels that come out.
    - factor: how many times more rows and columns, a whole number >= 1 or a pair.
    - kernel_size: of the layer's kernel; None is the layer's own default.
    - kernel_init: an initializer `(key, shape, dtype)`, or an entry of
      `deconvgen.nn.initializers.initializers`, told how each kernel is used; None is
      `stride_aware`, which keeps the variance.
    - dtype, param_dtype: of the computation (None: that of x and the parameters) and
      of the parameters.
    - impl: "auto" is fast in reverse mode; "lax" is plain JAX, for forward mode too.

    `kinds` are the kinds of kernel that the layer has, for the initializers; a layer
    with `needs_indices` is called with the encoder's max-pool indices as well.

    >>> issubclass(NearestConv, Upsampler), NearestConv(8, factor=(2, 3)).factor
    (True, (2, 3))
    """

    features: int
    factor: int | Pair = 2
    kernel_size: int | Pair | None = None
    kernel_init: Callable | None = None
    use_bias: bool = True
    dtype: Any = None
    param_dtype: Any = jnp.float32
    impl: str = "auto"

    kinds: ClassVar[tuple[str, ...]] = ("convolution",)
    needs_indices: ClassVar[bool] = False

    @property
    def factors(self) -> Pair:
        """The factor of the rows and of the columns."""
        return pair(self.factor)

    @property
    def kernel(self) -> Pair:
        """The kernel's rows and columns."""
        if self.kernel_size is not None:
            return pair(self.kernel_size, "a kernel size")
        rows, columns = self.factors
        return self.default_kernel(rows), self.default_kernel(columns)

    def default_kernel(self, factor: int) -> int:
        """The kernel's own size along an axis that is upsampled by `factor`."""
        return 3

    def init_for(
        self,
        kind: str,
        factor: Pair = (1, 1),
        transpose_kernel: bool = False,
        power: float = 1.0,
    ) -> Initializer:
        """The initializer of a kernel of this kind: the user's, or the default."""
        use = Use(kind, factor, transpose_kernel, power)
        if self.kernel_init is None:
            return stride_aware(use)
        kinds = getattr(self.kernel_init, "kinds", None)
        if kinds is None:
            return self.kernel_init
        return self.kernel_init(use) if kind in kinds else stride_aware(use)

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
        kernel: Pair | None = None,
        **options: Any,
    ) -> Array:
        """A stride-1 `SAME` convolution in the common dtype (in a compact method)."""
        layer = Conv(
            self.features if features is None else features,
            self.kernel if kernel is None else kernel,
            use_bias=options.pop("use_bias", self.use_bias),
            kernel_init=options.pop("kernel_init", self.init_for("convolution")),
            dtype=self.dtype,
            param_dtype=self.param_dtype,
            impl=self.impl,
            name=name,
            **options,
        )
        return layer(x)
