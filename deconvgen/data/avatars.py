"""Drawn faces: 6,000 training and 1,000 test images, 64 x 64 RGB.

Of parts of "Personas by Draftbit" (CC BY 4.0, see `embedded/`), drawn once by
`tools/avatars.mjs`, with as many of every hair. Their attributes are known, and each
may be what the label says.
"""

import csv

import numpy as np

from deconvgen.data import draws, mosaics
from deconvgen.data.records import Source

VERSION = "1.0.0"  # another one where the pictures or their order change
SIZE, SEED = 64, 2017
CLASSES = {
    "hair": (
        "long",
        "shortCombover",
        "curlyHighTop",
        "bobCut",
        "pigtails",
        "curlyBun",
        "bald",
        "cap",
        "beanie",
        "mohawk",
    ),
    "eyes": ("open", "happy", "wink", "sleep", "glasses", "sunglasses"),
    "mouth": ("smile", "bigSmile", "smirk", "frown", "surprise", "lips"),
    "skin": ("light", "dark"),
}
"""The attributes and their values, by the names that the source gives them."""


def attributes(split: str) -> list[dict[str, str]]:
    """Of every image of a mosaic, in its order."""
    with open(mosaics.EMBEDDED / f"avatars_{split}.csv", newline="") as table:
        return list(csv.DictReader(table))


def source(name: str, split: str, attribute: str) -> Source:
    """The records of the training or test images, mixed, labelled by an attribute."""
    known, classes = attributes(split), CLASSES[attribute]
    labels = [classes.index(each[attribute]) for each in known]
    mixed = draws.permutation(SEED, 0, len(known))
    images = mosaics.tiles(f"avatars_{split}.webp", SIZE)[mixed]
    told = np.array(labels, np.int32)[mixed]
    return mosaics.Held(name, VERSION, images, told, classes).source(split)
