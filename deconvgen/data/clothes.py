"""Clothing over textures: segmentation with a class for each pixel, known exactly.

One to three items of the embedded Fashion-MNIST are enlarged, tinted and laid, partly
over one another, on a piece of an embedded photograph. Training pictures are made of
training items on training photographs, those for validation and the test pictures of
items and photographs that are held out.
Item number `index` is always the first of picture number `index`.
"""

import colorsys
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float64, Int64, UInt8
from PIL import Image

from deconvgen.core.errors import UserError
from deconvgen.data import draws, held_out, transform
from deconvgen.data.fashion import CLASSES, embedded
from deconvgen.data.photos import photographs
from deconvgen.data.pipeline import DRAWS, Dataset, dataset
from deconvgen.data.records import Options

VERSION = "1.0.0"  # another one where the same draws make other pictures
SIZE = 64
"""The side of a picture where image_size is 0."""
SMALLEST = 32
COUNTS = (0.45, 0.85)
"""One item is in 45 % of the pictures, two are in 40 %, three in the others."""
PLACES = 4
"""Places that are tried for an item, to hide less of what is there already."""
SCALES = (0.5, 0.78)
"""The side of an item's 28 x 28 pixels, in sides of the picture."""
TEST_SEED = 2017
KINDS = ("top", "trouser", "dress", "sandal", "sneaker", "bag", "ankle boot")
"""The coarse classes: shirts, T-shirts, pullovers and coats, which at this size even
people confuse, are one, so that a figure tells more of where than of what."""
_KIND_OF = {"T-shirt": "top", "pullover": "top", "coat": "top", "shirt": "top"}
_PER_ITEM = 14


class Pieces(NamedTuple):
    """What the pictures of a split are made of."""

    items: UInt8[np.ndarray, "n 28 28"]  # brightness
    shapes: UInt8[np.ndarray, "n 28 28"]  # 255 inside the item's outline, else 0
    labels: Int64[np.ndarray, " n"]  # 1..10
    textures: tuple[UInt8[np.ndarray, "h w 3"], ...]


def silhouettes(items: UInt8[np.ndarray, "n 28 28"]) -> Bool[np.ndarray, "n 28 28"]:
    """Where an item is: what has something of it to all four sides.

    White cloth is black in Fashion-MNIST like the ground it lies on, so brightness
    alone would leave holes.
    """
    bright = items > 15
    reach = np.logical_or.accumulate
    above, left = reach(bright, axis=1), reach(bright, axis=2)
    below = reach(bright[:, ::-1], axis=1)[:, ::-1]
    right = reach(bright[:, :, ::-1], axis=2)[:, :, ::-1]
    return above & below & left & right


@lru_cache(maxsize=6)
def pieces(split: str, size: int, validation: float = 0.0) -> Pieces:
    """The items and textures of a split; textures in all scales down to `size`.

    `validation` is as `deconvgen.data.load` has it.
    """
    items = embedded("test" if split == "test" else "train")
    labels = 1 + np.arange(len(items)) * len(CLASSES) // len(items)
    if validation and split != "test":
        part = held_out.places(labels, split, validation)
        items, labels = items[part], labels[part]
    mixed = draws.permutation(TEST_SEED, 0, len(items))  # they lie class after class
    items, labels = items[mixed], labels[mixed]
    textures = []
    for pixels in photographs(split, validation=validation).values():
        image = Image.fromarray(pixels)
        while min(image.size) >= size:
            textures.append(np.asarray(image))
            image = image.reduce(2)
    if not textures:
        raise UserError(
            f"clothes_on_textures has no photograph of {size} x {size} pixels: make "
            "image_size smaller"
        )
    shapes = silhouettes(items) * np.uint8(255)
    return Pieces(items, shapes, labels, tuple(textures))


def _ground(textures: tuple, size: int, chance: np.ndarray) -> np.ndarray:
    """A piece of a photograph, turned, mirrored, brighter or darker: float32."""
    texture = textures[int(chance[0] * len(textures))]
    y = int(chance[1] * (texture.shape[0] - size + 1))
    x = int(chance[2] * (texture.shape[1] - size + 1))
    piece = texture[y : y + size, x : x + size]
    turn = int(chance[3] * 8)
    piece = np.rot90(piece[:, ::-1] if turn >= 4 else piece, turn % 4)
    return piece * np.float32(0.25 + 0.5 * chance[4])


def compose(
    made_of: Pieces, size: int, index: int, chance: Float64[np.ndarray, " d"]
) -> tuple[UInt8[np.ndarray, "{size} {size} 3"], UInt8[np.ndarray, "{size} {size}"]]:
    """Picture number `index` and the class of each of its pixels (0: background).

    An item's edge is blended; the pixel is the item's where it is half covered.
    """
    picture = _ground(made_of.textures, size, chance)
    classes = np.zeros((size, size), np.uint8)
    for k in range(1 + sum(bool(chance[5] >= limit) for limit in COUNTS)):
        c = chance[6 + k * _PER_ITEM :]
        which = index if k == 0 else int(c[0] * len(made_of.items))
        side = round(size * (SCALES[0] + (SCALES[1] - SCALES[0]) * c[1]))
        mirrored = bool(c[2] < 0.5)
        item = _enlarged(made_of.items[which], side, mirrored)
        cover = _enlarged(made_of.shapes[which], side, mirrored)
        inside = cover >= 128
        tint = colorsys.hsv_to_rgb(c[3], 0.5 * c[4], 0.75 + 0.25 * c[5])
        places = c[6 : 6 + 2 * PLACES].reshape(PLACES, 2) * (size - side + 1)
        places = places.astype(int)
        hidden = [
            np.count_nonzero(classes[y : y + side, x : x + side][inside])
            for y, x in (places if k else places[:1])
        ]
        y, x = places[int(np.argmin(hidden))]
        here = np.s_[y : y + side, x : x + side]
        shade = 30 + item.astype(np.float32) * np.float32(225 / 255)
        colours = shade[..., None] * np.array(tint, np.float32)
        alpha = cover.astype(np.float32)[..., None] / 255
        picture[here] += alpha * (colours - picture[here])
        classes[here][inside] = made_of.labels[which]
    return np.clip(np.rint(picture), 0, 255).astype(np.uint8), classes


def _enlarged(tile: np.ndarray, side: int, mirrored: bool) -> np.ndarray:
    big = Image.fromarray(tile).resize((side, side), Image.Resampling.BILINEAR)
    pixels = np.asarray(big)
    return pixels[:, ::-1] if mirrored else pixels


def composed(name: str, split: str, options: Options, coarse: bool = False) -> Dataset:
    """Pictures of `image_size` (64), RGB or grey; new ones in every epoch, in
    evaluation always the same. (The items are mirrored whatever `flip` says.)
    `coarse` has the seven KINDS for classes, else there are the ten of Fashion-MNIST.
    """
    transform.check(options.image_size, options.channels, options.crop)
    size = options.image_size or SIZE
    if size < SMALLEST:
        raise UserError(f"image_size of {name} must be at least {SMALLEST}, not {size}")
    made_of = pieces(split, size, options.validation)
    names = ("background", *(KINDS if coarse else CLASSES))
    if coarse:
        kinds = [names.index(_KIND_OF.get(label, label)) for label in CLASSES]
        made_of = made_of._replace(labels=np.array([0, *kinds])[made_of.labels])

    def examples(indices: np.ndarray, chance: np.ndarray | None) -> dict:
        fixed = (
            draws.uniform(TEST_SEED, 1, indices, DRAWS) if chance is None else chance
        )
        made = [
            compose(made_of, size, index, c)
            for index, c in zip(indices.tolist(), fixed, strict=True)
        ]
        images = np.stack([image for image, _ in made])
        if options.channels == 1:
            weights = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601
            images = np.rint(images @ weights).astype(np.uint8)[..., None]
        classes = np.stack([mask for _, mask in made]).astype(np.int32)
        return {"image": images, "segmentation": classes}

    return dataset(
        name,
        split,
        len(made_of.items),
        (size, size, options.channels or 3),
        examples,
        len(names),
        names,
        identity={"name": name, "version": VERSION},
    )
