"""Which form of a sum to take on a CPU: in a table, the first row that holds.

    direct     one convolution of lax, as GPUs and TPUs always take it
    cells      9/16 of the multiplications, for kernels of two strides
    product    one matrix product of all pixels with all taps, shifted and added; of a
               single small pixel for all three sums
    apart      each phase of the big side a convolution of its own
    joint      the phases as channels of one convolution
    mixed      the phases of the last axis as channels, those of the first apart
    each       a matrix product for each tap
    patches    what each pixel sees times the kernel
    depthwise  a shift, a product and an addition for each tap
    split      group by group

Every row has an `example` of where it holds; `benchmarks/forms.py` times it there
against the other forms that can do it.
"""

from collections.abc import Callable
from math import prod
from typing import NamedTuple

from deconvgen.ops.convolution import cells
from deconvgen.ops.convolution.geometry import Geometry

# What is written out is compiled piece by piece, on every platform and whether it
# runs or not; beyond these one convolution takes seconds where it took minutes.
MOST_CONVOLUTIONS = 16  # of the phases that are apart
MOST_GROUPS = 8  # each with convolutions of its own
MOST_PRODUCTS = 64  # of a kernel gradient, one for each tap
MOST_TERMS = 25  # taps of a depthwise kernel that are shifted and added
MOST_SUMS = 16  # of its gradient, which XLA compiles slowest


class Case(NamedTuple):
    """A sum to choose for: sizes and steps, images, channels of both sides."""

    g: Geometry
    n: int
    cb: int
    cs: int

    @property
    def volume(self) -> bool:
        """Three axes, where each convolution is slower."""
        return len(self.g.stride) == 3

    @property
    def pixel(self) -> bool:
        """The three sums are plain matrix products."""
        return all(n == 1 for n in self.g.small) and max(self.g.dilation) == 1

    @property
    def apart(self) -> bool:
        """No two taps reach the same big pixel."""
        return all(k <= s for k, s in zip(self.g.kernel, self.g.stride))

    @property
    def whole(self) -> bool:
        """The kernel spans a whole number of strides."""
        return all(k % s == 0 for k, s in zip(self.g.kernel, self.g.stride))

    @property
    def alone(self) -> bool:
        """Every channel has a group of its own."""
        return self.cb == self.cs == self.g.groups

    @property
    def few(self) -> bool:
        """Few groups and phases: each may be written out."""
        pieces = self.g.groups * prod(self.g.stride)
        return self.g.groups <= MOST_GROUPS and pieces <= 2 * MOST_CONVOLUTIONS

    @property
    def blocks(self) -> int:
        """As many strides as it takes to span the kernel, over all axes."""
        g = self.g
        reach = [d * (k - 1) + 1 for d, k in zip(g.dilation, g.kernel)]
        spans = zip(g.kernel, reach, g.stride)
        return prod(k if s == 1 else -(-r // s) for k, r, s in spans)


class Row(NamedTuple):
    """A form and where it is the fastest."""

    form: str
    holds: Callable[[Case], bool]
    example: Case


def _case(
    small: int, k: int, s: int, cs: int, cb: int,
    rank: int = 2, groups: int = 1, dilation: int = 1, n: int = 64,
) -> Case:  # fmt: skip
    """`SAME` padding: the big side is s times the small one; one pixel grows to k."""
    big, reach = (k if small == 1 else s * small), dilation * (k - 1) + 1
    low = max((small - 1) * s + reach - big, 0) // 2
    each = lambda value: (value,) * rank
    sides = each(s), each(dilation), each(low), each(big), each(small), each(k)
    return Case(Geometry(*sides, groups), n, cb, cs)


def _always(c: Case) -> bool:
    return True


def _grouped(holds: Callable[[Case], bool]) -> Callable[[Case], bool]:
    return lambda c: c.g.groups > 1 and holds(c)


TABLE: dict[str, list[Row]] = {
    "gather": [
        Row("depthwise", _grouped(lambda c: c.alone and prod(c.g.kernel) <= MOST_TERMS),
            _case(16, 3, 1, 64, 64, groups=64)),
        Row("split", _grouped(lambda c: c.few), _case(16, 4, 2, 64, 64, groups=4)),
        Row("direct", _grouped(_always), _case(8, 4, 2, 64, 64, groups=32)),
        Row("product", lambda c: c.pixel, _case(1, 4, 1, 100, 256)),
        Row("cells", lambda c: cells.fits(c.g) and c.cb * c.cs >= 8192
            and min(c.g.small) >= 4 and max(c.g.small) <= 8, _case(8, 4, 2, 256, 128)),
        Row("direct", _always, _case(16, 4, 2, 64, 32)),
    ],
    "taps": [
        Row("depthwise", _grouped(lambda c: c.alone and prod(c.g.kernel) <= MOST_SUMS),
            _case(16, 3, 1, 64, 64, groups=64)),
        Row("split", _grouped(lambda c: c.few), _case(16, 4, 2, 64, 64, groups=4)),
        Row("each", _grouped(lambda c: not c.alone
            and prod(c.g.kernel) <= MOST_PRODUCTS), _case(8, 4, 2, 64, 64, groups=32)),
        Row("direct", _grouped(_always), _case(8, 9, 2, 64, 64, groups=32)),
        Row("product", lambda c: c.pixel, _case(1, 4, 1, 100, 256)),
        Row("each", lambda c: c.volume and max(c.g.stride) > 1
            and prod(c.g.kernel) <= MOST_PRODUCTS, _case(4, 4, 2, 32, 16, 3, n=8)),
        Row("cells", lambda c: cells.fits(c.g) and c.cb * c.cs >= 8192
            and c.n * prod(c.g.small) >= 1024, _case(8, 4, 2, 256, 128)),
        Row("direct", _always, _case(16, 4, 2, 64, 32)),
    ],
    "scatter": [
        Row("depthwise", _grouped(lambda c: c.alone and c.blocks <= MOST_TERMS),
            _case(16, 4, 2, 64, 64, groups=64)),
        Row("split", _grouped(lambda c: c.few), _case(16, 4, 2, 64, 64, groups=4)),
        Row("joint", _grouped(lambda c: max(c.g.stride) > 1 == max(c.g.dilation)),
            _case(8, 4, 2, 64, 64, groups=32)),
        Row("direct", _grouped(_always), _case(8, 3, 1, 64, 64, groups=32)),
        Row("direct", lambda c: max(c.g.dilation) > 1,
            _case(8, 3, 2, 64, 32, dilation=2)),
        Row("product", lambda c: c.pixel or c.apart, _case(16, 2, 2, 64, 32)),
        Row("direct", lambda c: max(c.g.stride) == 1, _case(16, 3, 1, 64, 32)),
        Row("product", lambda c: prod(c.g.kernel) * c.cb <= (1024 if c.volume else 256),
            _case(32, 4, 2, 64, 3)),  # too few channels to fill a convolution
        Row("joint", lambda c: c.volume, _case(4, 4, 2, 32, 32, 3, n=8)),
        Row("cells", lambda c: cells.fits(c.g) and c.cb * c.cs >= (
            2048 if max(c.g.small) <= 14 else 8192), _case(8, 4, 2, 256, 128)),
        Row("apart", lambda c: max(c.g.small) <= 4
            and prod(c.g.stride) <= MOST_CONVOLUTIONS, _case(4, 5, 2, 64, 32)),
        Row("joint", lambda c: prod(c.g.stride[:-1]) > MOST_CONVOLUTIONS
            or (c.whole and min(c.g.small) >= 16), _case(32, 4, 2, 64, 32)),
        Row("mixed", _always, _case(8, 3, 2, 64, 32)),
    ],
}  # fmt: skip

BATCHED = {"gather": "patches", "scatter": "product", "taps": "patches"}
"""For many networks in one program: batched products, no grouped convolutions."""


def chosen(name: str, impl: str, case: Case) -> str:
    """The form of the sum `name`: `impl`, or where it is "auto" the table's.

    What an `impl` that is asked for by name cannot do is done directly.
    """
    if impl == "auto":
        return next(row.form for row in TABLE[name] if row.holds(case))
    form = BATCHED[name] if impl == "batched" else impl
    short = impl != "batched" or prod(case.g.kernel) <= MOST_PRODUCTS
    return form if short and can(name, form, case) else "direct"


def can(name: str, form: str, case: Case) -> bool:
    """Whether the form computes this sum at all."""
    g = case.g
    if form == "depthwise":
        return case.alone
    if form == "split":
        return g.groups > 1
    if g.groups > 1 and form not in ("direct", "joint", "each"):
        return False
    if form == "cells":
        return cells.fits(g)
    if form == "product" and name != "scatter":
        return case.pixel
    if form in ("apart", "joint", "mixed", "product"):
        return name == "scatter" and max(g.dilation) == 1
    if form == "patches":
        return name != "scatter"
    return form == "direct" or (form == "each" and name == "taps")
