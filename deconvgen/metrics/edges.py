"""The step-edge test: where an edge comes back, and how sharply."""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float

from deconvgen.core.errors import UserError
from deconvgen.core.types import Sums
from deconvgen.metrics.sums import Mean
from deconvgen.ops.arguments import Images, takes


class EdgeResponse(NamedTuple):
    """What became of a step edge, [b] each; all but `contrast` NaN without an edge.

    >>> EdgeResponse._fields
    ('position', 'width', 'contrast', 'overshoot')
    """

    position: Array  # in pixels from the left border
    width: Array  # from 10 % to 90 % of the step, in pixels; 0.8 is ideal
    contrast: Array  # right minus left plateau, in [-2, 2]
    overshoot: Array  # ringing beyond the plateaus, as a share of the step


def step_edges(
    shape: tuple[int, int], positions: Float[np.ndarray, " b"], channels: int = 1
) -> Float[Array, "b {shape[0]} {shape[1]} {channels}"]:
    """Vertical edges from -0.8 to 0.8, sharp, sampled by each pixel's area.

    The edge lies `positions` pixels from the left border, and pixel i reaches from i
    to i + 1. The levels leave room for ringing in a model that ends in tanh. Edges
    have to keep a quarter of the image on either side for its plateaus.
    """
    height, width = shape
    positions = np.asarray(positions, np.float32)
    if positions.min() < width / 4 + 1 or positions.max() > width * 3 / 4 - 1:
        raise UserError(
            f"step edges at {positions.min():g} to {positions.max():g} pixels: "
            f"an image {width} wide wants {width / 4 + 1:g} to {width * 3 / 4 - 1:g}"
        )
    covered = jnp.clip(jnp.arange(1, width + 1) - positions[:, None], 0, 1)
    rows = 1.6 * covered - 0.8
    full = (len(positions), height, width, channels)
    return jnp.broadcast_to(rows[:, None, :, None], full)


@takes("levels", images="h w c")
def edge_response(images: Images) -> EdgeResponse:
    """Position, 10-90 % width, contrast and overshoot of images of one vertical edge.

    The profile is the mean over the middle half of the rows and over the channels; its
    plateaus are the outer quarters of the columns. The position is the one of a sharp
    edge with the same sum, which a symmetric blur leaves where it was. Levels are
    crossed by linear interpolation between pixel centres, so that a sharp edge on a
    pixel border has the width 0.8. An edge that starts or ends in a plateau is cut
    off there.

    >>> step = jnp.where(jnp.arange(16) < 8, -1.0, 1.0) * jnp.ones((1, 16, 1))
    >>> jax.jit(edge_response)(step[..., None]).width.round(3)
    Array([0.8], dtype=float32)
    """
    _, h, w, _ = images.shape
    q = w // 4
    rows = images[:, h // 4 : h - h // 4].astype(jnp.float32)
    profile = jnp.mean(rows, axis=(1, 3))
    left = jnp.mean(profile[:, :q], axis=1)
    right = jnp.mean(profile[:, w - q :], axis=1)
    contrast = right - left
    edge = jnp.abs(contrast) >= 1e-3
    step = jnp.where(edge, contrast, jnp.nan)[:, None]
    rise = (profile - left[:, None]) / step
    position = w - q - jnp.sum(rise[:, q : w - q], axis=1)
    # Of several crossings the middle one's neighbours count: ringing has more.
    middle = _crossing(rise, 0.5, position[:, None], "nearest")
    low = _crossing(rise, 0.1, middle[:, None], "before")
    high = _crossing(rise, 0.9, middle[:, None], "after")
    beyond = jnp.maximum(jnp.max(rise - 1, axis=1), jnp.max(-rise, axis=1))
    width = jnp.where(edge, high - low, jnp.nan)  # of NaN nothing is crossed
    return EdgeResponse(position, width, contrast, jnp.maximum(beyond, 0.0))


def edge_positions(size: int, count: int) -> Float[np.ndarray, " {count}"]:
    """Places for `step_edges`: `count` of them over the middle, all sub-pixels."""
    low, high = size / 4 + 1, size * 3 / 4 - 1
    return np.linspace(low + (high - low) / 4, high - (high - low) / 4, count)


def edge_sums(
    images: Float[Array, "b h w c"],
    positions: Float[np.ndarray, " b"],
    mask: Float[Array, " b"],
) -> dict[str, Sums]:
    """What became of edges at `positions`: shares and means over a batch.

    edges_found (with half the contrast at least), and of these edge_error (pixels away
    from where it should be), edge_width (pixels; 0.8 is ideal) and edge_overshoot.
    All are NaN where an image is.
    """
    seen = edge_response(images)
    there = (seen.contrast > 0.8) & jnp.isfinite(seen.position + seen.width)
    found = jnp.where(jnp.isfinite(seen.contrast), there, jnp.nan)
    kept = jnp.where(mask > 0, mask * found, 0)
    return {
        "edges_found": Mean.of(found, mask),
        "edge_error": Mean.of(jnp.abs(seen.position - positions), kept),
        "edge_width": Mean.of(seen.width, kept),
        "edge_overshoot": Mean.of(seen.overshoot, kept),
    }


def _crossing(
    rise: Float[Array, "b w"], level: float, at: Float[Array, "b 1"], which: str
) -> Float[Array, " b"]:
    """Where `rise` climbs through the level: nearest to, last before or first after."""
    before, after = rise[:, :-1], rise[:, 1:]
    climbs = (before < level) & (after >= level)
    share = (level - before) / jnp.where(climbs, after - before, 1)
    where = jnp.arange(0.5, rise.shape[1] - 1) + share  # pixel centres
    if which == "before":
        return jnp.max(jnp.where(climbs & (where <= at), where, 0.0), axis=1)
    if which == "after":
        end = float(rise.shape[1])
        return jnp.min(jnp.where(climbs & (where >= at), where, end), axis=1)
    away = jnp.where(climbs, jnp.abs(where - at), jnp.inf)
    nearest = jnp.argmin(away, axis=1)
    return jnp.take_along_axis(where, nearest[:, None], axis=1)[:, 0]
