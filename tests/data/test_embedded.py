"""The files in the package: unharmed, licensed, and what they are said to be."""

import hashlib
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import deconvgen.data
from deconvgen.data import fashion, load, photographs
from deconvgen.data.records import Options, _fits, from_source

EMBEDDED = Path(deconvgen.data.__file__).parent / "embedded"
CHECKSUMS = {
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
    files = [p for p in EMBEDDED.rglob("*") if p.suffix in {".png", ".jpg"}]
    found = {
        p.relative_to(EMBEDDED).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in files
    }
    assert {name: digest[:16] for name, digest in found.items()} == CHECKSUMS


def test_every_file_has_its_licence():
    clothing = (EMBEDDED / "FASHION_MNIST_LICENSE.txt").read_text()
    pictures = (EMBEDDED / "PHOTOGRAPHS_LICENSE.txt").read_text()
    assert "The MIT License" in clothing and "2017 Zalando SE" in clothing
    for name in CHECKSUMS:
        file = name.rpartition("/")[2]
        if "/" not in name:
            assert file in clothing
            continue
        entry = re.search(rf"^{file}\n((?:    .*\n)+)", pictures, re.MULTILINE)
        terms = " ".join(entry[1].split()).lower()
        free = ("cc0", "public domain", "commons attribution 2.0")
        assert any(term in terms for term in free), file


def test_the_subset_is_balanced():
    for split, each in (("train", 1000), ("test", 200)):
        data = load("fashion_mnist_small", split)
        assert data.num_examples == 10 * each and data.image_shape == (28, 28, 1)
        assert data.num_classes == 10 and data.class_names == fashion.CLASSES
        labels = [batch["label"] for batch in data.eval_batches(500)]
        assert np.bincount(np.concatenate(labels)).tolist() == [each] * 10


def test_what_is_read_is_what_was_embedded():
    stored = fashion.embedded("test")
    data = load("fashion_mnist_small", "test")
    pixels, labels = [], []
    for batch in data.eval_batches(500):
        pixels.append(np.rint((batch["image"][..., 0] + 1) * 127.5).astype(np.uint8))
        labels.append(batch["label"])
    read = dict(zip(map(bytes, np.concatenate(pixels)), np.concatenate(labels)))
    assert read == {bytes(im): i // 200 for i, im in enumerate(stored)}


def test_no_test_image_is_a_training_image():
    train, test = ({bytes(i) for i in fashion.embedded(s)} for s in ("train", "test"))
    assert len(train) == 10_000 and len(test) == 2_000 and not train & test


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
