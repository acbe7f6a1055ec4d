"""Clothing over textures: the mask says exactly what was laid where."""

from itertools import islice

import numpy as np
import pytest

from deconvgen.core.errors import UserError
from deconvgen.data import clothes, fashion, load, photographs


@pytest.fixture(scope="module")
def test_set():
    return load("clothes_on_textures", "test")


def test_shapes_and_classes(test_set):
    batch = next(test_set.eval_batches(200))
    assert batch["image"].shape == (200, 64, 64, 3)
    assert batch["segmentation"].shape == (200, 64, 64)
    assert batch["segmentation"].dtype == np.int32
    assert test_set.num_classes == 11 and len(test_set.class_names) == 11
    assert set(np.unique(batch["segmentation"])) == set(range(11))
    share = np.bincount(batch["segmentation"].ravel()) / batch["segmentation"].size
    assert 0.4 < share[0] < 0.8 and share[1:].min() > 0.01


def test_the_coarse_classes_are_unions_of_the_fine_ones(test_set):
    coarse = load("clothes_on_textures_coarse", "test")
    a, b = (next(data.eval_batches(100)) for data in (test_set, coarse))
    assert np.array_equal(a["image"], b["image"])
    tops = {"T-shirt", "pullover", "coat", "shirt"}
    assert coarse.num_classes == 8 == len(coarse.class_names)
    for i, name in enumerate(test_set.class_names):
        kind = b["segmentation"][a["segmentation"] == i]
        tops = {"T-shirt", "pullover", "coat", "shirt"}
        assert {coarse.class_names[k] for k in kind} == {
            "top" if name in tops else name
        }


@pytest.mark.parametrize("index", range(6))
def test_the_mask_is_the_item_and_nothing_else(index):
    """On a black ground with white items, a pixel is bright where the mask says so."""
    made_of = clothes.pieces("test", 64)
    white = made_of._replace(
        items=np.full_like(made_of.items, 255),
        textures=(np.zeros((64, 64, 3), np.uint8),),
    )
    chance = np.random.default_rng(index).random(64)
    chance[5] = 0.0  # one item
    chance[6 + 4] = 0.0  # not tinted
    chance[6 + 5] = np.nextafter(1, 0)
    image, mask = clothes.compose(white, 64, index, chance)
    assert set(np.unique(mask)) == {0, made_of.labels[index]}
    cover = image[..., 0] / 255.0
    assert (cover[mask > 0] >= 0.49).all() and (cover[mask == 0] < 0.51).all()


def test_a_later_item_hides_an_earlier_one():
    made_of = clothes.pieces("test", 64)
    full = made_of._replace(shapes=np.full_like(made_of.shapes, 255))
    chance = np.full(64, 0.0)
    chance[5] = 0.5  # two items
    chance[6 + 14] = 0.75  # the second is another one, in the same corner
    _, mask = clothes.compose(full, 64, 0, chance)
    side = round(64 * clothes.SCALES[0])
    second = made_of.labels[int(0.75 * len(made_of.items))]
    assert (mask[:side, :side] == second).all()
    assert np.count_nonzero(mask) == side * side


def test_items_are_large_enough_to_be_known(test_set):
    batch = next(test_set.eval_batches(100))
    assert round(64 * clothes.SCALES[0]) >= 20
    assert (np.count_nonzero(batch["segmentation"], (1, 2)) > 60).all()


def test_silhouettes_have_no_holes_and_keep_to_the_item():
    items = fashion.embedded("test")
    inside = clothes.silhouettes(items)
    assert (inside | (items <= 15)).all()  # nothing of an item is left outside
    ring = np.zeros((1, 28, 28), np.uint8)
    ring[0, 5:20, 5:20] = 200
    ring[0, 8:15, 8:15] = 0
    filled = clothes.silhouettes(ring)[0]
    assert filled[5:20, 5:20].all() and filled.sum() == 15 * 15
    assert not clothes.silhouettes(np.zeros((1, 28, 28), np.uint8)).any()


def test_splits_share_neither_items_nor_photographs():
    train, test = (clothes.pieces(split, 64) for split in ("train", "test"))
    assert not {bytes(i) for i in train.items} & {bytes(i) for i in test.items}
    for split, made_of in (("train", train), ("test", test)):
        whole = {bytes(p) for p in photographs(split).values()}
        assert whole <= {bytes(np.ascontiguousarray(t)) for t in made_of.textures}
    shared = {bytes(t) for t in train.textures} & {bytes(t) for t in test.textures}
    assert not shared


def test_each_item_leads_one_picture_of_an_epoch():
    made_of = clothes.pieces("test", 64)
    counts = np.bincount(made_of.labels)
    assert counts.tolist() == [0, *[200] * 10]
    stored = {bytes(i): 1 + k // 200 for k, i in enumerate(fashion.embedded("test"))}
    labels = [stored[bytes(item)] for item in made_of.items]
    assert np.array_equal(labels, made_of.labels)


def test_training_pictures_are_pure_and_new_in_every_epoch(test_set):
    whole = list(islice(test_set.train_batches(0, 8), 4))
    (again,) = islice(test_set.train_batches(0, 8, 3), 1)
    assert all(np.array_equal(whole[3][key], again[key]) for key in again)
    epoch = test_set.num_examples // 8
    (later,) = islice(test_set.train_batches(0, 8, epoch), 1)
    assert not np.array_equal(later["image"], whole[0]["image"])
    a, b = (next(test_set.eval_batches(8)) for _ in range(2))
    assert np.array_equal(a["image"], b["image"])


@pytest.mark.parametrize("size, channels", [(32, 3), (96, 1)])
def test_other_sizes_and_grey(size, channels):
    data = load("clothes_on_textures", "test", image_size=size, channels=channels)
    batch = next(data.eval_batches(3))
    assert batch["image"].shape == (3, size, size, channels)
    assert batch["segmentation"].shape == (3, size, size)


def test_a_size_at_which_nothing_could_be_known_is_told():
    with pytest.raises(UserError, match="at least 32, not 16"):
        load("clothes_on_textures", image_size=16)
    with pytest.raises(UserError, match="make image_size smaller"):
        load("clothes_on_textures", image_size=4000)
