"""What an upsampling layer does to its input, before any training."""

import math
from functools import lru_cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from deconvgen.audit.answers import phase_ratio, root_ratio
from deconvgen.audit.costs import Cost, cost, measured
from deconvgen.nn.conv import Conv
from deconvgen.nn.upsample import make_upsampler
from deconvgen.ops.fir import Pair
from deconvgen.ops.resize import bilinear

DRAWS = 4  # kernels that a figure is an average over: 4, or more of few features
INSIDE = 8  # pixels of the input, each way, that are looked at


class Answer(NamedTuple):
    """What a layer makes of the probes: the fields that `Audit` has of them, too.

    >>> layer(lambda x: x.repeat(2, 1).repeat(2, 2)).dc_gap < 1e-5  # pixels repeated
    True
    """

    phase_variance: float
    dc_gap: float
    shift_error: float
    impulse: np.ndarray
    constant: np.ndarray
    frequencies: np.ndarray
    response: np.ndarray


class Audit(NamedTuple):
    """One layer's record. Maps are of the inside, where no border can be seen.

    - overlap [8 r, 8 s]: the answer to a constant where all weights are equal, over
      its largest value: uneven where k % factor != 0 (Odena et al. 2016).
    - phase_variance: of white noise, the largest mean square of the r x s output
      phases over the smallest; (ceil(k/s) / floor(k/s))^2 for a transposed
      convolution of iid weights. 1 is even.
    - dc_gap: how far the DC gains of the polyphase components are apart: the root
      mean square of their deviations over that of the gains. 0 means that there is
      no checkerboard (Sugawara, Shiota and Kiya 2018); at most 1.
    - shift_error: upsample what was shifted by 1/factor, against shift by one pixel
      what was upsampled, for a smooth input; 0 the same, 1 unrelated.
    - gradient_ratio: `phase_variance` of the gradient that the strided convolution of
      this kernel and factor, the layer's mirror image in an encoder or a critic,
      sends back to its input; NaN for layers that mirror none.
    - impulse [8 r, 8 s]: root mean square over the features of the answer to one pixel.
    - constant [8 r, 8 s, 3]: the first three features of the answer to a constant
      (the last again where there are fewer).
    - frequencies, response [129]: cycles a pixel of the output along the axis of the
      larger factor (the columns where they are equal), and the power of the answer to
      an impulse there, over its power at 0. What it has at multiples of 1 / factor, a
      constant input turns into a checkerboard.

    >>> audit("nearest_conv", features=4, size=4).kernel_size
    (3, 3)
    """

    upsampler: str
    factor: Pair
    kernel_size: Pair
    initializer: str
    features: int
    channels: int
    size: int
    modifiers: tuple[str, ...]
    cost: Cost
    phase_variance: float
    dc_gap: float
    shift_error: float
    gradient_ratio: float
    overlap: np.ndarray
    impulse: np.ndarray
    constant: np.ndarray
    frequencies: np.ndarray
    response: np.ndarray


def audit(
    upsampler: str,
    factor: int | Pair = 2,
    kernel_size: int | Pair | None = None,
    initializer: str = "default",
    features: int = 64,
    channels: int | None = None,
    size: int = 16,
    timed: bool = False,
    **modifiers: bool,
) -> Audit:
    """The record of one upsampler, `channels` (default: features) to `features`.

    `size` x `size` is the input that the cost is for, with measured milliseconds where
    it is `timed`; `modifiers` are those of `make_upsampler`. Raises `UserError` as
    `make_upsampler` does.

    >>> audit("conv_transpose", kernel_size=3, features=4, size=4).dc_gap > 0.1
    True
    """
    channels = features if channels is None else channels
    options: Any = {"initializer": initializer, **modifiers}
    layer = make_upsampler(
        upsampler, features, factor, kernel_size, use_bias=False, **options
    )
    biased = make_upsampler(upsampler, features, factor, kernel_size, **options)
    inner = layer
    while hasattr(inner, "upsampler"):
        inner = inner.upsampler
    (r, s), kernel = inner.factors, inner.kernel
    border = 2 + max(-(-k // (2 * f)) for k, f in zip(kernel, (r, s), strict=True))
    args = arguments(layer, *probes(INSIDE + 2 * border, channels, (r, s)))
    start, apply = jax.jit(layer.init), jax.jit(layer.apply)
    kernels = [start(random_key(seed), *args) for seed in range(draws(features))]
    answers = np.stack([apply(kernel, *args) for kernel in kernels])
    equal = apply(jax.tree.map(jnp.ones_like, kernels[0]), *args)

    found = answer(answers, (r, s), border)
    overlap = np.abs(_inside(np.asarray(equal), (r, s), border)[4].mean(-1))
    mirrors = any(kind.endswith("deconvolution") for kind in inner.kinds)
    return Audit(
        upsampler,
        (r, s),
        kernel,
        initializer,
        features,
        channels,
        size,
        tuple(name for name, on in modifiers.items() if on),
        cost(biased, size, channels)._replace(
            **(measured(biased, size, channels) if timed else {})
        ),
        found.phase_variance,
        found.dc_gap,
        found.shift_error,
        gradient_ratio(kernel, (r, s), features) if mirrors else math.nan,
        overlap / (overlap.max() or 1),
        *found[3:],
    )


def answer(answers: np.ndarray, factor: Pair, border: int) -> Answer:
    """What answers [draws, 8, h r, w s, f] to `probes` say, inside the border."""
    inside = lambda y: _inside(y, factor, border)
    noise, constant, impulse, smooth, moved = np.split(answers, [4, 5, 6, 7], axis=1)
    turned = impulse.swapaxes(2, 3) if factor[0] > factor[1] else impulse
    last = answers.shape[-1] - 1
    return Answer(
        _phase_ratio(inside(noise), factor),
        _dc_gap(inside(constant), factor),
        _shift_error(inside(np.roll(smooth, (1, 1), (2, 3))), inside(moved)),
        np.sqrt((inside(impulse)[0, 0] ** 2).mean(-1)),
        inside(constant)[0, 0][..., [min(i, last) for i in range(3)]],
        *_response(turned[:, 0]),
    )


def _inside(y: np.ndarray, factor: Pair, border: int) -> np.ndarray:
    rows, columns = border * factor[0], border * factor[1]
    return y[..., rows:-rows, columns:-columns, :]


def draws(features: int) -> int:
    """So many kernels that a phase variance is right to a few percent."""
    return max(DRAWS, min(64, 512 // features))


def random_key(seed: int) -> Array:
    """The key of a seed, from which whole layers are started."""
    return jax.random.key(seed, impl="rbg")  # compiles faster than the default


def arguments(layer: Any, x: Array, indices: Array, guide: Array) -> tuple[Array, ...]:
    """What the layer is called with: x, and what it needs besides."""
    if getattr(layer, "needs_indices", False):
        return x, indices
    return (x, guide) if getattr(layer, "needs_guide", False) else (x,)


def probes(n: int, channels: int, factor: Pair) -> tuple[Array, Array, Array]:
    """[8, n, n, c]: four of noise, a constant, an impulse, smooth, smooth and moved.

    With them the max-pool indices and the guide that go along: the guide [8, r n, s n,
    c] is noise of its own, then the probe itself, bilinearly enlarged.
    """
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(4, n, n, channels))
    constant = np.broadcast_to(rng.normal(size=channels), (1, n, n, channels))
    impulse = np.zeros((1, n, n, channels))
    impulse[0, n // 2, n // 2] = rng.normal(size=channels)
    spectrum = np.fft.fft2(rng.normal(size=(1, n, n, channels)), axes=(1, 2))
    f = np.fft.fftfreq(n)
    rows, columns = f[:, None, None], f[:, None]
    spectrum = spectrum * (np.hypot(rows, columns) < 0.15)
    turn = np.exp(-2j * np.pi * (rows / factor[0] + columns / factor[1]))
    smooth, moved = (
        np.fft.ifft2(spectrum * t, axes=(1, 2)).real / spectrum.std() * n
        for t in (1, turn)
    )
    x = np.concatenate([noise, constant, impulse, smooth, moved])
    indices = np.zeros(x.shape, np.int32)
    indices[:4] = rng.integers(0, factor[0] * factor[1], noise.shape)
    fresh = rng.normal(size=(4, n * factor[0], n * factor[1], channels))
    x, fresh = jnp.asarray(x, jnp.float32), jnp.asarray(fresh, jnp.float32)
    guide = jnp.concatenate([fresh, bilinear(x[4:], factor)])
    return x, jnp.asarray(indices), guide


def _phases(y: np.ndarray, factor: Pair) -> np.ndarray:
    """[..., h r, w s, f] as [..., h, r, w, s, f]."""
    (r, s), (*rest, height, width, f) = factor, y.shape
    return y.reshape(*rest, height // r, r, width // s, s, f)


def _phase_ratio(y: np.ndarray, factor: Pair) -> float:
    """The largest mean square of an output phase over the smallest."""
    return phase_ratio(
        (_phases(y, factor).astype(np.float64) ** 2).mean((0, 1, 2, 4, 6))
    )


def _dc_gap(y: np.ndarray, factor: Pair) -> float:
    """Deviation of the phases' DC gains over the gains, root mean squares."""
    gains = _phases(y, factor).astype(np.float64).mean((1, 2, 4))  # [draws, r, s, f]
    apart = gains - gains.mean((1, 2), keepdims=True)
    return root_ratio((apart**2).mean(), (gains**2).mean())


def _shift_error(a: np.ndarray, b: np.ndarray) -> float:
    return root_ratio(((a - b) ** 2).mean(), (a**2 + b**2).mean())


def _response(impulse: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Power of impulse answers [draws, h, w, f] along axis 2, axis 1 summed."""
    line = impulse.astype(np.float64).sum(1)
    width = 256 * -(-line.shape[1] // 256)
    power = (np.abs(np.fft.rfft(line, width, axis=1)) ** 2).mean((0, 2))
    power = power[:: width // 256]
    return np.linspace(0, 0.5, 129), power / (power[0] or 1)


@lru_cache(maxsize=64)
def gradient_ratio(kernel: Pair, factor: Pair, features: int = 64) -> float:
    """Phase variance of the input gradient of a `SAME` strided convolution.

    Weights and the gradient that comes in are iid; Odena et al. 2016, "Checkerboard
    artifacts in gradients".
    """
    border = 2 + max(-(-k // (2 * f)) for k, f in zip(kernel, factor, strict=True))
    n = INSIDE + 2 * border
    layer = Conv(features, kernel, strides=factor, use_bias=False)
    x = jnp.zeros((4, n * factor[0], n * factor[1], features))

    def back(key: Array) -> Array:
        first, second = jax.random.split(key)
        variables = layer.init(first, x)
        run: Any = layer.apply
        y, pull = jax.vjp(lambda x: run(variables, x), x)
        return pull(jax.random.normal(second, y.shape))[0]

    back = jax.jit(back)
    gradients = np.stack([back(random_key(seed)) for seed in range(draws(features))])
    rows, columns = border * factor[0], border * factor[1]
    return _phase_ratio(gradients[:, :, rows:-rows, columns:-columns], factor)
