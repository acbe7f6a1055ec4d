"""Classes for images that have none: the same for every split, process and run."""

import jax
import numpy as np
import pytest
from PIL import Image

from deconvgen import config
from deconvgen.cli import main
from deconvgen.core.errors import UserError
from deconvgen.data import clusters, load
from deconvgen.runs import classifier, picture_sources, pinned, setup
from tests.data.test_resident import same
from tests.tiny import untrained


def labels_of(data):
    return np.concatenate([batch["label"] for batch in data.eval_batches(1)])


def shades_of(data):
    return np.array([batch["image"].mean() for batch in data.eval_batches(1)])


@pytest.fixture
def shades(tmp_path):
    """Pictures without classes, dark, grey and light, of hardly any noise."""
    rng, root = np.random.default_rng(0), tmp_path / "shades"
    for split, count in (("train", 24), ("test", 9)):
        (root / split).mkdir(parents=True)
        for i in range(count):
            pixels = 20 + 100 * (i % 3) + rng.integers(0, 9, (16, 16))
            path = root / split / f"{i:02}.png"
            Image.fromarray(pixels.astype(np.uint8)).save(path)
    return root


def test_three_shades_are_three_clusters_in_every_split(shades):
    of = lambda split: load("x", split, folder=str(shades), clusters=3)
    train, test = of("train"), of("test")
    assert train.num_classes == test.num_classes == 3
    assert train.class_names == ("cluster 0", "cluster 1", "cluster 2")
    seen = {}
    for data in (train, test):
        for label, shade in zip(labels_of(data), shades_of(data), strict=True):
            seen.setdefault(label, []).append(shade)
    assert sorted(map(len, seen.values())) == [11, 11, 11]
    assert all(max(each) - min(each) < 0.1 for each in seen.values())


def test_they_are_of_the_training_images_alone(shades):
    of = lambda: load("x", "train", folder=str(shades), clusters=3).identity
    before = of()
    for path in (shades / "test").iterdir():
        Image.new("L", (16, 16), 250).save(path)
    assert of()["clusters"] == before["clusters"]
    for path in (shades / "train").iterdir():
        Image.open(path).point(lambda level: 250 - level).save(path)
    assert of()["clusters"] != before["clusters"]


def test_own_classes_are_left_aside(pictures):
    found = load("x", folder=str(pictures), image_size=8, clusters=5)
    assert found.num_classes == 5 and set(labels_of(found)) == set(range(5))
    assert load("x", folder=str(pictures), image_size=8).num_classes == 2


def test_what_lies_on_a_device_has_the_same_labels(shades):
    found = load("x", folder=str(shades), clusters=3, flip=True)
    assert set(same(found).arrays["label"].tolist()) == {0, 1, 2}


def test_the_centres_do_not_depend_on_a_split_that_asks_first():
    names = ("train", "validation", "test")
    first = lambda split: load(
        "fashion_mnist_small", split, clusters=4, validation=0.1
    ).identity["clusters"]
    one = [first(split) for split in names]
    clusters._found.clear()
    assert one == [*reversed([first(split) for split in reversed(names)])]
    assert len(set(one)) == 1


def test_every_split_has_them_or_none_is_loaded(shades):
    for i in range(30):
        Image.new("L", (16, 16), i).save(shades / "test" / f"more{i}.png")
    settings = dict(folder=str(shades), clusters=3, memory=30 * 256)
    assert load("x", "train", **settings).num_classes == 3
    with pytest.raises(UserError, match="not so for shades"):
        load("x", "test", **settings)


@pytest.mark.parametrize("values", [["data.clusters=3"], ["data.clusters=0"]])
def test_a_model_that_is_told_nothing_has_none(values):
    for name in ("gan:smoke", "vae:smoke"):
        check = lambda name=name: setup.check(config.load(name, values))
        if values == ["data.clusters=0"]:
            check()
        else:
            with pytest.raises(UserError, match="for a model that is told them"):
                check()


@pytest.mark.parametrize("num", [10, 200])
def test_what_is_drawn_is_told_them_as_often_as_they_are_there(num):
    found = clusters.turns(np.arange(num), [50, 30, 20])
    np.testing.assert_allclose(
        np.bincount(found) / num, [0.5, 0.3, 0.2], atol=1.5 / num
    )


def test_a_grid_has_no_column_for_a_cluster():
    values = ["data.clusters=3", "model.conditional=true"]
    settings = setup.describe(config.load("gan:smoke", values), (8, 8, 1), 3)
    assert setup.class_columns(settings) == 3
    assert setup.turns(settings, 6).tolist() == [0, 1, 2, 0, 1, 2]
    settings.data.identity = {"name": "x", "cluster_sizes": (2, 1, 1)}
    assert setup.class_columns(settings) == 0
    told = np.bincount(setup.turns(settings, 400))
    np.testing.assert_allclose(told, [200, 100, 100], atol=1)
    assert setup.turns(settings, 7, 3).tolist() == [*setup.turns(settings, 10)[3:]]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"clusters": 40}, "clusters=40 is more than the 24 training images"),
        ({"clusters": 3, "memory": 10}, "fit in memory and have no masks"),
        ({"clusters": 3, "memory": 24 * 256 - 1}, "which is not so for shades"),
        ({"clusters": -1}, "data.clusters should be 0 or more, not -1"),
    ],
)
def test_what_cannot_be_is_told(shades, settings, words):
    with pytest.raises(UserError, match=words):
        load("x", folder=str(shades), **settings)


@pytest.mark.parametrize("name", ["photos", "clothes_on_textures"])
def test_sets_without_images_in_memory_are_refused(name):
    with pytest.raises(UserError, match=f"which is not so for {name}"):
        load(name, clusters=3, image_size=32)


def test_a_generator_is_told_them_and_a_run_goes_on_with_no_others(shades):
    values = ["data.clusters=3", "model.conditional=true", f"data.folder={shades}"]
    loaded = config.load("gan:smoke", values)
    train = setup.dataset(loaded, "train")
    settings = setup.resolve(loaded, train)
    sizes = np.bincount(labels_of(train))
    assert [*settings.data.identity.cluster_sizes] == [*sizes]
    batch = next(train.train_batches(0, 4))
    state = setup.shape(settings, batch)
    shapes = [leaf.shape for leaf in jax.tree.leaves(state.nets["generator"].params)]
    assert settings.model.latent + 3 in [shape[0] for shape in shapes]
    again = setup.dataset(settings, "train")  # which says now that the classes are 3
    assert not pinned.other_data(shades, settings, again.identity)
    for path in (shades / "train").iterdir():
        Image.open(path).point(lambda level: 250 - level).save(path)
    other = setup.dataset(settings, "train").identity
    as_if = other | {"sha256": settings.data.identity["sha256"]}
    assert "clusters" in pinned.other_data(shades, settings, as_if)


def test_a_classifier_is_not_trained_on_them(monkeypatch, tmp_path):
    seen = {}

    def train(sets, *_, **__):
        seen.update({split: data.class_names[:1] for split, data in sets.items()})
        return {}

    monkeypatch.setattr(classifier, "train_and_save", train)
    main.run(["features", "--config=dcgan:untold", f"--out={tmp_path}"])
    assert set(seen.values()) == {("T-shirt",)}


@pytest.mark.parametrize("told", [0, 3])
def test_pictures_that_are_drawn_have_no_classes_to_compare(told):
    run = untrained("gan", (8, 8, 1), 3, ("model.conditional=true",))
    run.config.data.clusters = told
    found = picture_sources.of_run(run, "mine", 6, 0)
    assert (found.labels is None) == bool(told) and bool(found.classes) == (not told)
