"""Whether what a network makes moves along with what it is given: equivariance."""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
from flax import struct
from jax import Array
from jaxtyping import Float

from deconvgen.core.errors import UserError
from deconvgen.core.types import Images
from deconvgen.metrics.artifacts import LEAST
from deconvgen.metrics.sums import Decibels, Mean, Summed

Maps = Float[Array, "b h w c"]
Function = Callable[[Maps], Images]


def shift_inconsistency(
    function: Function, maps: Maps, shift: float | int = 1, border: float = 0.25
) -> Float[Array, " b"]:
    """How far `function(shifted maps)` is from the shifted `function(maps)`.

    The maps are moved by `shift` along the width (by parts of a column, as the periodic
    function of their frequencies), the output by as much times its enlargement, which
    has to be whole columns; the result is the mean squared difference over twice the
    variance: 0 for a layer that shifts along, 1 for outputs that have nothing in
    common, NaN for those that do not vary. The outer `border`, a share of height and
    width, is left out, for padding and wrapped pixels.

    Raises `UserError` where the output moves by no whole number of columns.

    >>> bool(shift_inconsistency(lambda x: x**2, images)[0] < 1e-3)
    True
    """
    return _ratio(*_errors(function, maps, function(maps), shift, border))


@struct.dataclass
class Shifts(Summed):
    """Equivariance of a network of any kind, over a set; of outputs in [-1, 1].

    >>> doubled = lambda x: x.repeat(2, 1).repeat(2, 2)
    >>> found = Shifts.of(doubled, images, 0.5, jnp.ones(8))
    >>> found.result()["eq_t"], found.result()["eq_t_frac"] < 60
    (100.0, True)
    """

    inconsistency: Mean
    whole: Decibels
    part: Decibels

    @classmethod
    def of(
        cls, function: Function, maps: Maps, part: float | int, mask: Float[Array, " b"]
    ) -> "Shifts":
        """From maps moved by 1 and by `part` of a column; `function` is called thrice.

        Where nothing varies there is no inconsistency to be counted.
        """
        still = function(maps)
        whole, _ = _errors(function, maps, still, 1)
        error, variance = _errors(function, maps, still, part)
        varies = jnp.where(variance > LEAST, mask, jnp.isnan(variance) * mask)
        unit = lambda error: Decibels.of(error / 4, mask)  # peak 2, squared
        ratio = Mean.of(_ratio(error, variance), varies)
        return cls(ratio, unit(whole), unit(error))

    def result(self) -> dict[str, float]:
        """shift_inconsistency of parts, the mean; eq_t of whole and eq_t_frac of parts.

        10 log10(peak^2 / mean squared error) along the width, in dB, at most 100
        (Karras et al. 2021, equations 1 and 2, which move along both axes, by as many
        pixels as there is room for).
        """
        return {
            "shift_inconsistency": self.inconsistency.result(),
            "eq_t": self.whole.result(),
            "eq_t_frac": self.part.result(),
        }


def _ratio(error: Array, variance: Array) -> Array:
    some = ~(variance <= LEAST)  # NaN stays NaN
    return jnp.where(some, error / jnp.where(some, 2 * variance, 1), jnp.nan)


def _errors(
    function: Function,
    maps: Maps,
    still: Float[Array, "b i j k"],
    shift: float | int,
    border: float = 0.25,
) -> tuple[Float[Array, " b"], Float[Array, " b"]]:
    """Mean squared difference of `function(moved)` from the moved; its variance."""
    moved: Any = function(moved_along(maps, shift))
    _, h, w, _ = still.shape
    step = round(shift * w / maps.shape[2])
    if abs(step - shift * w / maps.shape[2]) > 1e-6:
        raise UserError(
            f"a shift by {shift} of {maps.shape[2]} columns is no whole number of "
            f"the output's {w} columns"
        )
    top, left = round(border * h), round(border * w)
    inner = lambda x: x[:, top : h - top, left : w - left]
    expected = inner(jnp.roll(still, step, axis=2))
    error = jnp.mean(jnp.square(inner(moved) - expected), axis=(1, 2, 3))
    return error, jnp.var(expected, axis=(1, 2, 3))


def moved_along(maps: Maps, shift: float | int) -> Maps:
    """The maps moved along the width, by whole columns or by parts of one."""
    if shift == int(shift):
        return jnp.roll(maps, int(shift), axis=2)
    width = maps.shape[2]
    turn = jnp.exp(-2j * jnp.pi * shift * jnp.fft.rfftfreq(width))[:, None]
    spectrum = jnp.fft.rfft(maps.astype(jnp.float32), axis=2) * turn
    return jnp.fft.irfft(spectrum, width, axis=2)
