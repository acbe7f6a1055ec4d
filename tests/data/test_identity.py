"""What a data set is, as runs keep it: the same data, and only they, give that dict."""

import json
import os
import shutil

from deconvgen.data import load


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


def test_named_sets_have_a_version(tfds):
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
