"""What the subfolders of a folder mean, and that nothing is left out without a word."""

import os

import numpy as np
import pytest
from PIL import Image

from deconvgen.core.errors import UserError
from deconvgen.data import folder as folders
from deconvgen.data import load

SPLITS = ("train", "test")


@pytest.fixture
def files(tmp_path):
    """Makes a folder of these files, each a picture of its own colour."""

    def make(*names):
        for i, name in enumerate(names):
            path = os.path.join(os.fsencode(tmp_path), os.fsencode(name))
            os.makedirs(os.path.dirname(path), exist_ok=True)
            if name.endswith(".txt"):
                open(path, "w").close()
                continue
            ending = os.path.splitext(name)[1].lower()
            image = Image.fromarray(np.full((8, 8), i % 250, np.uint8))
            with open(path, "wb") as file:
                image.save(file, Image.registered_extensions()[ending])
        return tmp_path

    return make


def classes(names, *folders):
    return [f"{f}/{k}/{i}.png" for f in folders for k in names for i in range(3)]


def both(folder):
    return tuple(load("x", s, folder=str(folder)) for s in SPLITS)


@pytest.mark.parametrize(
    "train, held",
    [
        ("train", "val"),
        ("Train", "Test"),
        ("TRAIN", "valid"),
        ("train", "validation"),
        ("training", "Testing"),
    ],
)
def test_splits_in_any_case_of_letters(files, train, held):
    """ultralytics#4310, roboflow-python#153: val/ was a class, and was trained on."""
    folder = files(*classes(("cat", "dog"), train, held, held), f"{held}/cat/9.png")
    a, b = both(folder)
    assert a.class_names == b.class_names == ("cat", "dog")
    assert (a.num_examples, b.num_examples) == (6, 7)
    if held.lower() != "test" and "test" not in held.lower():
        assert f"there is no test/: {held}/ is the test set" in a.notes


def test_val_beside_test_is_for_neither(files):
    folder = files(*classes(("cat", "dog"), "train", "val", "test"), "val/cat/7.png")
    a, b = both(folder)
    assert (a.num_examples, b.num_examples) == (6, 6)
    assert any("7 in val/, for neither" in note for note in a.notes)


def test_classes_named_train_and_test(files):
    """pytorch/vision#613: train, test and bus are vehicles, or whatever; three."""
    a, b = both(files(*classes(("train", "test", "bus"), ".")))
    assert a.class_names == ("bus", "test", "train")
    assert a.num_examples + b.num_examples == 9


def test_one_folder_around_the_classes(files):
    """NVlabs/stylegan2-ada#18: PetImages/Cat and PetImages/Dog."""
    a, b = both(files(*classes(("Cat", "Dog"), "PetImages")))
    assert a.class_names == ("Cat", "Dog") and a.num_examples + b.num_examples == 6


def test_one_folder_around_the_splits(files):
    a, b = both(files(*classes(("x", "y"), "data/train", "data/test")))
    assert a.class_names == ("x", "y") and (a.num_examples, b.num_examples) == (6, 6)


def test_a_picture_beside_the_classes_is_left_out_aloud(files):
    """huggingface/datasets#5192: files on different levels."""
    a, b = both(files(*classes(("cat", "dog"), "."), "cover.png"))
    assert a.class_names == ("cat", "dog") and a.num_examples + b.num_examples == 6
    assert "left out: 1 beside the folders of classes" in a.notes


def test_loose_pictures_and_one_folder_are_all_read(files):
    a, b = both(files("1.png", "2.png", "more/3.png", "more/4.png"))
    assert a.num_classes is None and a.num_examples + b.num_examples == 4


@pytest.mark.parametrize(
    "names, message",
    [
        (classes(("x",), "train", "Train", "test"), r"are both the train split"),
        (classes(("x",), "val", "test"), "no train/"),
        (("train/1.png", "test/notes.txt"), "test has no images in it"),
    ],
)
def test_splits_that_make_no_sense(files, names, message):
    with pytest.raises(UserError, match=message):
        both(files(*names))


@pytest.mark.parametrize(
    "shape",
    [
        "{split}/images/{i}.png {split}/masks/{i}.png",
        "Images/{i}.png Masks/{i}.png",
        "images/{split}/{i}.png masks/{split}/{i}.png",
        "w/images/{i}.png w/masks/{i}.png",
    ],
)
def test_pairs_in_splits_and_around_them(files, shape):
    names = [
        part.format(split=split, i=f"{split}{i}")
        for split in ("train", "val")
        for i in range(3)
        for part in shape.split()
    ]
    folder = files(*names)
    for path in folder.rglob("*.png"):
        if "masks" in str(path).lower():
            Image.fromarray(np.indices((8, 8), np.uint8)[0] % 2).save(path)
    a, b = both(folder)
    assert (a.num_classes, a.num_examples + b.num_examples) == (2, 6)
    batch = next(b.eval_batches(1))
    assert set(np.unique(batch["segmentation"])) == {0, 1} and "label" not in batch
    if "{split}" in shape:
        assert (a.num_examples, b.num_examples) == (3, 3)


def test_endings_in_any_case_are_read_and_others_counted(files):
    """facebookresearch/DIGITS#99, SRGAN-PyTorch#15: .tif beside .png was left out."""
    endings = ("png", "JPG", "tif", "TIFF", "gif", "bmp", "webp", "jfif", "Jpeg")
    folder = files(*(f"{i}.{e}" for i, e in enumerate(endings)), "a.txt", "b.txt")
    (folder / "c.HEIC").write_text("")
    (folder / "noending").write_text("")
    (folder / ".hidden.png").write_text("")
    train, held = (load("x", s, folder=str(folder), channels=1) for s in SPLITS)
    assert train.num_examples + held.num_examples == len(endings)
    (said,) = train.notes
    assert said == "left out: 2 .txt, 1 .heic, 1 hidden, 1 without ending"


def test_links_are_followed_and_loops_are_not(files, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    folder = files("1.png", "2.png", "in/3.png")
    Image.new("L", (8, 8)).save(elsewhere / "4.png")
    (folder / "in" / "link.png").symlink_to(elsewhere / "4.png")
    (folder / "more").symlink_to(elsewhere)
    (folder / "in" / "up").symlink_to(folder)
    (folder / "gone.png").symlink_to(folder / "nowhere.png")
    (folder / "self.png").symlink_to(folder / "self.png")
    whole = folders.read(folder)
    names = {*whole.splits["train"], *whole.splits["test"]}
    assert names == {"in/3.png", "in/link.png", "more/4.png"}
    for why in ("2 beside the folders of", "2 dangling", "1 linked in a circle"):
        assert why in whole.notes[0]


def test_names_that_are_no_utf8(files):
    """dupeguru#335: `Mu\\xf1oz.png` of an old Windows archive, and a class like it."""
    odd = os.fsdecode(b"Mu\xf1oz")
    folder = files("a/1.png", "a/2.png", f"{odd}/{odd}.png", f"{odd}/4.png")
    a, b = both(folder)
    assert a.num_examples + b.num_examples == 4
    for text in (*a.class_names, *a.notes, *map(str, a.identity.values())):
        text.encode()
    assert a.class_names == ("Mu\\xf1oz", "a")
    whole = folders.read(folder)
    assert 0 <= folders.hashed(whole.splits["train"][0]) < 1
