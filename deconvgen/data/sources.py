"""Data sets by name: one decorated function each."""

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from deconvgen.core.errors import UserError
from deconvgen.core.registry import Registry
from deconvgen.data import avatars as faces
from deconvgen.data import fashion, held_out
from deconvgen.data import folder as folders
from deconvgen.data.classes import IGNORE
from deconvgen.data.clusters import SIZES, Clusters
from deconvgen.data.clusters import find as clusters_of
from deconvgen.data.photos import patches as photo_patches
from deconvgen.data.pipeline import Dataset
from deconvgen.data.records import MEMORY, Options, from_source

datasets: Registry[Callable[[str, Options], Dataset]] = Registry("dataset")
SPLITS = ("train", "validation", "test")


@datasets.register
def fashion_mnist_small(split: str, options: Options) -> Dataset:
    """Clothing, 10,000 + 2,000 images, 28 x 28 grey, 10 classes; in the package.

    For validation, the same share of the training images of every class.
    """
    return _shipped(fashion.NAME, split, options)


@datasets.register
def avatars(split: str, options: Options) -> Dataset:
    """Drawn faces, 6,000 + 1,000 images, 64 x 64 RGB, 10 kinds of hair; in the package.

    For validation, the same share of the training images of every class.
    """
    return _shipped("avatars", split, options)


@datasets.register
def avatars_eyes(split: str, options: Options) -> Dataset:
    """The same faces with 6 kinds of eyes for classes: open, shut, glasses, ..."""
    return _shipped("avatars_eyes", split, options)


@datasets.register
def avatars_mouth(split: str, options: Options) -> Dataset:
    """The same faces with 6 kinds of mouths for classes."""
    return _shipped("avatars_mouth", split, options)


@datasets.register
def avatars_skin(split: str, options: Options) -> Dataset:
    """The same faces with 2 kinds of skin for classes: light and dark."""
    return _shipped("avatars_skin", split, options)


@lru_cache(maxsize=6)  # their splits never change
def _shipped(name: str, split: str, options: Options) -> Dataset:
    part = "test" if split == "test" else "train"
    if name == fashion.NAME:
        source = fashion.source(part)
    else:
        source = faces.source(name, part, name.partition("_")[2] or "hair")
    if options.validation and split != "test":
        source = held_out.carved(source, split, options.validation, balanced=True)
    return from_source(name, split, source, options)


@datasets.register
def photos(split: str, options: Options) -> Dataset:
    """Patches of 7 + 4 photographs in the package, or of those in a folder.

    For validation, two of the 7 in the package whatever the share.
    """
    return photo_patches("photos", split, options)


@datasets.register
def clothes_on_textures(split: str, options: Options) -> Dataset:
    """Clothing composed over photographs, 64 x 64 RGB, with exact pixel classes."""
    from deconvgen.data import clothes

    return clothes.composed("clothes_on_textures", split, options)


@datasets.register
def clothes_on_textures_coarse(split: str, options: Options) -> Dataset:
    """The same pictures with 7 kinds of clothing for classes: where more than what."""
    from deconvgen.data import clothes

    return clothes.composed("clothes_on_textures_coarse", split, options, coarse=True)


@datasets.register
def folder(split: str, options: Options) -> Dataset:
    """Your own images, below data.folder: classes by subfolder, or images/ + masks/."""
    if not options.folder:
        raise UserError("the data set 'folder' needs data.folder=DIR, your images")
    where = Path(options.folder).expanduser()
    if options.patches:
        return photo_patches(where.name, split, options)
    source = folders.source(where, split, options.validation)
    return from_source(where.name or str(where), split, source, options)


def load(
    name: str,
    split: str = "train",
    *,
    folder: str = "",
    image_size: int = 0,
    channels: int = 0,
    crop: str = "center",
    flip: bool = False,
    patches: bool = False,
    num_classes: int = 0,
    ignore_label: int = IGNORE,
    mask_values: tuple[int, ...] = (),
    validation: float = 0.0,
    memory: int = MEMORY,
    clusters: int = 0,
) -> Dataset:
    """The split "train", "validation" or "test" of a data set.

    Args:
      name: one of `datasets`, or any TFDS image set ("cifar10", "name/config").
      folder: a folder of the user's own images, which then take the place of `name`.
      image_size: side of the square images; 0 for as stored.
      channels: 1 (grey), 3 (RGB), or 0 for as stored.
      crop: "center", "random" or "stretch", see `transform.CROPS`.
      flip: mirror half of the training images (patches are turned as well).
      patches: cut patches of `image_size` out of the folder's images, unscaled; goes
        without saying where `name` is "photos".
      num_classes: how many there are; 0: as many as the data have.
      ignore_label: the value of masks' pixels that do not count; -1: there is none.
      mask_values: the value of each class in the masks, (0, 255) for two classes;
        (): 0, 1, 2, ..., and masks of 0 and 255 alone have two classes.
      validation: above 0, there are validation images: those that the data set has
        for that, else this share of its training images, which lose them (below 1). 0:
        there are none, and the training images are all there.
      memory: bytes of pixels up to which a split is decoded once and kept.
      clusters: above 0, the class of an image is the nearest of so many clusters of
        the training images, see `deconvgen.data.clusters`; 0: the class it has.

    Raises:
      UserError: an unknown name or split, a missing or empty folder, data that are not
        prepared, or settings that do not fit them; says what to do.

    >>> load("fashion_mnist_small", "test").class_names[:2]
    ('T-shirt', 'trouser')
    """
    if split not in SPLITS:
        raise UserError(f"unknown split {split!r} (there is: {', '.join(SPLITS)})")
    if not 0 <= validation < 1:
        raise UserError(f"data.validation should lie in [0, 1), not {validation}")
    if clusters < 0:
        raise UserError(f"data.clusters should be 0 or more, not {clusters}")
    if split == "validation" and not validation:
        raise UserError(
            "there are no validation images: data.validation is 0 (0.1 holds a tenth "
            "of the training images out)"
        )
    options = Options(
        folder=folder,
        image_size=image_size,
        channels=channels,
        crop=crop,
        flip=flip,
        patches=patches or name == "photos",
        num_classes=0 if clusters else num_classes,
        ignore_label=ignore_label,
        mask_values=tuple(mask_values),
        validation=validation,
        memory=memory,
    )
    if clusters:
        options = options._replace(clusters=_clusters(name, clusters, options))
    found = _load(name, split, options)
    if clusters and SIZES not in found.identity:
        raise _unfit(found)
    if num_classes and found.num_classes != num_classes:
        raise UserError(
            f"{found.name} has {found.num_classes or 'no'} classes, data.num_classes "
            f"says {num_classes}"
        )
    return found


def _clusters(name: str, count: int, options: Options) -> Clusters:
    """Of the training images as they are kept."""
    train = _load(name, "train", options._replace(clusters=count))
    arrays = train.resident().arrays if train.resident else {}
    if not arrays or "segmentation" in arrays:
        raise _unfit(train)
    return clusters_of(arrays["image"], count)


def _unfit(data: Dataset) -> UserError:
    return UserError(
        "data.clusters is for images that fit in memory and have no masks, which is "
        f"not so for {data.name} ({data.split}); --config=gan is told no classes"
    )


def _load(name: str, split: str, options: Options) -> Dataset:
    folder = options.folder
    if folder:
        if name.startswith("clothes_on_textures") and not folders.has_masks(
            Path(folder)
        ):
            raise UserError(
                f"segmentation needs the subfolders images and masks in {folder}"
            )
        return datasets["folder"](split, options)
    if name in datasets:
        return datasets[name](split, options)
    from deconvgen.data import tfds as prepared  # TFDS takes a moment to import

    builder = prepared.find(name, datasets)
    source = prepared.source(builder, split, options.validation)
    return from_source(name, split, source, options)
