"""Any TFDS image set, prepared without TensorFlow by a builder made here."""

import io
import subprocess
from itertools import islice
from types import SimpleNamespace
from unittest.mock import create_autospec

import numpy as np
import pytest
import tensorflow_datasets as tfds_library
from PIL import Image

from deconvgen.core.errors import UnknownName, UserError
from deconvgen.data import load
from deconvgen.data import tfds as prepared


def png(pixels):
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


class TinyPets(tfds_library.core.GeneratorBasedBuilder):
    """RGB images of odd sizes under another name, without a test set."""

    VERSION = tfds_library.core.Version("2.1.0")

    def _info(self):
        features = tfds_library.features
        return tfds_library.core.DatasetInfo(
            builder=self,
            description="for the tests",
            features=features.FeaturesDict(
                {
                    "photo": features.Image(encoding_format="png"),
                    "thumbnail": features.Image(encoding_format="png"),
                    "species": features.ClassLabel(names=["cat", "dog", "owl"]),
                    "name": features.Text(),
                }
            ),
        )

    def _split_generators(self, dl_manager):
        return {"train": self._generate_examples()}

    def _generate_examples(self):
        generator = np.random.default_rng(0)
        for i in range(40):
            size = (9 + i % 4, 11 + i % 3, 3)
            pixels = generator.integers(0, 256, size, dtype=np.uint8)
            yield (
                i,
                {
                    "photo": png(pixels),
                    "thumbnail": png(pixels[:2, :2]),
                    "species": i % 3,
                    "name": f"pet {i}",
                },
            )


class TinyMasks(tfds_library.core.GeneratorBasedBuilder):
    """Images with masks, and a validation set for a test set."""

    VERSION = tfds_library.core.Version("1.0.0")

    def _info(self):
        features = tfds_library.features
        image = features.Image(shape=(8, 8, 3), encoding_format="png")
        mask = features.Image(shape=(8, 8, 1), encoding_format="png")
        return tfds_library.core.DatasetInfo(
            builder=self,
            description="for the tests",
            features=features.FeaturesDict(
                {
                    "image": image,
                    "segmentation_mask": mask,
                    "label": features.ClassLabel(num_classes=7),
                }
            ),
        )

    def _split_generators(self, dl_manager):
        return {
            "train": self._generate_examples(12),
            "validation": self._generate_examples(5),
        }

    def _generate_examples(self, count):
        for i in range(count):
            mask = np.full((8, 8), i % 4, np.uint8)
            image = np.repeat(mask[..., None] * 60, 3, -1)
            yield i, {"image": png(image), "segmentation_mask": png(mask), "label": 0}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("prepared")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TFDS_DATA_DIR", str(folder))
        for builder in (TinyPets, TinyMasks):
            made = builder(data_dir=folder, file_format="array_record")
            made.download_and_prepare()
    return folder


@pytest.fixture(autouse=True)
def environment(folder, monkeypatch):
    monkeypatch.setenv("TFDS_DATA_DIR", str(folder))


@pytest.mark.parametrize("name", ["tiny_pets", "tiny_pets:2.1.0"])
def test_a_prepared_set_by_its_name(name):
    train, test = (load(name, s, image_size=8, channels=1) for s in ("train", "test"))
    assert (train.num_examples, test.num_examples) == (36, 4)
    assert train.image_shape == (8, 8, 1) and train.class_names == ("cat", "dog", "owl")
    batch = next(train.train_batches(0, 16))
    assert batch["image"].shape == (16, 8, 8, 1) and set(batch["label"]) == {0, 1, 2}


def test_validation_images_are_their_own_or_taken_from_training():
    size = lambda name, s: (
        load(name, s, image_size=8, channels=1, validation=0.1).num_examples
    )
    splits = ("train", "validation", "test")
    assert [size("tiny_pets", s) for s in splits] == [32, 4, 4]
    # Its only other images are those of a split "validation", which stay for testing.
    assert [size("tiny_masks", s) for s in splits] == [11, 1, 5]
    three = create_autospec(tfds_library.core.DatasetBuilder, instance=True)
    three.info = SimpleNamespace(splits=dict.fromkeys(splits))
    assert [prepared._split(three, s) for s in splits] == list(splits)


def test_streaming_gives_the_same_batches():
    kept, streamed = (
        load("tiny_pets", image_size=8, crop="random", flip=True, memory=memory)
        for memory in (2**20, 0)
    )
    pairs = zip(kept.train_batches(0, 8, 3), streamed.train_batches(0, 8, 3))
    for a, b in islice(pairs, 6):
        assert all(np.array_equal(a[key], b[key]) for key in a)


def test_masks_come_with_their_images():
    train = load("tiny_masks", num_classes=4)
    test = load("tiny_masks", "test", num_classes=4)
    assert (train.num_examples, test.num_examples) == (12, 5)
    assert train.num_classes == 4
    batch = next(train.train_batches(0, 6))
    grey = np.rint((batch["image"][..., 0] + 1) * 127.5) / 60
    assert np.array_equal(grey.astype(int), batch["segmentation"])
    assert "label" not in batch


def test_masks_are_counted_where_nobody_says():
    assert load("tiny_masks").num_classes == 4


def test_different_sizes_need_a_size():
    with pytest.raises(UserError, match="set image_size"):
        load("tiny_pets")


@pytest.fixture
def no_preparing(monkeypatch):
    """Whether TensorFlow seems installed; that nothing is downloaded by mistake."""

    def run(*args, **kwargs):
        raise AssertionError("a download was attempted")

    monkeypatch.setattr(subprocess, "run", run)
    return lambda there: monkeypatch.setattr(
        prepared.importlib.util, "find_spec", lambda name: there or None
    )


def test_what_is_not_prepared_says_what_to_run(no_preparing, folder):
    no_preparing(False)
    with pytest.raises(UserError) as error:
        load("mnist")
    said = str(error.value)
    assert "deconvgen[prepare]" in said and "tfds build mnist" in said
    assert str(folder) in said and "\n" not in said


def test_with_tensorflow_another_process_prepares_it(no_preparing, monkeypatch, caplog):
    no_preparing(True)
    calls = []

    def run(command, **kwargs):
        calls.append(command)
        return subprocess.CompletedProcess(command, 1, stderr=b"a\nno network\n")

    monkeypatch.setattr(subprocess, "run", run)
    with pytest.raises(UserError, match="mnist could not be prepared: no network"):
        load("mnist")
    assert "mnist" in calls[0] and "downloading" in caplog.text


@pytest.mark.parametrize(
    "name, near",
    [
        ("fashon_mnist", "fashion_mnist"),
        ("cifar_10", "cifar10"),
        ("photo", "photos"),
        ("clothes_on_texture", "clothes_on_textures"),
    ],
)
def test_a_misspelt_name_gets_its_near_match(no_preparing, name, near):
    no_preparing(False)
    with pytest.raises(UnknownName, match=f"unknown dataset '{name}'.*'{near}'"):
        load(name)


def test_a_set_that_cannot_be_read_at_random_is_told(tmp_path, monkeypatch, folder):
    info = folder / "tiny_pets" / "2.1.0" / "dataset_info.json"
    text = info.read_text()
    try:
        info.write_text(text.replace("array_record", "tfrecord"))
        with pytest.raises(UserError, match=r"stored as tfrecord.*array_record"):
            load("tiny_pets", image_size=8)
    finally:
        info.write_text(text)


def test_damaged_records_are_told(folder):
    (records,) = (folder / "tiny_pets" / "2.1.0").glob("*array_record*")
    good = records.read_bytes()
    try:
        middle = len(good) // 2
        flipped = bytes([good[middle] ^ 255])
        records.write_bytes(good[:middle] + flipped + good[middle + 1 :])
        with pytest.raises(UserError, match=r"is damaged .*remove that folder"):
            load("tiny_pets", image_size=8)
    finally:
        records.write_bytes(good)
