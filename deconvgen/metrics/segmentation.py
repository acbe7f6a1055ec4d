"""Metrics of class maps, from sums over the whole set; 255 marks pixels to ignore."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct
from jax import Array
from jaxtyping import Bool, Float, Int

from deconvgen.metrics.sums import Summed

IGNORE = 255
"""The class of pixels that do not count."""

Classes = Int[Array, "b h w"]
Masks = Bool[Array, "b h w k"]


@struct.dataclass
class Confusion(Summed):
    """One confusion matrix over the whole set (FCN: Long et al. 2015, section 5)."""

    matrix: Any  # [k, k] pixels of (true, predicted) class
    names: tuple[str, ...] = struct.field(pytree_node=False, default=())

    @classmethod
    def of(
        cls,
        predicted: Classes,
        classes: Classes,
        mask: Float[Array, " b"],
        k: int,
        names: tuple[str, ...] = (),
    ) -> "Confusion":
        """From class maps of k classes; `names`, k or none, go into the result."""
        counts = (classes != IGNORE) & (mask[:, None, None] > 0)
        cell = jnp.where(counts, classes * k + predicted, k * k).reshape(-1)
        cells = jnp.zeros(k * k, jnp.int32).at[cell].add(1, mode="drop")
        return cls(cells.reshape(k, k), tuple(names))

    def result(self) -> dict[str, float]:
        """pixel_accuracy, mean_accuracy, miou, fwiou and iou_NAME of every class.

        Means are over the classes that occur: in the truth for the accuracy, in truth
        or prediction for the IoU. The IoU of a class that does not occur is NaN.
        """
        matrix = np.asarray(self.matrix, np.float64)
        hit, true = np.diag(matrix), matrix.sum(1)
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
class Boundaries(Summed):
    """Boundary IoU (Cheng et al. 2021) and boundary F1, from sums over the whole set.

    Boundary IoU is the IoU of the bands that lie inside each class within d pixels of
    its outline; the image's own border counts as outline, as in that paper. Boundary F1
    asks for the outline pixels of either map how many lie within d pixels of the
    other's (Csurka et al. 2013). Distances are along rows, columns and diagonals
    alike; d = max(1, round(0.02 diagonal)). Around ignored pixels there is no outline.
    """

    overlap: Any  # [k] pixels in both bands
    union: Any  # [k] pixels in either band
    predicted: Any  # [k] pixels of predicted outlines
    predicted_hit: Any  # [k] of these, near a true outline
    true: Any  # [k] pixels of true outlines
    true_hit: Any  # [k] of these, near a predicted outline
    names: tuple[str, ...] = struct.field(pytree_node=False, default=())

    @classmethod
    def of(
        cls,
        predicted: Classes,
        classes: Classes,
        mask: Float[Array, " b"],
        k: int,
        names: tuple[str, ...] = (),
    ) -> "Boundaries":
        """From class maps of k classes; `names`, k or none, go into the result."""
        h, w = classes.shape[1:]
        d = max(1, round(0.02 * float(np.hypot(h, w))))
        ignored = ((classes == IGNORE) | (mask[:, None, None] == 0))[..., None]
        p = jax.nn.one_hot(predicted, k, dtype=bool) & ~ignored
        t = jax.nn.one_hot(classes, k, dtype=bool) & ~ignored
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
            names=tuple(names),
        )

    def result(self) -> dict[str, float]:
        """boundary_iou and boundary_f1, and the same of every class by its name.

        Means are over the classes that occur; that of one that does not is NaN.
        """
        precision = _divide(self.predicted_hit, self.predicted)
        recall = _divide(self.true_hit, self.true)
        # An outline on one side only has F1 = 0; on neither side the class is absent.
        either = np.asarray(self.predicted) + np.asarray(self.true) > 0
        p, r = np.nan_to_num(precision), np.nan_to_num(recall)
        f1 = np.where(either, 2 * p * r / np.maximum(p + r, 1e-12), np.nan)
        iou = _divide(self.overlap, self.union)
        return {
            "boundary_iou": _mean(iou),
            "boundary_f1": _mean(f1),
            **_of_each("boundary_iou", iou, self.names),
            **_of_each("boundary_f1", f1, self.names),
        }


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
