"""Metrics of class maps, from sums over the whole set.

Pixels do not count whose true class is the `ignore_label` (-1: none is) or none of the
k; a prediction that is none of the k is wrong, but not another class (see
`ops.class_maps.in_range`). Where a prediction is undefined, the argmax of NaN, so is
every figure: NaN.
"""

import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct
from jax import Array
from jaxtyping import Bool, Float, Int, Shaped

from deconvgen.core.errors import UserError
from deconvgen.metrics.sums import Summed
from deconvgen.ops.arguments import Given
from deconvgen.ops.class_maps import IGNORE, in_range, undefined

Classes = Shaped[Given, "..."]  # [b, h, w], integers of any type
Masks = Bool[Array, "b h w k"]


class _OfMaps(Summed):
    """Sums over pairs of class maps."""

    @classmethod
    def of(
        cls,
        predicted: Classes,
        classes: Classes,
        mask: Float[Array, " n"],
        k: int,
        names: tuple[str, ...] = (),
        ignore_label: int = IGNORE,
    ) -> Any:
        """From class maps of k classes; `names`, k or none, go into the result."""
        maps = _Maps.of(predicted, classes, mask, k, ignore_label)
        return cls._counted(maps, k, tuple(names))

    @classmethod
    def _counted(cls, maps: "_Maps", k: int, names: tuple[str, ...]) -> Any:
        """The sums of these maps."""
        raise NotImplementedError


@struct.dataclass
class Confusion(_OfMaps):
    """One confusion matrix over the whole set (FCN: Long et al. 2015, section 5).

    >>> classes = (images[..., 0] > 0).astype(int)
    >>> sums = jax.jit(partial(Confusion.of, k=2))(classes, classes, jnp.ones(8))
    >>> sums.result()["miou"]
    1.0
    """

    matrix: Any  # [k, k] pixels of (true, predicted) class
    outside: Any  # [k] pixels of each true class whose prediction is no class
    undefined: Any  # [] pixels whose prediction is the argmax of NaN
    names: tuple[str, ...] = struct.field(pytree_node=False, default=())

    @classmethod
    def _counted(cls, maps: "_Maps", k: int, names: tuple[str, ...]) -> Any:
        column = jnp.where(maps.made, maps.predicted, k)
        cell = jnp.where(maps.counts, maps.true * (k + 1) + column, k * (k + 1))
        cells = jnp.zeros(k * (k + 1), jnp.int32)
        cells = cells.at[cell.reshape(-1)].add(1, mode="drop").reshape(k, k + 1)
        return cls(cells[:, :k], cells[:, k], maps.undefined, names)

    def result(self) -> dict[str, float]:
        """pixel_accuracy, mean_accuracy, miou, fwiou and iou_NAME of every class.

        Means are over the classes that occur: in the truth for the accuracy, in truth
        or prediction for the IoU. The IoU of a class that does not occur is NaN.
        """
        matrix = _defined(self.matrix, self.undefined)
        hit, true = np.diag(matrix), matrix.sum(1) + np.asarray(self.outside)
        union = true + matrix.sum(0) - hit
        iou = _divide(hit, union)
        return {
            "pixel_accuracy": float(_divide(hit.sum(), true.sum())),
            "mean_accuracy": _mean(_divide(hit, true)),
            "miou": _mean(iou),
            "fwiou": float(_divide(np.nansum(true * iou), true.sum())),
            **_of_each("iou", iou, self.names),
        }


@struct.dataclass
class Boundaries(_OfMaps):
    """Boundary IoU (Cheng et al. 2021) and the F1 of outlines, from sums over the set.

    Boundary IoU is the IoU of the bands that lie inside each class within d pixels of
    its outline; the image's own border counts as outline, as in that paper. Distances
    are along rows, columns and diagonals alike; d = max(1, round(0.02 diagonal)).
    Around ignored pixels there is no outline.

    The F1 of outlines takes the same d: precision is the share of predicted outline
    pixels that lie within d of a true one, recall the share of the true that lie within
    d of a predicted one, either over the whole set. So it is more lenient than the
    boundary F1 of Csurka et al. 2013 and not to be compared with it: that is a mean of
    the images' own scores, with a Euclidean tolerance of 0.75 % of the diagonal.

    >>> classes = (images[..., 0] > 0).astype(int)
    >>> sums = jax.jit(partial(Boundaries.of, k=2))(classes, classes, jnp.ones(8))
    >>> sums.result()["boundary_iou"]
    1.0
    """

    overlap: Any  # [k] pixels in both bands
    union: Any  # [k] pixels in either band
    predicted: Any  # [k] pixels of predicted outlines
    predicted_hit: Any  # [k] of these, near a true outline
    true: Any  # [k] pixels of true outlines
    true_hit: Any  # [k] of these, near a predicted outline
    undefined: Any  # [] pixels whose prediction is the argmax of NaN
    names: tuple[str, ...] = struct.field(pytree_node=False, default=())

    @classmethod
    def _counted(cls, maps: "_Maps", k: int, names: tuple[str, ...]) -> Any:
        d = max(1, round(0.02 * math.hypot(*maps.true.shape[1:])))
        ignored = ~maps.counts[..., None]
        made = maps.made[..., None] & ~ignored
        p = jax.nn.one_hot(maps.predicted, k, dtype=bool) & made
        t = jax.nn.one_hot(maps.true, k, dtype=bool) & ~ignored
        band_p, band_t = (_band(x, ignored, d, border=False) for x in (p, t))
        line_p, line_t = (_band(x, ignored, 1, border=True) for x in (p, t))
        count = lambda x: jnp.sum(x, axis=(0, 1, 2), dtype=jnp.int32)
        return cls(
            overlap=count(band_p & band_t),
            union=count(band_p | band_t),
            predicted=count(line_p),
            predicted_hit=count(line_p & _dilate(line_t, d)),
            true=count(line_t),
            true_hit=count(line_t & _dilate(line_p, d)),
            undefined=maps.undefined,
            names=names,
        )

    def result(self) -> dict[str, float]:
        """boundary_iou and boundary_f1, and the same of every class by its name.

        Means are over the classes that occur; that of one that does not is NaN.
        """
        predicted, true, union = (
            _defined(x, self.undefined) for x in (self.predicted, self.true, self.union)
        )
        p, r = _divide(self.predicted_hit, predicted), _divide(self.true_hit, true)
        p, r = np.nan_to_num(p), np.nan_to_num(r)
        # An outline on one side only has F1 = 0; on neither side the class is absent.
        either = predicted + true > 0
        f1 = np.where(either, 2 * p * r / np.maximum(p + r, 1e-12), np.nan)
        iou = _divide(self.overlap, union)
        return {
            "boundary_iou": _mean(iou),
            "boundary_f1": _mean(f1),
            **_of_each("boundary_iou", iou, self.names),
            **_of_each("boundary_f1", f1, self.names),
        }


class _Maps(NamedTuple):
    """A pair of class maps, read once and alike for every measure."""

    predicted: Int[Array, "b h w"]
    made: Bool[Array, "b h w"]  # where the prediction is one of the classes
    true: Int[Array, "b h w"]
    counts: Bool[Array, "b h w"]
    undefined: Int[Array, ""]

    @classmethod
    def of(cls, predicted, classes, mask, k: int, ignore_label: int) -> "_Maps":
        shapes = {predicted.shape, classes.shape}
        if len(shapes) > 1 or classes.ndim != 3 or mask.shape != classes.shape[:1]:
            raise UserError(
                f"class maps should be [b, h, w] and the mask [b], the predicted have "
                f"{predicted.shape}, the true {classes.shape} and the mask {mask.shape}"
            )
        true, counts = in_range(classes, k, ignore_label)
        counts &= (mask > 0)[:, None, None]
        lost = jnp.sum(undefined(predicted) & counts, dtype=jnp.int32)
        return cls(*in_range(predicted, k), true, counts, lost)


def _defined(sums: Any, undefined: Any) -> np.ndarray:
    """The sums in float64; NaN if a prediction was undefined."""
    return np.where(np.asarray(undefined) > 0, np.nan, np.asarray(sums, np.float64))


def _band(
    inside: Masks, ignored: Bool[Array, "b h w 1"], d: int, border: bool
) -> Masks:
    """The pixels of a class within `d` of another; `border`: does the image go on?"""
    return inside & ~_window(inside | ignored, d, jnp.logical_and, border)


def _dilate(mask: Masks, d: int) -> Masks:
    return _window(mask, d, jnp.logical_or, False)


def _window(mask: Masks, d: int, reduce, outside: bool) -> Masks:
    """`reduce` over a square of 2d + 1 pixels, with `outside` around the image."""
    for axis in (1, 2):
        pad = [(0, 0)] * 4
        pad[axis] = (d, d)
        x = jnp.pad(mask, pad, constant_values=outside)
        n = mask.shape[axis]
        mask = jax.lax.slice_in_dim(x, 0, n, axis=axis)
        for i in range(1, 2 * d + 1):
            mask = reduce(mask, jax.lax.slice_in_dim(x, i, i + n, axis=axis))
    return mask


def _of_each(
    measure: str, values: np.ndarray, names: tuple[str, ...]
) -> dict[str, float]:
    """measure_NAME of every class; by its number where the classes have no names."""
    names = names or tuple(map(str, range(len(values))))
    return {f"{measure}_{n}": float(x) for n, x in zip(names, values, strict=True)}


def _divide(a: Any, b: Any) -> np.ndarray:
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    return np.where(b > 0, a / np.maximum(b, 1), np.nan)


def _mean(x: np.ndarray) -> float:
    known = x[~np.isnan(x)]
    return float(known.mean()) if known.size else float("nan")
