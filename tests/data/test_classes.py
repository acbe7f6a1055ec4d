"""Class numbers where data enter: right, or refused in a sentence that says which."""

import numpy as np
import pytest
from PIL import Image

from deconvgen.core import palette
from deconvgen.core.errors import UserError
from deconvgen.data import classes, load
from deconvgen.data.pipeline import dataset

SIZE = (12, 12)


def pairs(root, *masks):
    """A folder of pairs; a mask is an array, or values that fill its rows in turn."""
    (root / "images").mkdir(parents=True)
    (root / "masks").mkdir()
    for i, mask in enumerate(masks * 4):
        Image.new("L", SIZE).save(root / "images" / f"{i}.png")
        if isinstance(mask, tuple):
            rows = np.resize(np.array(mask, np.uint8), SIZE[0])
            mask = Image.fromarray(np.repeat(rows[:, None], SIZE[1], 1))
        mask.save(root / "masks" / f"{i}.png")
    return str(root)


def values(folder, **settings):
    data = load("x", folder=folder, **settings)
    found = next(data.train_batches(0, 4))["segmentation"]
    return data, set(np.unique(found).tolist())


def test_0_and_255_are_two_classes(tmp_path):
    """milesial/Pytorch-UNet#320: the masks of Carvana. By hand: 0 -> 0, 255 -> 1."""
    data, found = values(pairs(tmp_path, (0, 255)))
    assert data.num_classes == 2 and found == {0, 1} and len(data.class_names) == 2
    assert any("0 and 255 are two classes" in note for note in data.notes)
    stated, found = values(str(tmp_path), num_classes=2)  # as a resumed run says it
    assert stated.num_classes == 2 and found == {0, 1}
    for count in (1, 3):
        with pytest.raises(UserError, match=r"0 and 255 alone .* two classes"):
            values(str(tmp_path), num_classes=count)


def test_where_0_and_255_are_in_different_masks(tmp_path):
    data, found = values(pairs(tmp_path, (0,), (255,)))
    assert data.num_classes == 2 and found == {0, 1}


@pytest.mark.parametrize(
    "masks, settings, count, expected",
    [
        ((0, 1, 2, 255), {}, 3, {0, 1, 2, 255}),
        ((0, 1), {}, 2, {0, 1}),
        ((0, 255), dict(mask_values=(0, 255)), 2, {0, 1}),
        ((0, 255), dict(mask_values=(255, 0)), 2, {0, 1}),
        ((0, 128, 255), dict(mask_values=(0, 128)), 2, {0, 1, 255}),
        ((0, 128, 255), dict(mask_values=(0, 128, 255)), 3, {0, 1, 2}),
        ((0, 1, 9), dict(ignore_label=9), 2, {0, 1, 255}),
        ((0, 1, 2), dict(mask_values=(1, 2), ignore_label=0), 2, {0, 1, 255}),
        ((0, 4), dict(num_classes=21), 21, {0, 4}),
        ((0, 1), dict(ignore_label=-1), 2, {0, 1}),
    ],
)
def test_values_and_their_classes(tmp_path, masks, settings, count, expected):
    data, found = values(pairs(tmp_path, masks), **settings)
    assert (data.num_classes, found) == (count, expected)


@pytest.mark.parametrize(
    "masks, settings, message",
    [
        ((0, 1, 4), dict(num_classes=3), r"masks/\d.png has the value 4 .*0 to 2"),
        ((0, 7), {}, r"values 0, 7 and none between .*mask_values=\(0,7\)"),
        ((255,), {}, "every pixel of the masks is 255"),
        ((0, 1, 255), dict(ignore_label=-1), "none between|up to 255 classes"),
        ((0, 1, 2), dict(mask_values=(0, 1)), r"\d.png has the value 2 .*0, 1"),
        ((0, 1), dict(mask_values=(0, 0)), "names a value twice"),
        ((0, 1), dict(mask_values=(0, 1), num_classes=3), "are 2 classes"),
        ((0, 1), dict(num_classes=300), "up to 255 classes, not 300"),
    ],
)
def test_other_values_are_refused(tmp_path, masks, settings, message):
    """milesial/Pytorch-UNet#341: more classes than were stated, and their kind."""
    folder = pairs(tmp_path, masks)
    with pytest.raises(UserError, match=message) as error:
        load("x", folder=folder, **settings)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("memory", [2**20, 0])
def test_one_bad_mask_among_many_is_named(tmp_path, memory):
    folder = pairs(tmp_path, (0, 1))
    Image.new("L", SIZE, 9).save(tmp_path / "masks" / "2.png")
    with pytest.raises(UserError, match=r"masks/2.png has the value 9"):
        load("x", folder=folder, num_classes=2, memory=memory)


def test_one_class_and_classes_without_pixels_are_said(tmp_path):
    one = load("x", folder=pairs(tmp_path / "a", (0,)))
    assert one.num_classes == 1 and "every pixel is of the one class" in one.notes
    gap = load("x", folder=pairs(tmp_path / "b", (0, 2)), num_classes=4)
    assert "no pixel is of class 1, 3" in gap.notes


def picture(mode, value):
    return Image.new(mode, SIZE, value)


@pytest.mark.parametrize(
    "mask, suffix, count",
    [
        (Image.fromarray(np.indices(SIZE)[0] % 2 == 1), "png", 2),
        (Image.fromarray((np.indices(SIZE)[0] % 3).astype(np.uint16)), "png", 3),
        (Image.fromarray((np.indices(SIZE)[0] % 3).astype(np.int32)), "tif", 3),
        (Image.fromarray((np.indices(SIZE)[0] % 3).astype(np.float32)), "tif", 3),
    ],
)
def test_masks_of_other_types_are_right(mask, suffix, count):
    found = classes.survey([("the mask a", mask)])
    known, _ = classes.decide(found)
    expected = np.indices(SIZE)[0] % count
    assert known.count == count
    assert np.array_equal(known.of_mask(mask, "the mask a"), expected)


@pytest.mark.parametrize(
    "mask, message",
    [
        (picture("RGB", (1, 1, 1)), "one class index a pixel .*not RGB"),
        (picture("RGBA", (1, 1, 1, 1)), "not RGBA"),
        (picture("F", 0.5), "value 0.5 .*whole numbers"),
        (picture("F", float("nan")), "value nan .*whole numbers"),
        (picture("I", -1), "value -1"),
        (picture("I;16", 40000), "up to 255 classes|none between"),
        (np.zeros((4, 4, 3), np.uint8), "shape"),
    ],
)
def test_masks_of_other_types_are_refused(mask, message):
    with pytest.raises(UserError, match=message):
        classes.decide(classes.survey([("the mask a", mask)]))
    if not isinstance(mask, np.ndarray) and mask.mode == "I;16":
        with pytest.raises(UserError, match="value 40000"):
            classes.Classes(3).of_mask(mask, "the mask a")


@pytest.mark.parametrize("key", ["label", "segmentation"])
@pytest.mark.parametrize("value", [-1, 3, 256])
def test_whatever_makes_examples_its_numbers_are_checked(key, value):
    def examples(indices, chance):
        numbers = np.where(indices == 4, value, 2).astype(np.int32)
        numbers = numbers[:, None, None] + np.zeros((1, 2, 2), int)
        image = np.zeros((len(indices), 2, 2, 1), np.uint8)
        return {"image": image, key: numbers if key == "segmentation" else indices * 0}

    def labelled(indices, chance):
        found = examples(indices, chance)
        return found | {"label": np.where(indices == 4, value, 2)}

    made = examples if key == "segmentation" else labelled
    data = dataset("mine", "test", 6, (2, 2, 1), made, num_classes=3)
    next(data.eval_batches(2))
    with pytest.raises(UserError, match=rf"number 4 of mine .* value {value} .*0 to 2"):
        list(data.eval_batches(2))


def test_labels_are_never_left_out_and_masks_255_is():
    example = {"label": np.array([255])}
    with pytest.raises(UserError, match="label of 0 has the value 255"):
        classes.check(example, 10, str)
    classes.check({"segmentation": np.array([[[255, 9]]])}, 10, str)
    with pytest.raises(UserError, match="type float32"):
        classes.check({"label": np.zeros(1, np.float32)}, 10, str)
    assert palette.IGNORE == classes.IGNORE == 255


def test_stated_numbers_fit_the_labels(pictures):
    assert load("x", folder=str(pictures), image_size=8, num_classes=2).num_classes == 2
    more = load("x", folder=str(pictures), image_size=8, num_classes=3)
    assert more.num_classes == 3 and "no image is of class 2" in more.notes
    with pytest.raises(UserError, match=r"have 2 classes .cats, dogs., .* says 1"):
        load("x", folder=str(pictures), image_size=8, num_classes=1)
    with pytest.raises(UserError, match=r"no classes, data.num_classes says 4"):
        load("photos", "test", image_size=64, num_classes=4)
