"""Anybody's sets against each other: figures, floors, page."""

import numpy as np
import pytest
from PIL import Image

from deconvgen.audit import comparison
from deconvgen.audit.comparison_page import write_page
from deconvgen.audit.comparison_words import told
from deconvgen.core.errors import UserError
from deconvgen.data.picture_files import picture_set
from deconvgen.data.picture_sets import from_array
from deconvgen.metrics.distances import frechet_distance
from deconvgen.metrics.measures import explained

RNG = np.random.default_rng(0)
REAL = RNG.integers(0, 256, (64, 16, 16, 3)).astype(np.uint8)
OTHER = RNG.integers(0, 256, (48, 16, 16, 3)).astype(np.uint8)
BOARD = 40 * (np.indices((16, 16)).sum(0) % 2)[..., None]


def features(images):
    """Twelve numbers of each image: means and spreads of its quarters."""
    b = images.shape[0]
    quarters = images.reshape(b, 2, 8, 2, 8, 3).transpose(0, 1, 3, 2, 4, 5)
    return quarters.mean((3, 4)).reshape(b, 12)


@pytest.fixture(scope="module")
def found():
    copied = np.concatenate([REAL[:24], OTHER[:24]])
    gridded = (OTHER // 2 + BOARD).astype(np.uint8)
    labels = np.arange(64) % 2
    sets = [from_array("real", REAL, labels), from_array("copied", copied)]
    sets.append(from_array("gridded", gridded, labels[:48]))
    return comparison.compare(*sets, extractor=features, batch_size=20)


def test_figures_are_those_of_their_definitions(found):
    copied, gridded = found.fakes
    assert found.extractor == "features" and found.resizer == "none"
    rows = lambda x: np.asarray(features(x / np.float32(127.5) - 1))
    want = frechet_distance(rows(REAL), rows(gridded.seen.look.kept * 127.5 + 127.5))
    assert gridded.figures["frechet_features"] == pytest.approx(want, rel=1e-3)
    assert copied.figures["copies_features"] == 0.5
    assert gridded.figures["copies_features"] == 0
    assert gridded.figures["frechet_features_low"] < want
    assert copied.figures["frechet_features"] < want
    assert copied.figures["frechet_features_floor"] < want
    assert gridded.figures["period"] == 2 and copied.figures["period"] == 0


def test_classes_are_compared_where_both_sets_have_them(found):
    copied, gridded = found.fakes
    assert [*gridded.classes] == [0, 1] and copied.classes == {}
    of = lambda n, c: n.rows[n.labels(n.pictures) == c]
    want = frechet_distance(of(found.real, 1), of(gridded.seen, 1))
    assert gridded.classes[1] == pytest.approx(want)


def test_figures_by_class_where_they_are_asked_for(found):
    labels = np.arange(64) % 2
    one, bare = from_array("one", REAL, labels), from_array("bare", REAL)
    shifted = np.where(labels[:, None, None, None], REAL // 2, REAL)
    other = from_array("other", shifted.astype(np.uint8), labels)
    made = comparison.compare(one, other, extractor=features, by_class=True)
    figures = made.fakes[0].figures
    assert figures["class/0/frechet_features"] < 1e-6
    assert figures["class/1/frechet_features"] > 1e-3
    assert figures["class/0/recall_features"] == 1
    assert explained("class/0/recall_features") == explained("recall_features")
    assert not any(key.startswith("class/") for key in found.fakes[1].figures)
    with pytest.raises(UserError, match="bare has no labels"):
        comparison.compare(one, bare, extractor=features, by_class=True)


def folder_of(place, levels):
    """Twenty pictures of each class, by its level of grey."""
    draw = np.random.default_rng(1)
    for name, level in levels.items():
        (place / name).mkdir(parents=True)
        for i in range(20):
            pixels = draw.integers(level - 9, level + 9, (16, 16, 3)).astype(np.uint8)
            Image.fromarray(pixels).save(place / name / f"{i}.png")
    return place


def test_classes_are_those_of_one_name_whatever_their_order(tmp_path):
    real = folder_of(tmp_path / "real", {"cat": 40, "dog": 120, "frog": 200})
    fake = folder_of(tmp_path / "fake", {"dog": 120, "frog": 200, "zebra": 90})
    parts = folder_of(tmp_path / "parts", {"one": 40, "two": 120})
    made = comparison.compare(real, fake, parts, extractor=features)
    classes, none = (versus.classes for versus in made.fakes)
    assert [*classes] == [1, 2] and max(classes.values()) < 1e-3 and none == {}
    with pytest.raises(UserError, match="parts has no labels of the same classes"):
        comparison.compare(real, parts, extractor=features, by_class=True)


def test_folders_that_are_named_by_numbers_are_those_classes(tmp_path):
    levels = {str(n): 20 + 20 * n for n in (0, 1, 2, 10)}  # in the order 0, 1, 10, 2
    folder = picture_set(folder_of(tmp_path, levels))
    assert {*folder.labels.tolist()} == {0, 1, 2, 10}
    pixels = np.concatenate([*folder.read(80)])
    bare = from_array("bare", pixels, folder.labels)
    named = folder._replace(name="run", classes=dict(enumerate(levels)))
    named = named._replace(labels=np.array([0, 1, 3, 2]).repeat(20))
    for other in (bare, named):
        for pair in ((folder, other), (other, folder)):
            (versus,) = comparison.compare(*pair, extractor=features).fakes
            assert len(versus.classes) == 4 and max(versus.classes.values()) < 1e-6


def test_sets_of_one_name_are_told_apart():
    made = comparison.compare(REAL, OTHER, REAL[:48], extractor=features).record()
    assert made["array"]["copies_features"] == 0
    assert made["array (2)"]["copies_features"] == 1
    other = from_array("real", OTHER)
    made = comparison.compare(REAL, other, extractor=features).record()
    assert made["real"]["name"] == "array" and "copies_features" in made["real (2)"]


def test_real_pictures_that_are_copies_say_not_what_a_copy_is():
    twice = np.concatenate([REAL[:24], REAL[:24]])
    (versus,) = comparison.compare(twice, REAL[:24], extractor=features).fakes
    assert np.isnan(versus.figures["copies_features"])


def test_moments_of_more_images_than_are_kept(monkeypatch, found):
    monkeypatch.setattr(comparison, "KEPT", 32)
    few = comparison.compare(REAL, OTHER, extractor=features, batch_size=7)
    assert few.real.rows.shape == (32, 12)
    whole = frechet_distance(*(features(x / 127.5 - 1) for x in (REAL, OTHER)))
    assert few.fakes[0].figures["frechet_features"] == pytest.approx(whole, rel=1e-4)


def test_the_page_and_the_lines_say_everything(found, tmp_path):
    page = write_page(found, tmp_path / "page.html").read_text()
    for name, record in found.record().items():
        if isinstance(record, dict) and name != "real":
            assert f"<h2>{name}</h2>" in page
    assert page.count("data:image/png;base64,") >= 10 and "://" not in page
    names = {key.removeprefix("real_") for key in found.fakes[0].figures}
    assert not [key for key in names if not explained(key)]
    lines = "\n".join(told(found))
    assert "copied (48 pictures)" in lines and "frechet_features" in lines


def test_sets_that_do_not_compare():
    with pytest.raises(UserError, match="16 x 8 pixels and array of 16 x 16"):
        comparison.compare(REAL, OTHER[:, :, :8])
    with pytest.raises(UserError, match="one or more others"):
        comparison.compare(REAL)
    with pytest.raises(UserError, match="did you mean 'inception'"):
        comparison.compare(REAL, OTHER, extractor="inceptoin")
