"""The user's own folder: split, labels, broken files, pairs, and how it is read."""

import logging
from itertools import islice

import numpy as np
import pytest
from PIL import Image

from deconvgen.core.errors import UserError
from deconvgen.data import folder, load


def labels_of(data):
    return np.concatenate([b["label"] * 1 for b in data.eval_batches(4)])


def test_subfolders_are_classes_and_splits_are_disjoint(pictures):
    train, test = (
        load("x", s, folder=str(pictures), image_size=8) for s in ("train", "test")
    )
    assert train.class_names == ("cats", "dogs") and test.num_classes == 2
    assert train.num_examples + test.num_examples == 30
    assert 1 <= test.num_examples <= 10
    seen = [
        {bytes(image) for batch in data.eval_batches(1) for image in batch["image"]}
        for data in (train, test)
    ]
    assert len(seen[0]) == train.num_examples and not seen[0] & seen[1]
    assert set(labels_of(train)) == {0, 1}


def test_images_without_subfolders_have_no_labels(tmp_path, paint):
    for i in range(5):
        paint(tmp_path / f"{i}.jpg", seed=i)
    data = load("x", folder=str(tmp_path), image_size=8)
    assert data.num_classes is None and "label" not in next(data.train_batches(0, 2))
    held_out = load("x", "test", folder=str(tmp_path), image_size=8)
    assert data.num_examples + held_out.num_examples == 5
    assert held_out.num_examples >= 1


def test_another_file_moves_no_image_to_the_other_split(pictures, paint):
    before = set(folder.split_files(pictures, "test")[1])
    for i in range(30, 60):
        paint(pictures / "cats" / f"{i}.png", seed=i)
    after = set(folder.split_files(pictures, "test")[1])
    assert {n for n in after if int(n[-6:-4]) < 30} == before


def test_own_train_and_test_folders_are_kept(tmp_path, paint):
    for i in range(4):
        paint(tmp_path / "train" / f"a{i}.png", seed=i)
    paint(tmp_path / "test" / "b.png", seed=9)
    sizes = [load("x", s, folder=str(tmp_path)).num_examples for s in ("train", "test")]
    assert sizes == [4, 1]
    (tmp_path / "test" / "b.png").unlink()
    with pytest.raises(UserError, match="test has no images in it"):
        load("x", "test", folder=str(tmp_path))


@pytest.mark.parametrize("crop", ["center", "random", "stretch"])
@pytest.mark.parametrize("flip", [False, True])
def test_kept_and_streamed_batches_are_the_same(pictures, crop, flip):
    settings = dict(folder=str(pictures), image_size=8, crop=crop, flip=flip)
    kept = load("x", **settings)
    streamed = load("x", **settings, memory=0)
    for make in (
        lambda data: islice(data.train_batches(3, 4, start_step=2), 9),
        lambda data: data.eval_batches(4),
    ):
        for a, b in zip(make(kept), make(streamed), strict=True):
            assert a.keys() == b.keys()
            assert all(np.array_equal(a[key], b[key]) for key in a)


@pytest.mark.parametrize("memory", [2**20, 0])
def test_a_broken_image_is_named_skipped_and_counted(pictures, caplog, memory):
    names = folder.split_files(pictures, "train")[1]
    whole = (pictures / names[3]).read_bytes()
    (pictures / names[3]).write_bytes(whole[: len(whole) // 2])
    (pictures / names[5]).write_text("no picture")
    with caplog.at_level(logging.WARNING):
        data = load("x", folder=str(pictures), image_size=8, memory=memory)
        batches = list(data.eval_batches(5))
    assert names[3] in caplog.text and names[5] in caplog.text
    assert all(np.isfinite(batch["image"]).all() for batch in batches)
    if memory:
        assert data.num_examples == len(names) - 2
        assert f"2 of the {len(names)} images" in caplog.text


def test_a_long_list_of_broken_images_is_cut_short(tmp_path, caplog):
    for i in range(60):
        (tmp_path / f"{i}.png").write_text("no picture")
    with pytest.raises(UserError, match="no readable image"):
        load("x", folder=str(tmp_path))
    assert 1 < len(caplog.records) <= 20


def test_mistakes_are_told(tmp_path, pictures):
    cases = [
        (dict(folder=str(tmp_path / "nowhere")), "there is no folder .*nowhere"),
        (dict(folder=str(pictures)), "differ in shape .*set image_size"),
        (dict(folder=str(pictures), image_size=-1), "image_size -1"),
        (dict(folder=str(pictures), channels=2), "channels must be 1 .*not 2"),
        (dict(folder=str(pictures), crop="centre"), "did you mean 'center'"),
        (dict(folder=str(pictures), crop="random"), "needs an image_size"),
        (dict(split="tset"), "unknown split 'tset'"),
        (dict(name="folder"), "needs data.folder"),
        (
            dict(name="clothes_on_textures", folder=str(pictures)),
            "segmentation needs the subfolders images and masks",
        ),
    ]
    for settings, message in cases:
        with pytest.raises(UserError, match=message):
            load(**{"name": "x", **settings})


def test_an_empty_folder_is_told(tmp_path):
    (tmp_path / "notes.txt").write_text("no picture")
    with pytest.raises(UserError, match="has no images in it"):
        load("x", folder=str(tmp_path))


def make_pairs(root, paint, count=6):
    for i in range(count):
        paint(root / "images" / f"{i}.jpg", 20, 24, seed=i)
        mask = np.full((20, 24), i % 3, np.uint8)
        mask[:5] = 255
        (root / "masks").mkdir(exist_ok=True)
        Image.fromarray(mask).save(root / "masks" / f"{i}.png")
    return root


@pytest.mark.parametrize("memory", [2**20, 0])
def test_pairs_of_images_and_masks(tmp_path, paint, memory):
    data = load(
        "x", folder=str(make_pairs(tmp_path, paint)), image_size=16, memory=memory
    )
    assert data.num_classes == 3 and len(data.class_names) == 3
    batch = next(data.train_batches(0, 5))
    masks = batch["segmentation"]
    assert masks.shape == (5, 16, 16) and masks.dtype == np.int32
    assert set(np.unique(masks)) <= {0, 1, 2, 255} and (masks[:, 0] == 255).all()


def test_flips_and_crops_keep_masks_on_their_images(tmp_path):
    generator = np.random.default_rng(0)
    (tmp_path / "images").mkdir()
    (tmp_path / "masks").mkdir()
    for i in range(4):
        mask = np.kron(generator.integers(0, 2, (6, 6)), np.ones((3, 3))).astype("u1")
        Image.fromarray(mask * 255).save(tmp_path / "images" / f"{i}.png")
        Image.fromarray(mask).save(tmp_path / "masks" / f"{i}.png")
    data = load("x", folder=str(tmp_path), image_size=16, crop="random", flip=True)
    for batch in islice(data.train_batches(0, 8), 5):
        image = batch["image"][..., 0] > 0
        assert np.array_equal(image, batch["segmentation"] == 1)
        assert len({bytes(m) for m in image}) > 3


def test_a_mistake_found_while_reading_ahead_is_told_as_well(tmp_path, paint):
    root = make_pairs(tmp_path, paint, 12)
    for path in (root / "masks").iterdir():
        Image.new("L", (3, 3)).save(path)
    good = folder.split_files(root / "images", "train")[1][0]
    Image.new("L", (24, 20)).save(root / "masks" / good.replace("jpg", "png"))
    data = load("x", folder=str(root), image_size=16, memory=0)
    with pytest.raises(UserError, match="its mask"):
        next(data.train_batches(0, 8))


def test_a_missing_or_unfit_mask_is_told(tmp_path, paint):
    root = make_pairs(tmp_path, paint)
    (root / "masks" / "2.png").unlink()
    with pytest.raises(UserError, match=r"1 images .* no mask .* the first is 2.jpg"):
        load("x", folder=str(root), image_size=16)
    Image.new("L", (3, 3)).save(root / "masks" / "2.png")
    with pytest.raises(UserError, match=r"2.jpg is \(24, 20\), its mask \(3, 3\)"):
        for split in ("train", "test"):
            load("x", split, folder=str(root), image_size=16)
    Image.new("RGB", (24, 20)).save(root / "masks" / "2.png")
    with pytest.raises(UserError, match="one class index a pixel"):
        for split in ("train", "test"):
            load("x", split, folder=str(root), image_size=16)
