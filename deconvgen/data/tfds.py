"""TFDS data sets that lie prepared on the disk, read without TensorFlow."""

import contextlib
import importlib.util
import logging
import os
import subprocess
import sys
from collections.abc import Iterable, Sequence
from typing import Any

import tensorflow_datasets as tfds
from tensorflow_datasets.core import read_only_builder, registered

from deconvgen.core.errors import UnknownName, UserError, near_match
from deconvgen.data import classes, held_out
from deconvgen.data.records import Source, mask_name, picture

# Masks of data sets whose classes do not count from 0, or have names that TFDS omits.
MASK_CLASSES = {"oxford_iiit_pet": ("pet", "background", "border")}
MASK_VALUES = {"oxford_iiit_pet": (1, 2, 3)}

log = logging.getLogger(__name__)


def data_dir() -> tfds.core.Path:
    """The user's TFDS folder: $TFDS_DATA_DIR, or ~/tensorflow_datasets."""
    given = os.environ.get("TFDS_DATA_DIR") or "~/tensorflow_datasets"
    return tfds.core.Path(given).expanduser()


def find(name: str, ours: Iterable[str]) -> tfds.core.DatasetBuilder:
    """The prepared TFDS data set `name` ("name", "name/config", "name:version").

    Where it is missing and TensorFlow is installed, it is downloaded and prepared by a
    process of its own; without TensorFlow the UserError says what to run. A name that
    TFDS does not know gets the near match among TFDS's and `ours`.
    """
    folder = data_dir()
    missing = (registered.DatasetNotFoundError, ValueError)  # no such name
    with contextlib.suppress(*missing):
        return _random_access(
            read_only_builder.builder_from_files(name, data_dir=folder)
        )
    stem = name.split("/")[0].split(":")[0]
    known = tfds.list_builders(with_community_datasets=False)
    if stem not in known:
        raise UnknownName(
            f"unknown dataset {name!r}{near_match(stem, [*ours, *known])} (there is: "
            f"{', '.join(ours)}, and every image set of TFDS by its name)"
        )
    if importlib.util.find_spec("tensorflow") is None:
        raise UserError(
            f"the data set {name} is not prepared in {folder}: run `pip install "
            f"'deconvgen[prepare]'` and then `tfds build {name} "
            f"--file_format=array_record --data_dir={folder}`"
        )
    log.warning("downloading and preparing the data set %s in %s ...", name, folder)
    program = (
        "import sys, tensorflow_datasets as tfds; name, folder = sys.argv[1:]; "
        "tfds.builder(name, data_dir=folder, file_format='array_record')"
        ".download_and_prepare()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, name, str(folder)], stderr=subprocess.PIPE
    )
    if done.returncode:
        lines = done.stderr.decode(errors="replace").strip().splitlines() or ["?"]
        raise UserError(f"the data set {name} could not be prepared: {lines[-1]}")
    return _random_access(read_only_builder.builder_from_files(name, data_dir=folder))


def _random_access(builder: tfds.core.DatasetBuilder) -> tfds.core.DatasetBuilder:
    formats = builder.info.available_file_formats()
    if not formats & set(tfds.core.FileFormat.with_random_access()):
        found = ", ".join(sorted(f.value for f in formats))
        raise UserError(
            f"the data set in {builder.data_dir} is stored as {found}, which cannot be "
            "read at random: remove that folder and prepare it again with "
            "file_format=array_record"
        )
    return builder


def _split(builder: tfds.core.DatasetBuilder, split: str) -> str:
    """TFDS's name for our split; what has no test set gives a tenth."""
    splits = builder.info.splits
    if "train" not in splits:
        raise UserError(
            f"the data set {builder.name} has no split 'train' (it has: "
            f"{', '.join(splits)})"
        )
    tested = next((s for s in ("test", "validation") if s in splits), None)
    if split == "test":
        return tested or "train[90%:]"
    if split == "validation" and has_validation(builder):
        return "validation"
    return "train" if tested else "train[:90%]"


def has_validation(builder: tfds.core.DatasetBuilder) -> bool:
    """Whether there are validation images beside test images."""
    return {"validation", "test"} <= builder.info.splits.keys()


def source(
    builder: tfds.core.DatasetBuilder, split: str, validation: float = 0.0
) -> Source:
    """The records of a split; `validation` is as `deconvgen.data.load` has it."""
    found = _source(builder, split)
    if not validation or split == "test" or has_validation(builder):
        return found
    return held_out.carved(found, split, validation)


def _source(builder: tfds.core.DatasetBuilder, split: str) -> Source:
    """The records of a split, decoded by PIL.

    Where there are masks and their classes have no names, all of the training set's
    are read, to know which numbers there are.
    """
    features: Any = builder.info.features  # a FeaturesDict
    image = _first(features, tfds.features.Image, "image", but="segmentation_mask")
    label = _first(features, tfds.features.ClassLabel, "label")
    mask = "segmentation_mask" if "segmentation_mask" in features else ""
    if not image:
        raise UserError(
            f"the data set {builder.name} has no images (its features: "
            f"{', '.join(features)})"
        )
    skip = {
        key: tfds.decode.SkipDecoding()
        for key, feature in features.items()
        if isinstance(feature, tfds.features.Image)
    }
    with _undamaged(builder):
        reader: Any = builder  # TFDS's decorators hide the arguments from checkers
        records = reader.as_data_source(_split(builder, split), decoders=skip)
        length = len(records)

    def read(indices: Sequence[int]) -> list[dict[str, Any]]:
        with _undamaged(builder):
            found = records.__getitems__(list(indices))
        out: list[dict[str, Any]] = [{"image": record[image]} for record in found]
        for new, record in zip(out, found, strict=True):
            if mask:
                new["segmentation"] = record[mask]
            elif label:
                new["label"] = record[label]
        return out

    names = tuple(features[label].names) if label and not mask else ()
    if mask:
        names = MASK_CLASSES.get(builder.name, ())
        names = names or tuple(getattr(features[mask], "names", None) or ())

    def survey() -> classes.Found:
        if names:
            return {}
        train = _source(builder, "train")
        return classes.survey(
            (
                mask_name(None, train.describe(i)),
                picture(train.read([i])[0]["segmentation"]),
            )
            for i in range(train.length)
        )

    full = builder.info.full_name  # name/config/version
    return Source(
        length,
        read,
        lambda index: f"number {index} of {builder.name} ({split})",
        len(names),
        names,
        MASK_VALUES.get(builder.name, ()) if mask else (),
        survey if mask else None,
        {"name": full.rpartition("/")[0], "version": str(builder.version)},
    )


@contextlib.contextmanager
def _undamaged(builder: tfds.core.DatasetBuilder):
    """array_record has checksums, and says RuntimeError where they do not hold."""
    try:
        yield
    except RuntimeError as error:
        raise _damaged(builder.data_dir, error) from None


def _damaged(folder: Any, error: Exception) -> UserError:
    why = (str(error) or type(error).__name__).splitlines()[0]
    return UserError(
        f"the prepared data set in {folder} is damaged ({why}): remove that folder, "
        "and it is prepared again"
    )


def _first(features, kind: type, name: str, but: str = "") -> str:
    """`name` where it is a feature of this kind, else the first that is, else "".

    The first of the alphabet: TFDS has no order of its own when it reads features back.
    """
    found = sorted(k for k, f in features.items() if isinstance(f, kind) and k != but)
    return name if name in found else next(iter(found), "")
