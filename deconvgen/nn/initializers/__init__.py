"""Where a kernel starts, by name.

An entry of `initializers` is a function from how a kernel is used (`Use`) to an
initializer `(key, shape, dtype) -> kernel`. The kinds of kernel that it makes sense
for are its attribute `kinds`; `deconvgen.nn.upsample.fits` reads them. Kernels are
HWIO: [kh, kw, in, out], or [kh, kw, out, in] with `transpose_kernel=True`, and with
one or three axes of taps for signals and volumes.

A name may have a strength and a scale behind it: see `Starts`.
"""

from deconvgen.nn.initializers.base import (
    KINDS,
    Initializer,
    Starts,
    Use,
    initializer,
    initializers,
)

# In the order in which they are listed.
from deconvgen.nn.initializers.drawn import stride_aware  # isort: skip
from deconvgen.nn.initializers.interpolating import (  # isort: skip
    icnr_of,
    mirror_image,
)
from deconvgen.nn.initializers import orthogonal, principal  # isort: skip
from deconvgen.nn.initializers.principal import seen  # isort: skip

__all__ = [
    "KINDS",
    "Initializer",
    "Starts",
    "Use",
    "icnr_of",
    "initializer",
    "initializers",
    "mirror_image",
    "orthogonal",
    "principal",
    "seen",
    "stride_aware",
]
