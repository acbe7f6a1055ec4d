"""The files in the package: unharmed, licensed, and what they are said to be."""

import hashlib
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import deconvgen.data
from deconvgen.data import avatars, fashion, load, mosaics, photographs
from deconvgen.data.records import Options, _fits, from_source

EMBEDDED = Path(deconvgen.data.__file__).parent / "embedded"
CHECKSUMS = {
    "avatars_test.csv": "30ed175c20ee8a7e",
    "avatars_test.webp": "bf8db1c8f03a10c0",
    "avatars_train.csv": "aedf0263ac1954b5",
    "avatars_train.webp": "082f5c368aa07016",
    "fashion_mnist_test.png": "9305dcaf31074331",
    "fashion_mnist_train.png": "feb69a461d497dfc",
    "photographs/astronaut.png": "88431cd9653ccd53",
    "photographs/brick.png": "7966caf324f6ba84",
    "photographs/camera.png": "b0793d2adda0fa6a",
    "photographs/chelsea.png": "596aa1e7cb875eb7",
    "photographs/china.jpg": "8378025ad2519d64",
    "photographs/coffee.png": "cc02f8ca188b167c",
    "photographs/flower.jpg": "a77f6ec41e353afd",
    "photographs/grass.png": "b6b6022426b38936",
    "photographs/gravel.png": "c48615b451bf1e60",
    "photographs/hubble_deep_field.jpg": "3a19c5dd8a927a93",
    "photographs/rocket.jpg": "c2dd0de7c538df8d",
}


def test_the_files_are_unharmed():
    files = [p for p in EMBEDDED.rglob("*") if p.suffix != ".txt" and p.is_file()]
    found = {
        p.relative_to(EMBEDDED).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in files
    }
    assert {name: digest[:16] for name, digest in found.items()} == CHECKSUMS


def test_every_file_has_its_licence():
    clothing = (EMBEDDED / "FASHION_MNIST_LICENSE.txt").read_text()
    faces = (EMBEDDED / "AVATARS_LICENSE.txt").read_text()
    pictures = (EMBEDDED / "PHOTOGRAPHS_LICENSE.txt").read_text()
    assert "The MIT License" in clothing and "2017 Zalando SE" in clothing
    assert "Draftbit" in faces and "Attribution 4.0" in faces and "Changes" in faces
    for name in CHECKSUMS:
        file = name.rpartition("/")[2]
        if "/" not in name:
            assert (file in clothing) != (file in faces)
            continue
        entry = re.search(rf"^{file}\n((?:    .*\n)+)", pictures, re.MULTILINE)
        terms = " ".join(entry[1].split()).lower()
        free = ("cc0", "public domain", "commons attribution 2.0")
        assert any(term in terms for term in free), file


@pytest.mark.parametrize(
    "name, shape, classes, each",
    [
        ("fashion_mnist_small", (28, 28, 1), fashion.CLASSES, (1000, 200)),
        ("avatars", (64, 64, 3), avatars.CLASSES["hair"], (600, 100)),
    ],
)
def test_the_subset_is_balanced(name, shape, classes, each):
    for split, count in zip(("train", "test"), each, strict=True):
        data = load(name, split)
        assert data.num_examples == 10 * count and data.image_shape == shape
        assert data.num_classes == 10 and data.class_names == classes
        labels = [batch["label"] for batch in data.eval_batches(500)]
        assert np.bincount(np.concatenate(labels)).tolist() == [count] * 10


@pytest.mark.parametrize("attribute", avatars.CLASSES)
def test_a_face_is_the_same_whatever_its_label_says(attribute):
    """Every value is there, and said of the pictures that it was drawn in."""
    name = "avatars" if attribute == "hair" else f"avatars_{attribute}"
    batch, mixed = (next(load(n, "test").eval_batches(1000)) for n in (name, "avatars"))
    np.testing.assert_array_equal(batch["image"], mixed["image"])
    told = [avatars.CLASSES[attribute][label] for label in batch["label"]]
    assert set(told) == set(avatars.CLASSES[attribute])
    pixels = np.rint((batch["image"] + 1) * 127.5).astype(np.uint8)
    drawn = {bytes(p): t for p, t in zip(pixels, told, strict=True)}
    stored = mosaics.tiles("avatars_test.webp", 64)
    known = [each[attribute] for each in avatars.attributes("test")]
    assert drawn == {bytes(p): t for p, t in zip(stored, known, strict=True)}


def test_what_glasses_are_called_is_darker_around_the_eyes():
    """A figure of the pictures themselves: sunglasses are dark, open eyes are not."""
    stored = mosaics.tiles("avatars_test.webp", 64)[:, 26:36, 20:44].mean((1, 2, 3))
    eyes = np.array([each["eyes"] for each in avatars.attributes("test")])
    assert stored[eyes == "sunglasses"].mean() < stored[eyes == "open"].mean() - 20


def test_what_is_read_is_what_was_embedded():
    stored = fashion.embedded("test")
    data = load("fashion_mnist_small", "test")
    pixels, labels = [], []
    for batch in data.eval_batches(500):
        pixels.append(np.rint((batch["image"][..., 0] + 1) * 127.5).astype(np.uint8))
        labels.append(batch["label"])
    read = dict(zip(map(bytes, np.concatenate(pixels)), np.concatenate(labels)))
    assert read == {bytes(im): i // 200 for i, im in enumerate(stored)}


@pytest.mark.parametrize(
    "images, counts",
    [
        (fashion.embedded, (10_000, 2_000)),
        (lambda split: mosaics.tiles(f"avatars_{split}.webp", 64), (6_000, 1_000)),
    ],
)
def test_no_test_image_is_a_training_image(images, counts):
    train, test = ({bytes(i) for i in images(split)} for split in ("train", "test"))
    assert (len(train), len(test)) == counts and not train & test


def test_the_first_images_of_a_split_are_of_all_classes():
    batch = next(load("fashion_mnist_small", "test").eval_batches(100))
    assert len(np.unique(batch["label"])) == 10


TRAIN = """
import sys
from deconvgen.data import load
batch = next(load("fashion_mnist_small", "test").train_batches(0, 4))
assert batch["image"].shape == (4, 28, 28, 1)
assert not {"tensorflow", "tensorflow_datasets"} & {*sys.modules}
assert "jax" not in sys.modules
"""


def test_embedded_images_need_neither_tfds_nor_a_place_to_write_to(tmp_path):
    environment = {"HOME": str(tmp_path / "none"), "PYTHONPATH": "."}
    root = Path(deconvgen.data.__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", TRAIN],
        env=environment,
        cwd=root,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (0, b"")


@pytest.mark.parametrize("split", ["train", "test"])
def test_embedded_images_come_in_the_order_in_which_tfds_writes_them(split):
    from tensorflow_datasets.core.hashing import Hasher

    key = Hasher(split).hash_key
    assert fashion.order(split, 300) == sorted(range(300), key=key)


@pytest.mark.parametrize("crop", ["center", "random"])
def test_what_is_decoded_already_gives_what_decoding_gives(crop):
    options = Options(image_size=28 if crop == "center" else 24, crop=crop)
    source = fashion.source("test")._replace(length=40)
    decoded = {name: values[:40] for name, values in source.decoded.items()}
    assert _fits(decoded, options) == (crop == "center")
    both = (
        from_source("x", "test", source._replace(decoded=arrays), options)
        for arrays in (decoded, {})
    )
    ours, theirs = (next(data.train_batches(0, 16)) for data in both)
    assert all(np.array_equal(ours[name], theirs[name]) for name in theirs)


def test_photographs_are_whole_and_in_one_split_only():
    train, test = photographs("train"), photographs("test")
    assert not train.keys() & test.keys()
    shipped = {p.name for p in (EMBEDDED / "photographs").iterdir()}
    assert train.keys() | test.keys() == shipped
    assert test["chelsea.png"].shape == (300, 451, 3)
    assert photographs("test", channels=1)["chelsea.png"].shape == (300, 451, 1)
