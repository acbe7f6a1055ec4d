"""What is drawn from a checkpoint: the kinds, many samples on disk, the layers."""

import numpy as np
import pytest
from PIL import Image

from deconvgen.core import images
from deconvgen.core.errors import UserError
from deconvgen.runs import run, sampling
from deconvgen.runs import setup as runs
from deconvgen.runs.sampling.base import COLUMNS
from deconvgen.training import checkpoint
from tests.tiny import gan

SIDE = 28 + 1  # an image and the gap behind it


@pytest.fixture(scope="module")
def shipped():
    return run.load("pretrained:dcgan-fashion")


@pytest.fixture(scope="module")
def conditional(tmp_path_factory):
    """A class-conditional model that has learned nothing."""
    config = runs.describe(gan("model.conditional=true"), (28, 28, 1), 10)
    found = checkpoint.Checkpoint(0, tmp_path_factory.mktemp("conditional"), {})
    example = {"image": np.zeros((1, 28, 28, 1), "f4"), "label": np.zeros(1, np.int32)}
    start = lambda found, shape: runs.initial(config, example, 0)
    return run.Run(found.path, config, found, start)


def cell(sheet, row, column):
    """One image of a grid."""
    y, x = row * SIDE, column * SIDE
    return sheet[y : y + 28, x : x + 28].astype(int)


def test_cutting_the_latent_off_gives_up_variety(shipped):
    sheet = sampling.kinds["truncation"](shipped, 24, 0, "")
    assert sheet.shape == (3 * SIDE - 1, COLUMNS * SIDE - 1, 1)
    rows = [[cell(sheet, i, j) for j in range(COLUMNS)] for i in range(3)]
    first, middle, last = (np.std(row, axis=0).mean() for row in rows)
    assert first > middle > last
    uncut = images.to_uint8(shipped.decode(shipped.latents(COLUMNS, 0)))
    near = np.abs(np.asarray(rows[0]) - uncut.astype(int)).mean((1, 2, 3))
    assert np.median(near) < 10  # a cut at 3 leaves nearly every latent as it is


def test_straight_and_spherical_rows_share_their_ends_alone(shipped):
    sheet = sampling.kinds["linear_interpolation"](shipped, 16, 4, "")
    for column in (0, COLUMNS - 1):
        np.testing.assert_allclose(
            cell(sheet, 0, column), cell(sheet, 1, column), atol=1
        )
    assert np.abs(cell(sheet, 0, 4) - cell(sheet, 1, 4)).max() > 10


def test_the_great_circle_keeps_the_norm_and_the_line_does_not():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 50, 64))
    a, b = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (a, b))
    middle = sampling.slerp(a, b, np.full((50, 1), 0.5))
    np.testing.assert_allclose(np.linalg.norm(middle, axis=1), 1, rtol=1e-5)
    assert np.linalg.norm((a + b) / 2, axis=1).max() < 0.9


def test_a_walk_comes_back(shipped, tmp_path):
    frames = sampling.kinds["walk"](shipped, 8, 0, "")
    assert frames.shape[0] == 8
    grey = frames / 255
    steps = np.abs(grey - np.roll(grey, -1, axis=0)).mean((1, 2, 3))
    assert steps.min() > 0
    assert steps[-1] < 2 * steps.mean()  # the last frame leads to the first
    path = sampling.draw(
        "pretrained:dcgan-fashion", "walk", num=3, out=f"{tmp_path}/a.gif"
    )
    with Image.open(path) as gif:
        assert gif.n_frames == 3
        assert gif.info["loop"] == 0


def test_a_row_a_class_from_the_same_latents(conditional):
    sheet = sampling.kinds["classes"](conditional, 20, 0, "")
    assert sheet.shape == (10 * SIDE - 1, 2 * SIDE - 1, 1)
    expected = conditional.decode(conditional.latents(2, 0), [3, 3])
    np.testing.assert_allclose(cell(sheet, 3, 1), images.to_uint8(expected)[1], atol=1)


def test_neighbours_of_training_images_are_themselves(shipped, monkeypatch):
    train_set = runs.dataset(shipped.config, "train")
    known = next(train_set.eval_batches(2))["image"]
    monkeypatch.setattr(shipped, "sample", lambda num, seed: known[:num])
    sheet = sampling.kinds["neighbours"](shipped, 16, 0, "")
    for row in range(2):
        np.testing.assert_array_equal(cell(sheet, row, 0), cell(sheet, row, 1))
        assert (cell(sheet, row, 2) != cell(sheet, row, 0)).any()


def test_any_part_in_any_batches_is_the_same(shipped):
    whole = shipped.sample(14, 3)
    part = np.concatenate(list(shipped.batches(14, 3, batch_size=4, first=5)))
    np.testing.assert_allclose(part, whole[5:], atol=1e-5)
    assert not list(shipped.batches(5, 3, first=5))


def test_samples_are_decoded_from_the_latents_of_their_seed(shipped, conditional):
    for each in (shipped, conditional):
        drawn = each.sample(5, 7)
        np.testing.assert_allclose(each.decode(each.latents(5, 7)), drawn, atol=1e-5)


def test_wrong_labels_are_told(conditional):
    z = conditional.latents(2, 0)
    for labels, message in (
        (3, r"2 whole numbers, not int64 of shape \[\]"),
        ([1.0, 2.0], "2 whole numbers, not float64"),
        ([1, 2, 3], r"of shape \[3\]"),
        ([1, 10], "no class 10: the data have 10"),
    ):
        with pytest.raises(UserError, match=message):
            conditional.decode(z, labels)
        with pytest.raises(UserError, match=message):
            conditional.sample(2, labels=labels)
        with pytest.raises(UserError, match=message):
            conditional.feature_maps(z, labels)


def test_more_examples_than_there_are_come_without_padding(shipped):
    assert len(shipped.examples(2005)["image"]) == 2000
    assert shipped.examples(2005)["mask"].all()


def test_feature_maps_are_those_of_the_layers_in_their_order(shipped):
    z = shipped.latents(3, 1)
    maps = shipped.feature_maps(z)
    names = [*maps]
    assert names == [
        "project_norm",
        "decoder/up_0",
        "decoder/norm_0",
        "decoder/up_1",
        "image",
    ]
    assert maps["decoder/up_0"].shape[:3] == (3, 14, 14)
    np.testing.assert_allclose(maps["image"], np.tanh(maps["decoder/up_1"]), atol=1e-6)
    np.testing.assert_allclose(maps["image"], shipped.decode(z), atol=1e-5)


@pytest.mark.parametrize("kind", ["features", "interpolation", "grid"])
def test_pictures_are_written(kind, tmp_path):
    out = tmp_path / "picture.png"
    sampling.draw("pretrained:dcgan-fashion", kind, num=8, out=str(out))
    with Image.open(out) as picture:
        assert np.asarray(picture).std() > 20


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (dict(kind="classes"), "model.conditional=true"),
        (dict(kind="walk", out="a.png"), "is written as a .gif"),
        (dict(kind="interpolation", num=8, out="a.npz"), "only --kind=grid"),
        (dict(workdir="pretrained:dcgan-fashon"), "did you mean 'dcgan-fashion'"),
        (dict(checkpoint="7"), "is one checkpoint; it has no '7'"),
    ],
)
def test_a_mistake_gets_one_sentence(settings, message, tmp_path):
    if "out" in settings:
        settings = settings | {"out": str(tmp_path / settings["out"])}
    with pytest.raises(UserError, match=message):
        sampling.draw(**{"workdir": "pretrained:dcgan-fashion", "num": 2} | settings)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda r: r.sample(num=0), "num should be 1 or more, not 0"),
        (lambda r: r.sample(2, seed=2**64), "seed should be 0 to 4294967295"),
        (lambda r: r.sample(2, seed=2**32 + 7), "seed should be 0 to 4294967295"),
        (lambda r: r.sample(2, seed=-1), "seed should be 0 to 4294967295, not -1"),
        (lambda r: r.sample(2, batch_size=-1), "batch_size should be 0 or more"),
        (lambda r: r.latents(0), "num should be 1 or more"),
        (lambda r: r.shown(0), "num should be 1 or more"),
        (lambda r: r.examples(-3), "num should be 1 or more"),
        (lambda r: r.feature_maps(np.zeros((1, 3))), r"latents should .*not \[1, 3\]"),
        (lambda r: r.feature_maps(np.zeros(64)), r"latents should .*not \[64\]"),
        (lambda r: r.decode(np.zeros((0, 64))), r"latents should .*not \[0, 64\]"),
        (lambda r: r.decode(np.full((1, 100), "a")), "latents should be numbers"),
    ],
)
def test_a_mistake_in_a_call_gets_one_sentence(shipped, call, message):
    with pytest.raises(UserError, match=message):
        call(shipped)


def test_the_last_seed_interpolates_to_the_first(shipped):
    a, b, _ = sampling.base.between(shipped, 1, 2**32 - 1)
    np.testing.assert_array_equal(b[:, 0], shipped.latents(1, 0))
    assert not np.array_equal(a, b)


@pytest.mark.parametrize("kind", ["grid", "walk", "interpolation"])
def test_more_than_a_picture_holds_is_refused_with_what_does_hold_it(tmp_path, kind):
    for num in (10**12, 2 * 10**5):
        with pytest.raises(UserError, match=r"too many for a picture.*\.npz"):
            sampling.draw(
                "pretrained:dcgan-fashion", kind, num=num, out=f"{tmp_path}/x.png"
            )


def test_two_inputs_of_one_name_are_two_pictures(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    drawn = []
    for folder, level in (("a", 50), ("b", 200), ("a", 50)):
        (tmp_path / folder).mkdir(exist_ok=True)
        source = str(tmp_path / folder / "mine.png")
        images.save(np.full((28, 28, 1), level, np.uint8), source)
        name = "pretrained:autoencoder-fashion"
        drawn.append(sampling.draw(name, "reconstruction", source=source))
    assert drawn[0] == drawn[2] != drawn[1] and drawn[0].exists()
    assert drawn[0].read_bytes() != drawn[1].read_bytes()
