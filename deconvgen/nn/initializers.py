"""Where a kernel starts, by name.

An entry of `initializers` is a function from how a kernel is used (`Use`) to an
initializer `(key, shape, dtype) -> kernel`. The kinds of kernel that it makes sense
for are its attribute `kinds`; `deconvgen.nn.upsample.fits` reads them. Kernels are
HWIO: [kh, kw, in, out], or [kh, kw, out, in] with `transpose_kernel=True`.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.nn import initializers as plain

from deconvgen.core.errors import UserError
from deconvgen.core.registry import Registry
from deconvgen.ops.fir import upfirdn
from deconvgen.ops.resize import interpolation_taps

Initializer = Callable[[Array, Sequence[int], Any], Array]

DECONVOLUTIONS = (
    "deconvolution",  # a transposed convolution of all axes and channels at once
    "decomposed_deconvolution",  # one axis at a time
    "depthwise_deconvolution",  # one channel at a time
)
KINDS = (
    *DECONVOLUTIONS,
    "filtered_deconvolution",  # followed by a fixed filter
    "sub_pixel",  # a convolution whose channels become sub-pixels (r, s, c)
    "convolution",
    "depthwise_convolution",
)


class Use(NamedTuple):
    """How a kernel is used: its kind, what it upsamples by, and how it is laid out."""

    kind: str
    factor: tuple[int, int] = (1, 1)
    transpose_kernel: bool = False
    power: float = 1.0  # what a fixed filter after the kernel does to white noise

    def hwio(self, shape: Sequence[int]) -> tuple[int, ...]:
        """The shape as [kh, kw, in, out], or with as many axes of taps as it has."""
        *taps, a, b = shape
        return (*taps, b, a) if self.transpose_kernel else (*taps, a, b)

    def laid_out(self, kernel: Array) -> Array:
        """A kernel [kh, kw, in, out] turned the way this use stores it."""
        if self.transpose_kernel:
            return jnp.flip(kernel, range(kernel.ndim - 2)).swapaxes(-1, -2)
        return kernel


initializers: Registry[Any] = Registry("initializer")


def initializer(*kinds: str, name: str = "") -> Callable:
    """Register `(use) -> init` as an initializer for these kinds of kernel."""

    def register(make: Any) -> Any:
        make.kinds = frozenset(kinds)
        return initializers.register(make, name=name)

    return register


@initializer(*KINDS)
def stride_aware(use: Use) -> Initializer:
    """Normal with the true fan-in, C_in k^2 / s^2: Var(out) = Var(in) on the average.

    An output pixel of a deconvolution sees k^2 / s^2 taps, so the fan-in of
    `lecun_normal` is s^2 too large; and it counts C_out for C_in where
    `transpose_kernel` is set. On a convolution this is `lecun_normal`, not truncated.
    """

    def init(key: Array, shape: Sequence[int], dtype: Any = jnp.float32) -> Array:
        kh, kw, c, _ = use.hwio(shape)
        apart = 1 if use.kind == "sub_pixel" else use.factor[0] * use.factor[1]
        fan_in = kh * kw * c / apart * use.power
        return jax.random.normal(key, tuple(shape), dtype) / np.sqrt(fan_in)

    return init


@initializer(*KINDS, name="default")
def default(use: Use) -> Initializer:
    """What the upsampler itself prefers: `stride_aware`."""
    return stride_aware(use)


@initializer(*KINDS)
def dcgan(use: Use) -> Initializer:
    """N(0, 0.02). Radford et al. 2015, sec. 4."""
    return plain.normal(0.02)


PLAIN = {
    "lecun_normal": "Flax's default: truncated normal of variance 1 / (k^2 C_in), s "
    "not counted.",
    "lecun_uniform": "Uniform of variance 1 / fan-in. LeCun et al. 1998.",
    "glorot_normal": "Truncated normal of variance 2 / (fan-in + fan-out). Glorot and "
    "Bengio 2010.",
    "glorot_uniform": "Uniform of variance 2 / (fan-in + fan-out). Glorot and Bengio "
    "2010.",
    "he_normal": "Truncated normal of variance 2 / fan-in. He et al. 2015.",
    "he_uniform": "Uniform of variance 2 / fan-in. He et al. 2015.",
    "orthogonal": "Orthogonal columns of the [k^2 C_in, C_out] matrix. Saxe et al. "
    "2014.",
}
"""What `jax.nn.initializers` has, told in the order of this package: the fans are k^2
times the channels that go in and come out, in both layouts of a kernel."""


def _plain(name: str, about: str) -> Callable[[Use], Initializer]:
    draw = getattr(plain, name)()

    def entry(use: Use) -> Initializer:
        def init(key: Array, shape: Sequence[int], dtype: Any = jnp.float32) -> Array:
            return use.laid_out(draw(key, use.hwio(shape), dtype))

        return init

    entry.__name__, entry.__doc__ = name, about
    return entry


for _name, _about in PLAIN.items():
    initializer(*KINDS)(_plain(_name, _about))


@initializer(*DECONVOLUTIONS)
def bilinear(use: Use) -> Initializer:
    """Bilinear interpolation on the diagonal of the channels: output c reads input c.

    Long et al. 2015 (FCN). The interpolation is exact at k = 2 s - s % 2; an odd k is
    half a pixel off at an even s. To freeze it, mask the paths that end in `kernel`
    out of the optimizer's updates.
    """

    def init(key: Array, shape: Sequence[int], dtype: Any = jnp.float32) -> Array:
        kh, kw, a, b = shape
        taps = jnp.asarray(np.outer(_fcn(kh), _fcn(kw)), dtype)
        diagonal = jnp.ones((1, b)) if _depthwise(use) else jnp.eye(a, b)
        return taps[:, :, None, None] * diagonal.astype(dtype)

    return init


@initializer("sub_pixel")
def icnr(use: Use, inner: str = "lecun_normal") -> Initializer:
    """One sub-kernel for all sub-pixels: starts as convolution + nearest-neighbour.

    Aitken et al. 2017, sec. 3. The channels are (r, s, c), so the sub-kernel is tiled;
    in PyTorch's order, (c, r, s), each channel would be repeated instead. The
    sub-kernel is drawn by `inner`: see `icnr_of`.
    """

    def init(key: Array, shape: Sequence[int], dtype: Any = jnp.float32) -> Array:
        *rest, channels = shape
        pixels = use.factor[0] * use.factor[1]
        draw = initializers[inner](use._replace(kind="convolution", factor=(1, 1)))
        kernel = draw(key, (*rest, channels // pixels), dtype)
        return jnp.tile(kernel, (1, 1, 1, pixels))

    return init


def icnr_of(inner: str) -> Callable[[Use], Initializer]:
    """An entry like `icnr`, the sub-kernel drawn by the initializer of that name.

    >>> DepthToSpace(features=64, kernel_init=icnr_of("he_normal"))

    Raises `UserError` for a name that fits no plain convolution.
    """
    if "convolution" not in initializers[inner].kinds:
        good = ", ".join(
            n for n in initializers if "convolution" in initializers[n].kinds
        )
        raise UserError(
            f"icnr draws a convolution's kernel, by {good}, not by {inner!r}"
        )

    entry: Any = lambda use: icnr(use, inner)
    entry.kinds = initializers["icnr"].kinds
    return entry


@initializer(*DECONVOLUTIONS)
def nearest_equivalent(use: Use) -> Initializer:
    """Starts as nearest-neighbour resize by s, then a convolution of k - s + 1 taps.

    The kernel is W * ones(s, s) for a drawn W; needs k >= s.
    """
    return _resize_equivalent(use, "nearest")


@initializer(*DECONVOLUTIONS)
def bilinear_equivalent(use: Use) -> Initializer:
    """Starts as bilinear resize by s, then a convolution of k - 2 s + s % 2 + 1 taps.

    The kernel is W * tent for a drawn W; needs k >= 2 s - s % 2, the tent's size.
    """
    return _resize_equivalent(use, "bilinear")


@initializer("deconvolution")
def mirrored(use: Use) -> Initializer:
    """For the mirror image of an encoder: drawn as the encoder's kernel would be.

    That is lecun-normal with the fan-in of the strided convolution from `features`
    channels back to C_in. `deconvgen.nn.mirror.mirror_encoder` puts the encoder's own
    kernels in their place, so that the decoder starts as the encoder's adjoint.
    """

    def init(key: Array, shape: Sequence[int], dtype: Any = jnp.float32) -> Array:
        kh, kw, c, features = use.hwio(shape)
        encoder = plain.lecun_normal()(key, (kh, kw, features, c), dtype)
        return encoder if use.transpose_kernel else mirror_image(encoder)

    return init


def mirror_image(kernel: Array) -> Array:
    """A kernel [kh, kw, a, b] turned round, channels swapped: [kh, kw, b, a].

    Of a strided `SAME` convolution: the kernel of the transposed convolution that is
    its adjoint. It is its own inverse.
    """
    return kernel[::-1, ::-1].transpose(0, 1, 3, 2)


def _depthwise(use: Use) -> bool:
    return use.kind.startswith("depthwise")


def _fcn(k: int) -> np.ndarray:
    """The 1-d interpolation filter of FCN: k taps."""
    half = (k + 1) // 2
    centre = half - 1 if k % 2 else half - 0.5
    return 1 - np.abs(np.arange(k) - centre) / half


def _resize_equivalent(use: Use, name: str) -> Initializer:
    taps = [interpolation_taps(s, name) for s in use.factor]

    def init(key: Array, shape: Sequence[int], dtype: Any = jnp.float32) -> Array:
        kh, kw, c, features = use.hwio(shape)
        size = (kh - len(taps[0]) + 1, kw - len(taps[1]) + 1)
        if min(size) < 1:
            raise UserError(
                f"initializer '{name}_equivalent' needs a kernel of at least "
                f"{len(taps[0])} x {len(taps[1])} to upsample by {use.factor[0]} x "
                f"{use.factor[1]}, not {kh} x {kw}"
            )
        drawn = plain.lecun_normal()(key, (*size, c, features), dtype)
        rows, columns = (len(axis) - 1 for axis in taps)  # a full convolution
        whole = ((rows, rows), (columns, columns))
        images = upfirdn(drawn.transpose(2, 0, 1, 3), np.outer(*taps), padding=whole)
        return use.laid_out(images.transpose(1, 2, 0, 3))

    return init
