"""Validation images: a part of the training images that nothing is trained on.

Which ones is the same in every process and with every version of NumPy. Data sets that
come with validation images of their own keep those.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Int64

from deconvgen.core.errors import UserError
from deconvgen.data import draws
from deconvgen.data.records import Source

SEED = 2019


def places(
    labels: Sequence[Any] | np.ndarray, split: str, share: float
) -> Int64[np.ndarray, " n"]:
    """Where the examples of a split ("train" or "validation") are, ascending.

    Of each label, a `share` in (0, 1) of the examples is for validation, as nearly as
    can be; at least one example is for either. Without labels, give zeros.
    """
    labels = np.asarray(labels)
    few(len(labels))
    order = draws.permutation(SEED, 0, len(labels))
    groups = [order[labels[order] == label] for label in np.unique(labels)]
    held = np.concatenate([group[: round(share * len(group))] for group in groups])
    held = held[: len(labels) - 1] if len(held) else order[:1]
    whole = np.arange(len(labels))
    return np.sort(held) if split == "validation" else np.setdiff1d(whole, held)


def few(count: int) -> None:
    """Raise the `UserError` for training images of which none can be spared."""
    if count < 2:
        raise UserError(
            "with fewer than 2 training images, none can be held out for validation: "
            "set data.validation=0"
        )


def carved(source: Source, split: str, share: float, balanced: bool = False) -> Source:
    """The part of the training images' source that is for a split.

    `balanced`: the same share of every label, of a source that is decoded.
    """
    decoded = source.decoded
    labels = decoded["label"] if balanced else np.zeros(source.length, int)
    at = places(labels, split, share).tolist()
    return source._replace(
        length=len(at),
        read=lambda indices: source.read([at[i] for i in indices]),
        describe=lambda index: source.describe(at[index]),
        decoded={name: values[at] for name, values in decoded.items()},
    )
