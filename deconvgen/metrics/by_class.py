"""Fidelity class by class: what a mean over all classes hides."""

from typing import Any

import numpy as np

from deconvgen.core.errors import UserError
from deconvgen.metrics.distances import frechet_distance
from deconvgen.metrics.neighbours import manifolds
from deconvgen.metrics.rows import Rows

LEAST = 16
"""Images of a class, of either kind, below which it has no figures."""


def fidelity_by_class(
    real: Rows, fake: Rows, real_labels: Any, fake_labels: Any, least: int = LEAST
) -> dict[int, dict[str, float]]:
    """The figures of the features of each class against the real ones of that class.

    `frechet`, `precision`, `recall`, `density` and `coverage` by label, for classes of
    which there are `least` images of either kind. They compare between sets of as many
    images a class, not with those of all images: the Frechet distance has a bias that
    grows as images get fewer. Raises `UserError` for labels that are not one a row.

    >>> rows = np.random.default_rng(0).normal(size=(40, 3))
    >>> labels = np.arange(40) % 2
    >>> found = fidelity_by_class(rows, rows + labels[:, None], labels, labels)
    >>> found[0]["recall"], found[1]["frechet"] > 2.9
    (1.0, True)
    """
    return {
        label: {"frechet": frechet_distance(x, y), **manifolds(x, y)._asdict()}
        for label, x, y in classes(real, fake, real_labels, fake_labels, least)
    }


def classes(
    real: Rows, fake: Rows, real_labels: Any, fake_labels: Any, least: int = LEAST
) -> list[tuple[int, Rows, Rows]]:
    """Each label with its real and its other rows, where `least` of either have it.

    Raises `UserError` for labels that are not one a row.

    >>> rows, labels = np.arange(6.0).reshape(3, 2), [0, 1, 0]
    >>> [(label, len(one)) for label, one, _ in classes(rows, rows, labels, labels, 2)]
    [(0, 2)]
    """
    x, y = np.asarray(real), np.asarray(fake)
    known, drawn = np.asarray(real_labels), np.asarray(fake_labels)
    for rows, labels in ((x, known), (y, drawn)):
        if labels.shape != rows.shape[:1]:
            raise UserError(
                f"labels should be one for each of {len(rows)} rows, not "
                f"{list(labels.shape)}"
            )
    found = [(n, x[known == n], y[drawn == n]) for n in np.unique(known).tolist()]
    return [each for each in found if min(map(len, each[1:])) >= least]
