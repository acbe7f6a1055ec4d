"""A data set of image files or records: decoded once where small, else read ahead."""

import io
import logging
import os
import struct
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from deconvgen.core.errors import UserError
from deconvgen.data import classes, transform
from deconvgen.data.clusters import Clusters
from deconvgen.data.pipeline import Dataset, dataset
from deconvgen.data.resident import on_device

MEMORY = 512 * 2**20
"""Bytes up to which a split is decoded once and kept; above, it is read as it goes."""

BROKEN = (OSError, SyntaxError, struct.error, Image.DecompressionBombError)
"""What PIL raises for a file that is no image, or only the beginning of one."""

NAMED = 20
"""Broken images named one by one; the others are only counted."""

log = logging.getLogger(__name__)


class Options(NamedTuple):
    """What the user may ask of a data set; see `deconvgen.data.load`."""

    folder: str = ""
    image_size: int = 0
    channels: int = 0
    crop: str = "center"
    flip: bool = False
    patches: bool = False
    num_classes: int = 0
    ignore_label: int = classes.IGNORE
    mask_values: tuple[int, ...] = ()
    validation: float = 0.0
    memory: int = MEMORY
    clusters: Clusters | int = 0  # whose numbers are the labels; how many to look for


class Source(NamedTuple):
    """Records at random access.

    `read(indices)` gives each record's `image` as a PIL image, a path, or the bytes of
    a file; maybe an int `label`; and maybe a `segmentation`, its mask likewise.
    """

    length: int
    read: Callable[[Sequence[int]], list[dict[str, Any]]]
    describe: Callable[[int], str]  # the name of a record, for messages
    num_classes: int = 0  # 0: of masks that do not say, else there are none
    class_names: tuple[str, ...] = ()
    mask_values: tuple[int, ...] = ()  # as `classes.Classes` has them
    survey: Callable[[], classes.Found] | None = None  # of all masks, where there are
    identity: dict[str, Any] | None = None  # see `pipeline.dataset`
    notes: tuple[str, ...] = ()
    decoded: dict[str, np.ndarray] = {}  # all `image` [n, h, w, c] and `label`, if so


def seen(file: Image.Image | Path | bytes) -> tuple[Image.Image, int]:
    """A PIL image, a file, or the bytes of one, as `transform.upright` gives it."""
    if isinstance(file, Image.Image):
        return transform.upright(file)
    # Of a path, Pillow (12.3) maps the pixels of a TIFF that lies on its side wrongly.
    with io.BytesIO(file) if isinstance(file, bytes) else file.open("rb") as stream:
        return transform.upright(Image.open(stream))


def picture(file: Image.Image | Path | bytes) -> Image.Image:
    """The upright picture of a PIL image, of a file, or of the bytes of one."""
    return seen(file)[0]


def mask_name(mask: Any, name: str) -> str:
    """What a message calls the mask of the image `name`."""
    return f"the mask {mask}" if isinstance(mask, Path) else f"the mask of {name}"


def _decode(
    record: dict[str, Any], name: str, options: Options, known: classes.Classes
) -> dict:
    size = transform.stored_size(options.image_size, options.crop)
    image, lies = seen(record["image"])
    out = {"image": transform.fit(image, size, options.channels, options.crop)}
    if "label" in record:
        out["label"] = np.asarray(record["label"], np.int32)
    if "segmentation" in record:
        mask, mask_lies = seen(record["segmentation"])
        indices = known.of_mask(mask, mask_name(record["segmentation"], name))
        mask = Image.fromarray(indices)
        mask = transform.aligned(mask, mask_lies, image, lies, name)
        out["segmentation"] = transform.fit_mask(mask, size, options.crop)
    return out


def _stack(examples: Sequence[dict[str, np.ndarray]], name: str) -> dict:
    try:
        return {key: np.stack([e[key] for e in examples]) for key in examples[0]}
    except ValueError:
        shapes = sorted({e["image"].shape for e in examples})
        raise UserError(
            f"the images of {name} differ in shape ({shapes[0]}, {shapes[-1]}, ...): "
            "set image_size and channels"
        ) from None


def _fits(decoded: dict[str, np.ndarray], options: Options) -> bool:
    """Whether `_decode` would leave what is decoded as it is."""
    if not decoded:
        return False
    _, *sides, channels = decoded["image"].shape
    size = transform.stored_size(options.image_size, options.crop)
    same = sides == [size or side for side in sides]
    return same and options.channels in (0, channels)


def _decoder(
    source: Source, options: Options, known: classes.Classes
) -> Callable[[int, dict], dict | None]:
    """decode(i, record): its arrays, or None with a warning where it is broken."""
    reported: set[int] = set()

    def decode(index: int, record: dict[str, Any]) -> dict[str, np.ndarray] | None:
        name = source.describe(index)
        try:
            return _decode(record, name, options, known)
        except BROKEN as error:
            if index not in reported and len(reported) < NAMED:
                reported.add(index)
                log.warning("skipping the broken image %s: %s", name, error)
            return None

    return decode


def from_source(name: str, split: str, source: Source, options: Options) -> Dataset:
    """The records cropped, scaled and augmented as the options say.

    Up to `options.memory` bytes of pixels are decoded now and kept; a larger split is
    read by threads ahead of the training. Both give the same batches. Broken images
    are named in warnings; what is kept leaves them out, and what is read as it goes
    puts the next readable image into their place.
    """
    transform.check(options.image_size, options.channels, options.crop)
    known, notes = _classes(source, options)
    decode = _decoder(source, options, known)

    def records(indices: Sequence[int]) -> list[dict[str, Any]]:
        found = source.read(indices)
        if len(found) != len(indices):
            raise UserError(
                f"{name} ({split}) gave {len(found)} of the {len(indices)} records "
                f"from number {indices[0]} on"
            )
        return found

    def read(index: int) -> dict[str, np.ndarray] | None:
        return decode(index, records([index])[0])

    first = next(filter(None, map(read, range(source.length))), None)
    if first is None:
        raise UserError(f"{name} has no readable image in its split {split!r}")
    pixels = first["image"].nbytes
    small = pixels * source.length <= options.memory
    threads = min(16, 2 * (os.cpu_count() or 1))
    length = source.length
    kept: dict[str, np.ndarray] = {}
    origin: Sequence[int] = range(length)  # where in the source an example is
    if small and _fits(source.decoded, options):
        kept = dict(source.decoded)
    elif small:
        tried: list[dict | None] = []
        with ThreadPoolExecutor(threads) as pool:  # not worth it for thumbnails
            spread = map if pixels < 2**13 else pool.map
            for start in range(0, length, 1000):  # the files are not all kept as well
                indices = range(start, min(start + 1000, length))
                tried += spread(decode, indices, records(indices))
        good = [found for found in tried if found is not None]
        origin = [i for i, found in enumerate(tried) if found is not None]
        if len(good) < length:
            log.warning(
                "%d of the %d images of %s (%s) are broken and were skipped",
                *(length - len(good), length, name, split),
            )
        length = len(good)
        kept = _stack(good, name)
        named = lambda index: source.describe(origin[index])
        if options.clusters:
            kept.pop("label", None)
        classes.check(kept, known.count or None, named)
        if "label" in kept:
            there = np.unique(kept["label"]).tolist()
            names = source.class_names
            notes += classes.absent(known.count, there, "image", names)
    identity, names = source.identity, _names(source, known.count)
    if kept and isinstance(found := options.clusters, Clusters):
        kept["label"] = found.of(kept["image"])
        known, names = classes.Classes(len(found.names)), found.names
        identity = {**(identity or {"name": name}), **found.identity}

    def readable(index: int) -> dict[str, np.ndarray]:
        tries = (read((index + i) % length) for i in range(length))
        found = next(filter(None, tries), None)
        if found is None:
            raise UserError(f"{name} has no readable image left in its split {split!r}")
        return found

    def examples(indices: np.ndarray, chance: np.ndarray | None) -> dict:
        if kept:
            found = {key: values[indices] for key, values in kept.items()}
        else:
            found = _stack([readable(i) for i in indices.tolist()], name)
        for key in found.keys() - {"label"}:
            found[key] = transform.augment(
                found[key], options.image_size, options.flip, chance
            )
        if "segmentation" in found:
            found["segmentation"] = found["segmentation"].astype(np.int32)
        return found

    height, width, channels = first["image"].shape
    resident = lambda: on_device(kept, options.image_size, options.flip)
    shape = (options.image_size or height, options.image_size or width, channels)
    return dataset(
        name,
        split,
        length,
        shape,
        examples,
        known.count or None,
        names,
        threads=0 if small else threads,
        identity=identity,
        notes=[*source.notes, *notes],
        describe=lambda index: source.describe(origin[index]),
    )._replace(resident=resident if kept else None)


def _classes(source: Source, options: Options) -> tuple[classes.Classes, list[str]]:
    """The classes as the user says, or the source, or as its masks show; and notes."""
    count = options.num_classes or source.num_classes
    if source.survey is None:
        if count < source.num_classes:
            raise UserError(
                f"the data have {source.num_classes} classes "
                f"({', '.join(source.class_names[:8])}), data.num_classes says {count}"
            )
        return classes.Classes(count), []
    return classes.decide(
        source.survey(),
        count,
        options.ignore_label,
        options.mask_values or source.mask_values,
    )


def _names(source: Source, count: int) -> tuple[str, ...]:
    """A name for each class, whether or not the source has one."""
    given = source.class_names[:count]
    return (*given, *(f"class {i}" for i in range(len(given), count)))
