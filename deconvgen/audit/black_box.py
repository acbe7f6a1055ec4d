"""The audit of any network from features to images, from the outside alone.

It is called with probes and nothing else is known of it: noise, constants, one pixel,
smooth fields and their shifts, waves. So it may be JAX, a Flax module with its
parameters, an exported file, or PyTorch behind `lambda x: net(torch.from_numpy(x))
.numpy()`.
"""

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from deconvgen.audit.answers import (
    beyond_rounding,
    border,
    dc_gap,
    equivariance,
    evenness,
    impulse,
    middle,
    off_dc,
    phases,
    replica_db,
    smooth,
    strides,
    support,
    wave,
)
from deconvgen.core.errors import UserError, first_line, unknown
from deconvgen.core.numbers import whole

LAYOUTS = ("NHWC", "NCHW")
DRAWS = 8
SAMPLES, MOST_CALLS = 8192, 16
"""Of a phase: variances of fewer values differ by chance. That of a small image of few
channels would take more calls than some dozen."""
NAMED_LAST = ("image", "images", "output", "the output")
"""Names of the image, wherever it stands: JAX sorts the keys of a dict."""


class Stage(NamedTuple):
    """What has come out after a stage, by the total factor up to there."""

    name: str
    factor: tuple[int, int]
    channels: int
    phase_variance: float
    dc_gap: float


class NetworkAudit(NamedTuple):
    """The figures of a network; maps are of the inside, where no border is seen.

    - factor: rows and columns of the output over those of the input.
    - strides: of the divisors of the factor, those that have a grid of their own, with
      the share that it has of the mean answer (2: 0.3 is 30 % of a period of 2).
    - phase_variance: of noise, the largest variance of the output's phases over the
      smallest: 1 is even, (ceil(k/s) / floor(k/s))^2 of one transposed convolution.
    - dc_gap: root mean square deviation of the phases of the answers to constants, over
      that of the answers: 0 is no checkerboard.
    - off_dc: the share of the Fourier magnitudes of the same that is not at 0.
    - support: rows and columns of output pixels that hold 99 % of the answer to one
      input pixel; receptive_field: as many input pixels does an output pixel see.
    - eq_t, eq_t_frac: equivariance to shifts by whole pixels, and by one pixel of the
      output, in dB (Karras et al. 2021, equations 1 and 2); 100 is exact.
    - alias_db: of a wave, its strongest replica over the wave itself.
    - border: pixels of the output in which a constant's answer is another than inside.
    """

    factor: tuple[int, int]
    channels: tuple[int, int]
    layout: str
    strides: dict[int, float]
    phase_variance: float
    dc_gap: float
    off_dc: float
    support: tuple[int, int]
    receptive_field: tuple[int, int]
    eq_t: float
    eq_t_frac: float
    alias_db: float
    border: int
    stages: list[Stage]
    phases: np.ndarray  # [r, s], mean square of noise over its mean
    impulse: np.ndarray  # [H, W], root mean square over draws and channels
    constant: np.ndarray  # [h, w, c], the answer to one constant

    def figures(self) -> dict[str, Any]:
        """The numbers, flat."""
        kept = self._asdict()
        for name in ("stages", "phases", "impulse", "constant", "strides"):
            del kept[name]
        for name in ("factor", "channels", "support", "receptive_field"):
            kept[name] = "x".join(map(str, kept[name]))
        kept["strides"] = ", ".join(map(str, self.strides)) or "none"
        return kept


def network(
    function: Any,
    input_shape: Sequence[int],
    *,
    layout: str = "",
    stages: Mapping[str, Callable[[Any], Any]] | None = None,
    scale: float = 1.0,
    seed: int = 0,
) -> NetworkAudit:
    """What a network does to its input, measured from the outside.

    Args:
      function: from float32 [8, *input_shape] to images, or to a list or dict of
        intermediates of which the last is the image; called some dozen times. None
        where `stages` are given, which make it up. JAX sorts the keys of a dict of
        what is jitted: then the larger follow the smaller, and "image" is the last.
      input_shape: [h, w, c] or [c, h, w], 8 or more pixels each way.
      layout: "NHWC" or "NCHW"; recognized by what comes out where it is empty.
      stages: functions of each other's output, in their order, by name.
      scale: the standard deviation of what the network takes.
      seed: of the probes.

    >>> network(lambda x: x.repeat(2, 1).repeat(2, 2), (16, 16, 3)).dc_gap
    0.0

    A PyTorch decoder is `lambda x: net(torch.from_numpy(x)).detach().numpy()`, and its
    input_shape (c, h, w).

    Raises `UserError` where the function takes no such input, or does not enlarge by
    whole factors.
    """
    shape = tuple(whole("input_shape", n, 1) for n in input_shape)
    if len(shape) != 3:
        raise UserError(
            f"input_shape should be [h, w, c] or [c, h, w], not {list(shape)}: of a "
            "generator from latents, audit pictures that it draws, or start behind its "
            "first dense layer"
        )
    run = _all_of(function, stages)
    rng = np.random.default_rng(seed)
    first = run(scale * rng.normal(size=(DRAWS, *shape)).astype(np.float32))
    layout, (h, w), (r, s) = _recognized(shape, first[-1][1], layout)
    inside = lambda x: x if layout == "NHWC" else x.transpose(0, 3, 1, 2)
    outside = lambda y: y if layout == "NHWC" else y.transpose(0, 2, 3, 1)
    c = shape[2] if layout == "NHWC" else shape[0]
    every = lambda x: [
        (name, outside(y)) for name, y in run(np.asarray(inside(x), np.float32))
    ]
    call = lambda x: every(x)[-1][1]
    draw = lambda *size: scale * rng.normal(size=size)

    noise = _repeated(lambda: every(draw(DRAWS, h, w, c)), first[-1][1].size // (r * s))
    constants = every(np.broadcast_to(draw(DRAWS, 1, 1, c), (DRAWS, h, w, c)))
    zero = every(np.zeros((DRAWS, h, w, c)))
    named = []
    for (name, y), (_, k), (_, z) in zip(noise, constants, zero, strict=True):
        if y.ndim == 4 and not (y.shape[1] % h or y.shape[2] % w):
            own = (y.shape[1] // h, y.shape[2] // w)
            gap = dc_gap(beyond_rounding(k - z, y), own)
            named.append(Stage(name, own, y.shape[3], evenness(y, own), gap))
    image, answer, dark = noise[-1][1], constants[-1][1], zero[-1][1]
    answered = impulse(call, draw(DRAWS, h, w, c), draw(DRAWS, c))
    high, wide = (support(answered.sum(axis)) for axis in (1, 0))
    eq, frac = equivariance(call, scale * smooth(rng, (DRAWS, h, w, c)), (r, s))
    cell, gap = phases(image, (r, s)), beyond_rounding(answer - dark, image)
    waves = np.broadcast_to(scale * wave(w, draw(c)), (DRAWS, h, w, c))
    return NetworkAudit(
        (r, s),
        (c, image.shape[-1]),
        layout,
        strides(cell, gap, (r, s)),
        evenness(image, (r, s)),
        dc_gap(gap, (r, s)),
        off_dc(middle(beyond_rounding(answer, image), (r, s))),
        (high, wide),
        (-(-(high + r - 1) // r), -(-(wide + s - 1) // s)),
        eq,
        frac,
        replica_db(call(waves), w, (r, s)),
        border(answer, (r, s)),
        named[:-1],
        cell / cell.mean() if cell.mean() > 0 else cell,
        np.sqrt(answered),
        middle(answer, (r, s))[0],
    )


def _repeated(made: Callable[[], list], each: int) -> list[tuple[str, np.ndarray]]:
    """Outputs of as many calls as have `SAMPLES` values of a phase, `each` in one."""
    calls = [made() for _ in range(min(MOST_CALLS, -(-SAMPLES // each)))]
    names = [name for name, _ in calls[0]]
    return [
        (name, np.concatenate([call[i][1] for call in calls]))
        for i, name in enumerate(names)
    ]


def _all_of(function: Any, stages: Any) -> Callable[[np.ndarray], list]:
    """A function to all named outputs, the last one the image, as NumPy arrays."""
    if stages is None and not callable(function):
        raise UserError(f"a network is a function of arrays, not {function!r:.80}")

    def run(x: np.ndarray) -> list[tuple[str, np.ndarray]]:
        try:
            if stages is not None:
                found, y = [], x
                for name, stage in stages.items():
                    y = stage(y)
                    found.append((name, y))
            else:
                made = function(x)
                if isinstance(made, list | tuple):
                    made = {f"stage {i}": y for i, y in enumerate(made, 1)}
                found = [("", made)]
                if isinstance(made, Mapping):
                    found = _in_order(made, x)
            arrays = [(name, np.asarray(y)) for name, y in found]
        except UserError:
            raise
        except Exception as error:
            raise UserError(
                f"the network takes no array {list(x.shape)}: {first_line(error)}"
            ) from error
        kept = [(name, y.astype(np.float64)) for name, y in arrays if y.ndim == 4]
        if not kept or kept[-1][0] != arrays[-1][0]:
            shown = list(arrays[-1][1].shape) if arrays else "nothing"
            raise UserError(f"the network should make images of four axes, not {shown}")
        if not np.isfinite(kept[-1][1]).all():
            raise UserError("the network makes NaN or infinities of finite arrays")
        return kept

    return run


def _in_order(made: Mapping[str, Any], x: np.ndarray) -> list[tuple[str, Any]]:
    """Named outputs as they follow each other, the image last.

    In the order of their keys, unless JAX sorted those, as it does of what is jitted or
    exported: then the smaller first.
    """
    found = list(made.items())
    if [*made] == sorted(made):
        found.sort(key=lambda pair: _area(np.shape(pair[1]), x.shape))
    return sorted(found, key=lambda pair: pair[0] in NAMED_LAST)


def _area(made: tuple[int, ...], given: tuple[int, ...]) -> int:
    """Pixels, by the layout in which an output [b, ., ., .] is an enlarged input."""
    if len(made) != 4:
        return 0
    last = not (made[1] % given[1] or made[2] % given[2])
    return made[1] * made[2] if last else made[2] * made[3]


def _recognized(
    shape: tuple[int, ...], made: np.ndarray, layout: str
) -> tuple[str, tuple[int, int], tuple[int, int]]:
    """The layout, the input's rows and columns, and the factor."""
    if layout and layout not in LAYOUTS:
        raise unknown("layout", layout, LAYOUTS)
    found = {}
    for name, at in zip(LAYOUTS, (0, 1)):
        h, w = shape[at : at + 2]
        rows, columns = (
            Fraction(made.shape[1 + at + i], n) for i, n in enumerate((h, w))
        )
        if min(h, w) >= 8 and rows.denominator == columns.denominator == 1:
            found[name] = ((h, w), (int(rows), int(columns)), made.shape[3 - 2 * at])
    if layout:
        found = {k: v for k, v in found.items() if k == layout}
    elif len(found) == 2:
        seen = {k: v for k, v in found.items() if v[2] in (1, 3)}
        found = seen if len(seen) == 1 else found
    if len(found) != 1:
        how = "either" if found else "neither"
        raise UserError(
            f"of {list(shape)} the network makes {list(made.shape[1:])}: enlarged by "
            f"whole factors in {how} of NHWC and NCHW; say layout=, and "
            "an input_shape of 8 or more pixels each way"
        )
    ((name, (size, factor, _)),) = found.items()
    return name, size, factor
