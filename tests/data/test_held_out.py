"""Validation images are taken from the training images, and from nothing else."""

import numpy as np
import pytest
from PIL import Image

from deconvgen.core.errors import UserError
from deconvgen.core.images import to_uint8
from deconvgen.data import clothes, fashion, held_out, load, photographs, summary

SPLITS = ("train", "validation", "test")


def three(name="x", **settings):
    return {s: load(name, s, validation=0.1, **settings) for s in SPLITS}


def images(dataset):
    batch = next(dataset.eval_batches(dataset.num_examples))
    return [bytes(image) for image in batch["image"]]


def test_every_label_gives_the_same_share_and_every_place_is_in_one_part():
    labels = np.repeat([3, 1, 2], [100, 50, 10])
    train, held = (held_out.places(labels, s, 0.1) for s in SPLITS[:2])
    assert sorted([*train, *held]) == list(range(160))
    assert np.bincount(labels[held]).tolist() == [0, 5, 1, 10]
    assert held.tolist() == sorted(held)


SHARES = ((2, 0.01), (2, 0.99), (30, 0.001))


@pytest.mark.parametrize(("count", "share"), SHARES)
def test_either_part_has_an_example(count, share):
    sizes = [len(held_out.places(np.zeros(count), s, share)) for s in SPLITS[:2]]
    assert min(sizes) >= 1 and sum(sizes) == count
    with pytest.raises(UserError, match=r"data\.validation=0"):
        held_out.few(1)


def test_fashion_mnist_gives_a_hundred_of_each_class():
    train, held = (load("fashion_mnist_small", s, validation=0.1) for s in SPLITS[:2])
    whole = {bytes(image) for image in fashion.embedded("train")}
    a, b = (next(d.eval_batches(d.num_examples)) for d in (train, held))
    assert np.bincount(a["label"]).tolist() == [900] * 10
    assert np.bincount(b["label"]).tolist() == [100] * 10
    a, b = ({*map(bytes, to_uint8(each["image"][..., 0]))} for each in (a, b))
    assert a | b == whole and len(a) + len(b) == len(whole)
    assert summary(train, held)[0].endswith("(validation: 1,000)")


def test_photographs_are_held_out_whole():
    names = {s: set(photographs(s, validation=0.1)) for s in SPLITS}
    assert [len(names[s]) for s in SPLITS] == [5, 2, 4]
    assert names["train"] | names["validation"] == set(photographs("train"))
    assert names["test"] == set(photographs("test"))
    assert load("photos", "validation", validation=0.1, image_size=64).num_examples


def test_clothes_and_textures_of_validation_are_not_in_training():
    made_of = {s: clothes.pieces(s, 64, 0.1) for s in SPLITS}
    assert [len(made_of[s].items) for s in SPLITS] == [9000, 1000, 2000]
    for a, b in (("train", "validation"), ("validation", "test"), ("train", "test")):
        assert not {*map(bytes, made_of[a].textures)} & {
            *map(bytes, made_of[b].textures)
        }
    train, held = ({*map(bytes, made_of[s].items)} for s in SPLITS[:2])
    assert not train & held and len(train | held) == 10_000
    labels = np.bincount(made_of["validation"].labels)
    assert labels.tolist() == [0] + [100] * 10


def test_a_folder_gives_some_of_its_training_images(pictures, paint):
    given = {"folder": str(pictures), "image_size": 8}
    old = {s: images(load("x", s, **given)) for s in SPLITS[::2]}
    sets = three(**given)
    new = {s: images(d) for s, d in sets.items()}
    assert new["test"] == old["test"] and new["validation"]
    assert sorted(new["train"] + new["validation"]) == sorted(old["train"])
    assert sets["train"].identity["sha256"] == sets["validation"].identity["sha256"]
    paint(pictures / "cats" / "new.png", seed=99)  # moves no other image
    after = set(images(three(**given)["validation"]))
    assert set(new["validation"]) <= after and len(after - set(new["validation"])) <= 1


def test_a_folder_keeps_its_own_validation_images(tmp_path, paint):
    for i in range(6):
        for split in ("train", "val", "test"):
            paint(tmp_path / split / f"{i}.png", seed=10 * i + len(split))
    sets = three(folder=str(tmp_path), image_size=8)
    assert [d.num_examples for d in sets.values()] == [6, 6, 6]
    assert not sets["train"].notes
    old = load("x", folder=str(tmp_path), image_size=8)
    assert "for neither" in old.notes[-1] and old.identity != sets["train"].identity


def test_pairs_keep_theirs_too(tmp_path, paint):
    for i in range(4):
        for split in ("train", "valid", "test"):
            paint(tmp_path / "images" / split / f"{i}.png", seed=i)
            mask = paint(tmp_path / "masks" / split / f"{i}.png", seed=i, mode="L")
            Image.fromarray(mask % 3).save(tmp_path / "masks" / split / f"{i}.png")
    sets = three(folder=str(tmp_path), image_size=8)
    assert [d.num_examples for d in sets.values()] == [4, 4, 4]


def test_without_validation_there_is_no_such_split():
    with pytest.raises(UserError, match=r"data\.validation is 0"):
        load("photos", "validation")
    with pytest.raises(UserError, match=r"lie in \[0, 1\)"):
        load("photos", "train", validation=1.0)
