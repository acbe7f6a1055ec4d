"""Sets of pictures against real ones: fidelity, artefacts, copies; in one pass each."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from deconvgen.audit.picture_look import Look, View
from deconvgen.audit.picture_words import record, shared
from deconvgen.core.errors import UserError
from deconvgen.core.numbers import whole
from deconvgen.data.picture_files import picture_set
from deconvgen.data.picture_sets import PictureSet, told_apart
from deconvgen.metrics import neighbours, spectra
from deconvgen.metrics.by_class import classes, fidelity_by_class
from deconvgen.metrics.confidence import (
    around,
    frechet_error,
    frechet_infinity,
    share_interval,
)
from deconvgen.metrics.distances import (
    frechet_distance,
    frechet_of_moments,
    kernel_distance,
)
from deconvgen.metrics.features import compiled, named
from deconvgen.metrics.lines import lines
from deconvgen.metrics.seams import seams
from deconvgen.metrics.sets import LEAST
from deconvgen.metrics.sums import Moments

KEPT = 10_000
"""Rows of features of a set that are kept: all figures but the Frechet distance, whose
sums take every image, are of so many at most."""


class Seen(NamedTuple):
    """A set that was read once."""

    pictures: PictureSet
    look: Look
    moments: Moments
    rows: np.ndarray  # [k, d], of the images at `places`
    places: np.ndarray  # [k]

    def labels(self, real: PictureSet) -> np.ndarray | None:
        """The classes of the rows, in the numbers that `real` gives them."""
        known = self.pictures.labels_of(real)
        return None if known is None else known[self.places]


class Versus(NamedTuple):
    """One set against the real one: figures, and what the page shows of it."""

    seen: Seen
    figures: dict[str, float]
    classes: dict[int, float]
    near: neighbours.Memberships | None
    view: View


class Comparison(NamedTuple):
    """All sets against one real one, in the space of one extractor."""

    extractor: str
    resizer: str
    real: Seen
    fakes: list[Versus]

    def record(self) -> dict[str, Any]:
        """What JSON has of it, by the name of each set."""
        found = {
            "extractor": self.extractor,
            "resizer": self.resizer,
            "real": {
                "name": self.real.pictures.name,
                "notes": self.real.pictures.notes,
            },
        }
        for versus in self.fakes:
            pictures = versus.seen.pictures
            mine: dict[str, Any] = dict(versus.figures)
            mine["notes"] = pictures.notes
            if versus.classes:
                mine["frechet_of_class"] = versus.classes
            found[pictures.name] = mine
        return found


def compare(
    real: Any,
    *fakes: Any,
    extractor: str | Callable[[Any], Any] = "random",
    dataset: str = "",
    weights: str = "",
    num: int = 0,
    batch_size: int = 250,
    by_class: bool = False,
) -> Comparison:
    """Figures of sets of pictures against real ones, whatever they are stored as.

    Args:
      real, fakes: folders, .npy or .npz files, arrays [n, h, w, c], `PictureSet`s.
      extractor: one of `metrics.extractors`, "MODULE:FUNCTION" or a function from
        images [b, h, w, c] in [-1, 1] to features [b, d].
      dataset, weights: what the extractor is made with, as in `measure`.
      num: how many pictures of each at most; 0: all.
      by_class: `fidelity_by_class` as well, as class/LABEL/NAME; both need labels.

    >>> real, fake = np.random.default_rng(0).random((2, 20, 16, 16, 1))
    >>> found = compare(real, fake, extractor=lambda x: x.mean((1, 3)))
    >>> found.fakes[0].figures["copies_<lambda>"]
    0.0

    Every figure but the Frechet distance is of 10,000 images of a set at most, drawn
    evenly; memory does not grow beyond that. Raises `UserError` for sets that do not
    compare.
    """
    if not fakes:
        raise UserError("compare wants a set of real pictures, and one or more others")
    size = whole("batch_size", batch_size, 1)
    limit = whole("num", num, 0)
    sets = [picture_set(source) for source in (real, *fakes)]
    sets = [found.limited(limit) if limit else found for found in sets]
    shape = sets[0].shape
    for found in sets[1:]:
        if found.shape[:2] != shape[:2]:
            raise UserError(
                f"{found.name} has pictures of {_by(found.shape)} pixels and "
                f"{sets[0].name} of {_by(shape)}: sets of one size compare, and a "
                "resizer would be part of the figures"
            )
    channels = max(found.shape[-1] for found in sets)
    sets = [found.in_channels(channels) for found in sets]
    sets = [sets[0], *told_apart(sets[1:], ("real", "extractor", "resizer"))]
    used = named(extractor, dataset, weights)
    features = compiled(used)
    true, *others = (read(found, features, size) for found in sets)
    floor = floors(true, used.name)
    versus = [against(true, other, used.name, floor) for other in others]
    if by_class:
        for one in versus:
            one.figures.update(_by_class(true, one.seen, used.name))
    return Comparison(used.name, _resizer(used.name, shape), true, versus)


def _resizer(extractor: str, shape: tuple[int, int, int]) -> str:
    if extractor == "inception":
        return "torch-fidelity's bilinear, to 299 x 299"
    if extractor == "classifier":
        return "antialiased bilinear where the classifier's size is another"
    return "none"


def _by(shape: tuple[int, ...]) -> str:
    return f"{shape[0]} x {shape[1]}"


def read(pictures: PictureSet, features: Any, batch_size: int) -> Seen:
    """One pass over a set: features of all, sums of spectra and of neighbours."""
    look = Look(pictures.shape, pictures.num)
    chosen = np.arange(pictures.num)
    if pictures.num > KEPT:
        chosen = np.sort(np.random.default_rng(0).permutation(pictures.num)[:KEPT])
    kept = np.zeros(pictures.num, bool)
    kept[chosen] = True
    size, first, rows = min(batch_size, pictures.num), 0, []
    moments: Moments | None = None
    for batch in pictures.read(size):
        n = len(batch)
        padded = np.pad(batch, [(0, size - n), *[(0, 0)] * 3])
        made = features(padded)[:n]
        new = _moments(made)
        moments = new if moments is None else moments + new
        rows.append(made[kept[first : first + n]])
        first += n
        look.add(batch)
    assert moments is not None
    return Seen(pictures, look, moments, np.concatenate(rows), chosen)


def _moments(rows: np.ndarray) -> Moments:
    x = rows.astype(np.float64)
    centred = x - x.mean(0)
    return Moments(float(len(x)), x.mean(0), centred.T @ centred)


def frechet(one: Seen, other: Seen) -> float:
    """Of all images of both, also of those whose rows were not kept."""
    if max(one.pictures.num, other.pictures.num) <= KEPT:
        return frechet_distance(one.rows, other.rows)
    return frechet_of_moments(
        *(x for s in (one, other) for x in (s.moments.mean, s.moments.covariance()))
    )


def floors(real: Seen, name: str) -> dict[str, float]:
    """What real pictures have against real ones: two random halves of them.

    The Frechet distance of halves is all bias, which goes with 1 / n, so half of it is
    that of whole sets. The kernel distance has no bias: its floor is 0 and chance.
    """
    order = np.random.default_rng(1).permutation(len(real.rows))
    half = len(order) // 2
    if half < LEAST:
        return {}
    one, other = real.rows[order[:half]], real.rows[order[half : 2 * half]]
    near = neighbours.manifolds(one, other)
    kid = kernel_distance(one, other)
    return {
        f"{frechet_name(name)}_floor": frechet_distance(one, other) / 2,
        f"kid_{name}_mean_floor": kid.mean,
        **{f"{key}_{name}_floor": v for key, v in near._asdict().items()},
    }


def frechet_name(name: str) -> str:
    """FID is Inception's alone."""
    return "fid" if name == "inception" else f"frechet_{name}"


def against(
    real: Seen, fake: Seen, name: str, floor: dict[str, float] | None = None
) -> Versus:
    """The figures of one set."""
    label, nan = frechet_name(name), float("nan")
    found: dict[str, Any] = {
        f"images_real_{name}": real.pictures.num,
        f"images_fake_{name}": fake.pictures.num,
    }
    near = None
    if min(len(real.rows), len(fake.rows)) >= LEAST:
        numbers = (real.pictures.num, fake.pictures.num)
        kid = kernel_distance(real.rows, fake.rows)
        for key, value, error, least in (
            (label, frechet(real, fake),
             frechet_error(real.rows, fake.rows, numbers), 0.0),
            (f"kid_{name}_mean", kid.mean, kid.error, -np.inf),
        ):  # fmt: skip
            low, high = around(value, error, least)
            found |= {key: value, f"{key}_low": low, f"{key}_high": high}
        found[f"kid_{name}_std"] = kid.std
        found[f"{label}_infinity"] = frechet_infinity(real.rows, fake.rows)
        near = neighbours.memberships(real.rows, fake.rows)
        names = neighbours.Manifolds._fields
        for key, values in zip(names, near or [np.full(1, nan)] * 4):
            found[f"{key}_{name}"] = float(np.mean(values))
            low, high = share_interval(values)
            found |= {f"{key}_{name}_low": low, f"{key}_{name}_high": high}
    if near is not None:
        usual = float(np.median(near.own))
        ratio = float(np.median(near.distance)) / usual if usual else nan
        found[f"memorization_ratio_{name}"] = ratio
        found[f"copies_{name}"] = neighbours.copies(near)
    found |= floor or {}
    sums = (fake.look.periods, real.look.periods)
    view = View(fake.look, real.look, lines(*sums), seams(*sums))
    found |= record(view)
    profiles = [seen.look.residuals.profile() for seen in (real, fake)]
    found["spectrum_distance_db"] = spectra.spectrum_distance(*profiles)
    found |= {f"real_{key}": v for key, v in shared(real.look, view.periods).items()}
    del found["images"], found["real_images"]
    return Versus(fake, found, of_classes(real, fake), near, view)


def _by_class(real: Seen, fake: Seen, name: str) -> dict[str, float]:
    known, drawn = (seen.labels(real.pictures) for seen in (real, fake))
    if known is None or drawn is None:
        bare = (real if known is None else fake).pictures.name
        raise UserError(
            f"{bare} has no labels of the same classes: figures by class need a "
            "folder for each class, a .npz file with labels, or a data set"
        )
    found = fidelity_by_class(real.rows, fake.rows, known, drawn)
    called = lambda key: frechet_name(name) if key == "frechet" else f"{key}_{name}"
    return {
        f"class/{label}/{called(key)}": value
        for label, figures in found.items()
        for key, value in figures.items()
    }


def of_classes(real: Seen, fake: Seen) -> dict[int, float]:
    """The Frechet distance class by class, where both sets have labels."""
    known, drawn = (seen.labels(real.pictures) for seen in (real, fake))
    if known is None or drawn is None:
        return {}
    each = classes(real.rows, fake.rows, known, drawn)
    return {label: frechet_distance(x, y) for label, x, y in each}
