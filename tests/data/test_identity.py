"""What a data set is, as runs keep it: the same data, and only they, give that dict."""

import json
import os
import shutil

import numpy as np

from deconvgen.data import load, summary
from deconvgen.data.pipeline import dataset

SPLITS = ("train", "test")


def identity(folder, **settings):
    found = load("x", folder=str(folder), image_size=8, **settings).identity
    assert json.loads(json.dumps(found)) == found
    return found


def test_a_folder_is_its_place_and_its_files(pictures, monkeypatch, paint):
    here = identity(pictures)
    assert here["folder"] == str(pictures) and here["classes"] == ["cats", "dogs"]
    assert here["images"] == load("x", folder=str(pictures), image_size=8).num_examples
    monkeypatch.chdir(pictures.parent)
    assert identity("pets") == identity("./pets/../pets") == here
    os.utime(next(pictures.rglob("*.png")))
    (pictures / "notes.txt").write_text("no picture")
    assert identity(pictures) == here


def test_other_files_are_other_data(pictures, paint):
    """AlexeyAB/darknet#5300: images were added, and the training went on."""
    seen = [identity(pictures)["sha256"]]
    paint(pictures / "cats" / "more.png", seed=99)
    seen.append(identity(pictures)["sha256"])
    (pictures / "cats" / "more.png").rename(pictures / "cats" / "other.png")
    seen.append(identity(pictures)["sha256"])
    paint(pictures / "cats" / "other.png", 30, 30, seed=98)
    seen.append(identity(pictures)["sha256"])
    (pictures / "cats" / "other.png").unlink()
    assert len(set(seen)) == 4 and identity(pictures)["sha256"] == seen[0]


def test_a_folder_of_the_same_name_elsewhere_is_another(pictures, tmp_path):
    """facebookresearch/hydra#922: a relative path that means another folder later."""
    shutil.copytree(pictures, tmp_path / "copy" / "pets")
    a, b = identity(pictures), identity(tmp_path / "copy" / "pets")
    assert a["folder"] != b["folder"] and a["sha256"] == b["sha256"]


def test_named_sets_have_a_version():
    assert load("fashion_mnist_small", "test").identity == {
        "name": "fashion_mnist_small",
        "version": "1.0.0",
        "images": 2000,
        "classes": list(load("fashion_mnist_small", "test").class_names),
    }
    for name in ("photos", "clothes_on_textures_coarse"):
        made = load(name, "test", image_size=64)
        assert made.identity["name"] == name and made.identity["version"] == "1.0.0"
        assert made.identity["images"] == made.num_examples


def test_a_run_says_what_its_data_are(pictures, tmp_path, paint):
    """mseitzer/pytorch-fid#78: nan for 12 images, of which one was the test set."""
    (pictures / "a.txt").write_text("")
    train, test = (load("x", s, folder=str(pictures), image_size=8) for s in SPLITS)
    n, k = train.num_examples, test.num_examples
    assert summary(train, test) == [
        f"{n} images, 2 classes: cats, dogs (test: {k})",
        "left out: 1 .txt",
        f"the test set has {k} images, of which figures say little",
    ]
    for i in range(2):
        paint(tmp_path / "two" / f"{i}.png")
    train, test = (load("x", s, folder=str(tmp_path / "two")) for s in SPLITS)
    assert summary(train, test)[0] == "1 images, no classes (test: 1)"
    assert "has 1 image," in summary(train, test)[-1]


def test_many_classes_are_cut_short():
    names = tuple(f"k{i}" for i in range(300))
    empty = lambda indices, chance: {"image": np.zeros((1, 2, 2, 1), np.uint8)}
    many = dataset("x", "train", 12345, (2, 2, 1), empty, 300, names)
    (line,) = summary(many, many)
    assert line.startswith("12,345 images, 300 classes: k0, k1,") and "..." in line
    assert len(line) < 120
