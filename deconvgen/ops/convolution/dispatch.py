"""Which exact form of gather, scatter and taps to take.

On GPU and TPU the single lax convolutions of `direct`, the forms that the vendors'
kernels are made for. On the CPU, by what `benchmarks/layers.py` showed: `direct`
for the strided convolution and the kernel gradient of lines and images, `polyphase`
for the scatter, matrix products where the small side is one pixel and for the kernel
gradient of volumes, `depthwise` for single channels.

Many networks of a kind trained in one program (`several`) are another matter: `vmap`
over their kernels makes a grouped convolution of a convolution, which GPUs run badly,
and a batched matrix product of a matrix product. So inside `several` all three sums
are products, 5 to 7 times faster there (`benchmarks/RESULTS-gpu.md`).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from math import prod

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Num

from deconvgen.core.errors import unknown
from deconvgen.ops.convolution import depthwise, direct, polyphase
from deconvgen.ops.convolution.geometry import Big, Geometry, Kernel, Plan, Small

IMPLS = ("auto", "lax", "direct", "apart", "mixed", "joint", "product", "batched")
"""`apart` to `product` are forms of the scatter sum of one group without dilation;
`batched` takes products for all three sums, where there are not too many taps."""

_several: ContextVar[bool] = ContextVar("several", default=False)


@contextmanager
def several() -> Iterator[None]:
    """What is traced inside is to be mapped over networks: `auto` is `batched`."""
    token = _several.set(True)
    try:
        yield
    finally:
        _several.reset(token)


# What is written out is compiled piece by piece, on every platform and whether it
# runs or not; beyond these one convolution takes seconds where it took minutes.
MOST_CONVOLUTIONS = 16  # of the phases that are apart
MOST_GROUPS = 8  # each with convolutions of its own
MOST_PRODUCTS = 64  # of a kernel gradient, one for each tap
MOST_TERMS = 25  # taps of a depthwise kernel that are shifted and added
MOST_SUMS = 16  # of its gradient, which XLA compiles slowest


def route(
    impl: str,
    g: Geometry,
    x: Num[Array, "..."],
    w: Num[Array, "..."],
    preferred_element_type=None,
) -> str:
    """The `impl` to take: plain lax for what the three sums are not made for."""
    if impl not in IMPLS:
        raise unknown("impl", impl, IMPLS)
    kind = jnp.result_type(x, w)
    plain = (
        not jnp.issubdtype(kind, jnp.floating)
        or x.dtype != w.dtype
        or preferred_element_type not in (None, kind)
        or 0 in (x.size, w.size, prod(g.big), prod(g.small))
    )
    if plain:
        return "lax"
    return "batched" if impl == "auto" and _several.get() else impl


def gather(plan: Plan, x: Big, w: Kernel) -> Small:
    """The strided convolution."""
    g, precision, impl = plan
    if g.groups > 1:
        alone = x.shape[-1] == w.shape[-1] == g.groups
        return _grouped(gather, alone, plan, x, w)
    if impl == "batched" and prod(g.kernel) <= MOST_PRODUCTS:
        return polyphase.gather_patches(g, precision, x, w)
    if impl in ("auto", "product") and _one_pixel(g):
        return _run(polyphase.gather_product, direct.gather, plan, x, w)
    return direct.gather(g, precision, x, w)


def taps(plan: Plan, x: Big, y: Small) -> Kernel:
    """The kernel gradient."""
    g, precision, impl = plan
    if g.groups > 1:
        alone = x.shape[-1] == y.shape[-1] == g.groups
        return _grouped(taps, alone, plan, x, y)
    if impl == "batched" and prod(g.kernel) <= MOST_PRODUCTS:
        return polyphase.taps_patches(g, precision, x, y)
    if impl in ("auto", "product") and _one_pixel(g):
        return _run(polyphase.taps_product, direct.taps, plan, x, y)
    each = len(g.stride) == 3 and max(g.stride) > 1 and prod(g.kernel) <= MOST_PRODUCTS
    if impl == "auto" and each:
        return _run(polyphase.taps_each, direct.taps, plan, x, y)
    return direct.taps(g, precision, x, y)


def scatter(plan: Plan, y: Small, w: Kernel) -> Big:
    """The transposed convolution."""
    g, precision, impl = plan
    if g.groups > 1:
        alone = y.shape[-1] == g.groups and w.shape[-2] == 1
        return _grouped(scatter, alone, plan, y, w)
    form = _scatter_form(g, w.shape[-2]) if impl == "auto" else impl
    if form == "batched":
        form = "product" if prod(g.kernel) <= MOST_PRODUCTS else "direct"
    if form == "direct" or any(d > 1 for d in g.dilation):
        return direct.scatter(g, precision, y, w)
    joint = {"apart": 0, "mixed": 1, "joint": len(g.stride)}
    fast = (
        polyphase.scatter_product
        if form == "product"
        else partial(polyphase.scatter, joint=joint[form])
    )
    return _run(fast, direct.scatter, plan, y, w)


def _scatter_form(g: Geometry, cb: int) -> str:
    """The fastest form on a CPU with wide vector units."""
    if all(n == 1 for n in g.small) or all(k <= s for k, s in zip(g.kernel, g.stride)):
        return "product"
    if all(s == 1 for s in g.stride):
        return "direct"
    volume = len(g.stride) == 3  # where each convolution is slower
    if prod(g.kernel) * cb <= (1024 if volume else 256):  # too few to fill one
        return "product"
    if volume:
        return "joint"
    if max(g.small) <= 4 and prod(g.stride) <= MOST_CONVOLUTIONS:
        return "apart"
    whole = all(k % s == 0 for k, s in zip(g.kernel, g.stride))
    several = prod(g.stride[:-1]) > MOST_CONVOLUTIONS
    if several or (whole and min(g.small) >= 16):
        return "joint"
    return "mixed"


def _blocks(g: Geometry) -> int:
    """As many strides as it takes to span the kernel, over all axes."""
    reach = [d * (k - 1) + 1 for d, k in zip(g.dilation, g.kernel)]
    spans = zip(g.kernel, reach, g.stride)
    return prod(k if s == 1 else -(-r // s) for k, r, s in spans)


def _one_pixel(g: Geometry) -> bool:
    """Whether the three sums are plain matrix products."""
    return all(n == 1 for n in g.small) and all(d == 1 for d in g.dilation)


def _grouped(dense, alone: bool, plan: Plan, a: Array, b: Array) -> Array:
    """Depthwise (each channel `alone`), group by group, or all groups in one form.

    The groups are slices of the last axis of both arguments and of the result.
    """
    g, precision, impl = plan
    whole = getattr(direct, dense.__name__)
    if impl != "auto":
        return whole(g, precision, a, b)
    terms = _blocks(g) if dense is scatter else prod(g.kernel)
    if alone and terms <= (MOST_SUMS if dense is taps else MOST_TERMS):
        return _run(getattr(depthwise, dense.__name__), whole, plan, a, b)
    if g.groups > MOST_GROUPS or g.groups * prod(g.stride) > 2 * MOST_CONVOLUTIONS:
        form = whole
        if dense is scatter and max(g.stride) > 1 == max(g.dilation):
            form = partial(polyphase.scatter, joint=len(g.stride))
        elif dense is taps and not alone and prod(g.kernel) <= MOST_PRODUCTS:
            form = polyphase.taps_each
        return _run(form, whole, plan, a, b)

    def split(g, precision, a, b):
        one = partial(dense, Plan(g._replace(groups=1), precision, "auto"))
        pairs = zip(jnp.split(a, g.groups, -1), jnp.split(b, g.groups, -1))
        return jnp.concatenate([one(*pair) for pair in pairs], -1)

    return _run(split, whole, plan, a, b)


def _run(form, vendors, plan: Plan, *args: Array) -> Array:
    """The `form`; where it is our own choice, on the CPU only."""
    g, precision, impl = plan
    if impl != "auto":
        return form(g, precision, *args)
    return lax.platform_dependent(
        *args,
        cpu=lambda *args: form(g, precision, *args),
        default=lambda *args: vendors(g, precision, *args),
    )
