"""The files in the package: unharmed, licensed, and what they are said to be."""

import hashlib
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import deconvgen.data
from deconvgen.core.errors import UserError
from deconvgen.data import fashion, load, photographs

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


def test_the_subset_is_balanced(tfds):
    for split, each in (("train", 1000), ("test", 200)):
        data = load("fashion_mnist_small", split)
        assert data.num_examples == 10 * each and data.image_shape == (28, 28, 1)
        assert data.num_classes == 10 and data.class_names == fashion.CLASSES
        labels = [batch["label"] for batch in data.eval_batches(500)]
        assert np.bincount(np.concatenate(labels)).tolist() == [each] * 10


def test_what_is_read_is_what_was_embedded(tfds):
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


def test_the_first_images_of_a_split_are_of_all_classes(tfds):
    batch = next(load("fashion_mnist_small", "test").eval_batches(100))
    assert len(np.unique(batch["label"])) == 10


TRAIN = """
import sys
from deconvgen.data import load
batch = next(load("fashion_mnist_small", "test").train_batches(0, 4))
assert batch["image"].shape == (4, 28, 28, 1)
assert "tensorflow" not in sys.modules
assert "jax" not in sys.modules
"""


def test_two_processes_prepare_at_once_silently_and_without_tensorflow(tmp_path):
    command = [sys.executable, "-c", TRAIN]
    environment = {"TFDS_DATA_DIR": str(tmp_path / "new"), "PYTHONPATH": "."}
    root = Path(deconvgen.data.__file__).parents[2]
    both = [
        subprocess.Popen(
            command, env=environment, cwd=root, stdout=-1, stderr=subprocess.STDOUT
        )
        for _ in range(2)
    ]
    said = [process.communicate(timeout=60)[0].decode() for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert said == ["", ""]
    folder = tmp_path / "new" / "fashion_mnist_small"
    assert [p.name for p in folder.iterdir()] == ["1.0.0"]


def test_an_unwritable_folder_is_told(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "file"))
    with pytest.raises(UserError, match=r"cannot be written to .*file.*TFDS_DATA_DIR"):
        load("fashion_mnist_small")


def test_a_full_or_forbidden_disk_is_told(tmp_path, monkeypatch):
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))

    def forbidden(self, *args, **kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(fashion.FashionMnistSmall, "download_and_prepare", forbidden)
    with pytest.raises(UserError, match=r"Permission denied.*TFDS_DATA_DIR"):
        load("fashion_mnist_small")


@pytest.mark.parametrize("text", [None, "", "{}"])
def test_a_damaged_folder_is_told(tfds, tmp_path, monkeypatch, text):
    shutil.copytree(tfds, tmp_path, dirs_exist_ok=True)
    (info,) = tmp_path.glob("fashion_mnist_small/*/dataset_info.json")
    info.unlink() if text is None else info.write_text(text)
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    with pytest.raises(UserError, match=r"is damaged .* remove that folder"):
        load("fashion_mnist_small", "train")


def test_photographs_are_whole_and_in_one_split_only():
    train, test = photographs("train"), photographs("test")
    assert not train.keys() & test.keys()
    shipped = {p.name for p in (EMBEDDED / "photographs").iterdir()}
    assert train.keys() | test.keys() == shipped
    assert test["chelsea.png"].shape == (300, 451, 3)
    assert photographs("test", channels=1)["chelsea.png"].shape == (300, 451, 1)
