"""`deconvgen project`: pictures into a latent space, what lies between, and beyond."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from deconvgen.core import files, images
from deconvgen.core.errors import UserError, unknown
from deconvgen.data.folder import ENDINGS
from deconvgen.runs.handle import Handle
from deconvgen.runs.projection import (
    Projections,
    Search,
    direction,
    labelled,
    project,
)
from deconvgen.runs.run import load
from deconvgen.runs.sampling.base import COLUMNS, slerp
from deconvgen.runs.sampling.plain import fitted

LABELLED = 2000
"""Latents that are drawn and classified for a direction to a class."""
FARTHEST = 3.0
"""Deviations of a latent that a picture of a direction goes to either side."""


def pictures(
    run: Handle, names: Sequence[str], num: int
) -> Float[np.ndarray, "n h w c"]:
    """Picture files, and those of folders, as the run's images; its own without any.

    At most `num` of each folder, in the order of their names.
    """
    if not names:
        return run.examples(num)["image"]
    found: list[Path] = []
    for name in names:
        path = Path(name).expanduser()
        inside = sorted(p for p in path.glob("*") if p.suffix.lower() in ENDINGS)
        if path.is_dir() and not inside:
            raise UserError(f"{path} holds no pictures")
        if not path.exists():
            raise UserError(f"there is no picture {path}")
        found += inside[:num] if path.is_dir() else [path]
    return np.stack([fitted(str(path), run.image_shape) for path in found])


def compared(found: Projections) -> np.ndarray:
    """A picture: original, projection, difference (grey: none), a row an image."""
    apart = np.clip(found.images - found.originals, -1, 1)
    rows = np.stack([found.originals, found.images, apart], 1)
    return images.grid(rows.reshape(-1, *rows.shape[2:]), 3)


def between(run: Handle, found: Projections) -> np.ndarray:
    """A picture: from each image to the next one, on the great circle of the latents.

    The originals are at the ends. The class of a conditional generator is that of the
    nearer end.
    """
    share = np.linspace(0, 1, COLUMNS, dtype=np.float32)[None, :, None]
    a, b = found.latents[:-1, None], found.latents[1:, None]
    path = slerp(a, b, share).astype(np.float32)
    labels = None
    if found.labels is not None:
        near = np.arange(COLUMNS) < COLUMNS // 2
        pairs = found.labels[:-1, None], found.labels[1:, None]
        labels = np.where(near[None], *pairs).reshape(-1)
    made = run.decode(path.reshape(-1, run.task.latent), labels)
    made = made.reshape(len(a), COLUMNS, *run.image_shape)
    ends = found.originals[:-1, None], found.originals[1:, None]
    rows = np.concatenate([ends[0], made, ends[1]], 1)
    return images.grid(rows.reshape(-1, *run.image_shape), COLUMNS + 2)


def along(
    run: Handle, found: Projections, way: Float[np.ndarray, " d"]
) -> Float[np.ndarray, "n k h w c"]:
    """Images of the latents moved along a direction, from -3 to 3 deviations."""
    by = np.linspace(-FARTHEST, FARTHEST, COLUMNS - 1, dtype=np.float32)
    z = found.latents[:, None] + by[None, :, None] * way.astype(np.float32)
    labels = found.labels
    labels = None if labels is None else np.repeat(labels, len(by))
    made = run.decode(z.reshape(-1, run.task.latent).astype(np.float32), labels)
    return made.reshape(len(z), len(by), *run.image_shape)


def way_to(
    run: Handle, toward: str, away: str, num: int, search: Search, how: str
) -> tuple[Float[np.ndarray, " d"], dict[str, Any]]:
    """The direction to a class, or from the pictures `away` to those of `toward`.

    And what it is made of.
    """
    names = list(run.config.data.class_names)
    if away:
        both = [pictures(run, [name], num) for name in (away, toward)]
        found = [project(run, given, None, search) for given in both]
        z = np.concatenate([one.latents for one in found])
        having = np.repeat([0, 1], [len(one.latents) for one in found])
        return direction(z, having, how), {"pictures": len(z)}
    if toward not in names:
        raise unknown("class", toward, names)
    z, classes = labelled(run, LABELLED, search.seed)
    having = classes == names.index(toward)
    share = float(having.mean())
    return direction(z, having, how), {"latents": LABELLED, "share_of_class": share}


def write(
    workdir: str,
    names: Sequence[str] = (),
    *,
    num: int = 8,
    label: str = "",
    toward: str = "",
    away: str = "",
    how: str = "mean",
    out: str = "",
    checkpoint: str = "best",
    search: Search = Search(),
) -> tuple[dict[str, float], list[Path]]:
    """Project pictures and write what is seen of it; the figures, and the files.

    projection.png, latents.npz (`latents`, `labels`, `loss`), projection.json; of two
    pictures or more interpolation.png; with `toward` direction.png.
    """
    run = load(workdir, checkpoint)
    folder = Path(out).expanduser() if out else run.folder / "projection"
    files.writable(folder)
    given = pictures(run, names, num)
    classes, labels = list(run.config.data.class_names), None
    if label and label not in classes:
        raise unknown("class", label, classes)
    if label:
        labels = np.full(len(given), classes.index(label))
    way, about = None, {}
    if toward:
        way, about = way_to(run, toward, away, num, search, how)
    found = project(run, given, labels, search)
    figures = found.figures()
    written = [images.save(compared(found), folder / "projection.png", 512)]
    if len(given) > 1:
        drawn = between(run, found)
        written.append(images.save(drawn, folder / "interpolation.png", 512))
    if way is not None:
        rows = np.concatenate([found.originals[:, None], along(run, found, way)], 1)
        drawn = images.grid(rows.reshape(-1, *run.image_shape), COLUMNS)
        written.append(images.save(drawn, folder / "direction.png", 512))
        figures |= about
    path = folder / "latents.npz"
    arrays: dict[str, Any] = {"latents": found.latents, "loss": found.loss}
    arrays |= {} if found.labels is None else {"labels": found.labels}
    arrays |= {} if way is None else {"direction": way}
    with files.beside(path) as temporary, temporary.open("wb") as file:
        np.savez(file, **arrays)
    facts = {"run": str(run.folder), "step": run.step, "images": len(given)}
    facts |= search._asdict()
    return figures, [
        *written,
        path,
        files.write_json(folder / "projection.json", figures | facts, 1),
    ]
