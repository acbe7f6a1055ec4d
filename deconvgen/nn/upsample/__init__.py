"""Upsampling layers by name, behind one signature, with modifiers.

>>> layer = make_upsampler("conv_transpose", features=64, initializer="bilinear")
>>> y = layer.apply(layer.init(key, x), x)  # [b, h, w, c] -> [b, 2h, 2w, 64]

A new one is one decorated module in a file of this folder; everything else picks it
up from the registry:

>>> @upsamplers.register(name="my_conv")
... class MyConv(Upsampler):
...     "What it does, in a line."
...     @nn.compact
...     def __call__(self, x):
...         return self.conv(resize.nearest(x, self.factors))
"""

import importlib
import pkgutil
from functools import lru_cache
from typing import Any

import flax.linen as nn
import jax.numpy as jnp

from deconvgen.core.errors import UserError
from deconvgen.core.errors import unknown as unknown_name
from deconvgen.nn.initializers import Use, initializers
from deconvgen.nn.upsample.base import Upsampler, upsamplers
from deconvgen.nn.upsample.modifiers import (
    SHORTCUTS,
    BoxFilter,
    ExtraConv,
    Residual,
    box_filter,
)
from deconvgen.ops.convolution.geometry import whole
from deconvgen.ops.fir import per_space
from deconvgen.ops.resize import REDUCTIONS

# In the order in which they are listed; then whatever else lies in this folder.
from deconvgen.nn.upsample import transposed, resized, subpixel  # isort: skip
from deconvgen.nn.upsample import dynamic, guided  # isort: skip

__all__ = [
    "BoxFilter",
    "ExtraConv",
    "Residual",
    "Upsampler",
    "box_filter",
    "dynamic",
    "find_files",
    "fits",
    "guided",
    "make_upsampler",
    "resized",
    "subpixel",
    "transposed",
    "upsamplers",
]


def find_files() -> None:
    """Import every file of this folder, so that what it registers is known."""
    for file in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{file.name}")


find_files()


def fits(initializer: str, upsampler: str, residual: bool = False) -> bool:
    """Whether the initializer makes sense for a kernel of the upsampler.

    Some need a path around the layer, its own or `residual`. Raises `UserError` for
    names that nothing goes by.

    >>> fits("icnr", "depth_to_space"), fits("icnr", "conv_transpose")
    (True, False)
    """
    start, layer = initializers[initializer], upsamplers[upsampler]
    if getattr(start, "needs_shortcut", False) and not (residual or layer.has_shortcut):
        return False
    return any(kind in start.kinds for kind in layer.kinds)


@lru_cache(maxsize=64)
def _in_front(start: Any) -> Any:
    """The initializer for kernels that are followed by one more."""

    entry: Any = lambda use: start(use._replace(last=False, layers=use.layers + 1))
    entry.kinds, entry.of_data = start.kinds, getattr(start, "of_data", False)
    return entry


def make_upsampler(
    name: str,
    features: Any,
    factor: Any = 2,
    kernel_size: Any = None,
    initializer: str = "default",
    residual: bool = False,
    box_filter: bool = False,
    extra_conv: bool = False,
    reduction: str = "sum",
    shortcut: str = "bilinear_additive",
    smoothing: int = 0,
    use_bias: bool = True,
    dtype: Any = None,
    param_dtype: Any = jnp.float32,
    impl: str = "auto",
    blocks: int = 1,
    module_name: str | None = None,
    **options: Any,
) -> nn.Module:
    """The upsampler by that name with that initializer, wrapped as asked.

    [..., h, w, c] -> [..., factor h, factor w, features], with a factor and a kernel
    size that are whole numbers or pairs of them (lists will do), or list one or three
    numbers for signals and volumes. In this order: the layer, its box filter (of the
    order `smoothing`), the extra convolution, the sum with the residual path, which is
    a `shortcut` of `Residual`. `reduction` of groups of channels, in the residual path
    and in `bilinear_additive`, is "sum" (Wojna et al. 2017) or "mean". `options` are
    the fields that only some upsamplers have (`transpose_kernel` of `conv_transpose`).
    Raises `UserError` for unknown names, numbers that make no sense, and an
    initializer that does not fit.

    >>> up = make_upsampler("depth_to_space", 8, initializer="icnr")
    >>> jax.eval_shape(up.init_with_output, key, x)[0].shape
    (1, 8, 8, 8)
    """
    layer, start = upsamplers[name], initializers[initializer]
    if not fits(initializer, name, residual):
        good = ", ".join(n for n in upsamplers if fits(initializer, n, residual))
        instead = ", ".join(n for n in initializers if fits(n, name, residual))
        path = (
            ""
            if fits(initializer, name) == fits(initializer, name, True)
            else (" without a residual path")
        )
        raise UserError(
            f"initializer {initializer!r} makes no sense for {name}{path}; it fits "
            f"{good}; for {name} there is {instead}"
        )
    if not whole(features) or features < 1:
        raise UserError(f"features is a whole number >= 1, not {features!r}")
    if reduction not in REDUCTIONS:
        raise unknown_name("reduction", reduction, REDUCTIONS)
    if shortcut not in SHORTCUTS:
        raise unknown_name("shortcut", shortcut, SHORTCUTS)
    if not whole(smoothing) or smoothing < 0:
        raise UserError(f"smoothing is a whole number >= 0, not {smoothing!r}")
    wrappers: list[Any] = []
    if order := smoothing or int(box_filter):
        wrappers.append((BoxFilter, {"order": order}))
    if extra_conv:
        types = {"use_bias": use_bias, "dtype": dtype, "param_dtype": param_dtype}
        if getattr(start, "needs_shortcut", False):
            types["kernel_init"] = start(Use("convolution", layers=2, blocks=blocks))
        wrappers.append((ExtraConv, types))
        start = _in_front(start)
    if residual:
        wrappers.append((Residual, {"reduction": reduction, "shortcut": shortcut}))
    if "reduction" in layer.__dataclass_fields__:
        options["reduction"] = reduction
    unknown = set(options) - set(layer.__dataclass_fields__)
    if unknown:
        raise UserError(f"{name} has no option {', '.join(sorted(unknown))}")
    place: dict[str, Any] = {"parent": None} if wrappers else {"name": module_name}
    module: Any = layer(
        features=int(features),
        factor=per_space(factor),
        kernel_size=_size(kernel_size),
        kernel_init=start,
        use_bias=use_bias,
        dtype=dtype,
        param_dtype=param_dtype,
        impl=impl,
        blocks=blocks,
        **options,
        **place,
    )
    _ = module.kernel  # refuses a size that the layer has not
    for i, (wrapper, fields) in enumerate(wrappers):
        last = i == len(wrappers) - 1
        place = {"name": module_name} if last else {"parent": None}
        module = wrapper(module, **fields, **place)
    return module


def _size(kernel_size: Any) -> int | tuple[int, ...] | None:
    """A whole number, several, or None; else a `UserError`."""
    if kernel_size is None:
        return None
    sizes = per_space(kernel_size, "a kernel size")
    return sizes if isinstance(kernel_size, (tuple, list)) else sizes[0]
