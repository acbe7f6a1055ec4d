"""Extractors: shipped weights that are what they say, and errors that help."""

import json
import shutil
import sys
import types

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from deconvgen.core.errors import UserError
from deconvgen.data import pipeline
from deconvgen.data.fashion import embedded
from deconvgen.metrics.features import SHIPPED, extractors
from deconvgen.runs.classifier import Recipe, augment, train_and_save, train_classifier

NAME = "fashion_mnist_small"


@pytest.fixture(scope="module")
def test_images():
    pixels = jnp.asarray(embedded("test"), jnp.float32) / 127.5 - 1
    return pixels[..., None]


@pytest.fixture(scope="module")
def classifier():
    return extractors["classifier"](dataset=NAME)


def test_shipped_classifier_reaches_the_accuracy_that_it_claims(
    classifier, test_images
):
    guess = jax.jit(lambda x: classifier.logits(x).argmax(-1))
    found = np.concatenate([guess(x) for x in jnp.split(test_images, 4)])
    accuracy = np.mean(found == np.repeat(np.arange(10), 200))
    about = json.loads((SHIPPED / f"classifier-{NAME}.json").read_text())
    assert accuracy >= 0.9
    assert accuracy == pytest.approx(about["test_accuracy"], abs=0.002)
    assert about["command"].startswith("deconvgen features")
    assert (SHIPPED / f"classifier-{NAME}.npz").stat().st_size <= 1_000_000


def test_extractors_give_one_row_per_image_whatever_its_size(classifier, test_images):
    colour = jnp.repeat(test_images[:4].repeat(2, 1).repeat(2, 2), 3, axis=-1)
    for extractor, d in ((classifier, 96), (extractors["random"](), 224)):
        rows = jax.jit(extractor.features)(test_images[:4])
        assert rows.shape == (4, d) and rows.dtype == jnp.float32
        assert np.isfinite(rows).all() and rows.std(0).max() > 0
        large = jax.jit(extractor.features)(colour)
        assert large.shape == (4, d)
        # a row depends on its own image alone
        others = test_images[:4].at[jnp.array([0, 1, 3])].set(0)
        alone = jax.jit(extractor.features)(others)
        np.testing.assert_allclose(alone[2], rows[2], rtol=1e-3, atol=1e-4)
        if extractor is classifier:
            # what is only larger and in colour is nearly the same to it
            assert jnp.abs(large - rows).mean() < 0.2 * jnp.abs(rows).mean()


def test_random_features_never_change():
    ramp = jnp.linspace(-1, 1, 8 * 8 * 3).reshape(1, 8, 8, 3)
    rows = extractors["random"]().features(ramp)[0]
    again = extractors["random"]().features(ramp)[0]
    np.testing.assert_array_equal(rows, again)
    np.testing.assert_allclose(rows[:3], GOLDEN, rtol=1e-4)


GOLDEN = [0.033276, 0.067511, 0.200914]


def tiny(split, classes=3):
    """Images of one bright row, whose height is the class."""
    rng = np.random.default_rng(split == "test")
    labels = rng.integers(0, classes, 120).astype(np.int32)
    pixels = rng.integers(0, 60, (120, 12, 12, 1)).astype(np.uint8)
    for image, label in zip(pixels, labels, strict=True):
        image[2 + 3 * label : 4 + 3 * label] += 150

    def examples(indices, draws):
        return {"image": pixels[indices], "label": labels[indices]}

    return pipeline.dataset("stripes", split, 120, (12, 12, 1), examples, classes)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("features")
    told = []
    about = train_and_save(
        {split: tiny(split) for split in ("train", "test")},
        str(folder),
        Recipe(steps=200, batch_size=30, width=4),
        report=lambda *x: told.append(x),
    )
    assert [step for step, _ in told] == [100, 200]
    return folder, about


def test_a_new_data_set_gets_its_own_classifier(trained):
    folder, about = trained
    assert about["test_accuracy"] > 0.8
    extractor = extractors["classifier"](dataset="stripes", folder=str(folder))
    batch = next(iter(tiny("test").eval_batches(120)))
    images = jnp.asarray(batch["image"])
    hits = jax.jit(extractor.logits)(images).argmax(-1) == batch["label"]
    assert hits.mean() == pytest.approx(about["test_accuracy"], abs=0.01)
    path = str(folder / "classifier-stripes.npz")
    same = extractors["classifier"](weights=path).features
    images = images[:2]
    expected = jax.jit(extractor.features)(images)
    np.testing.assert_array_equal(jax.jit(same)(images), expected)


def test_damaged_and_missing_weights_are_told(trained, tmp_path):
    folder, _ = trained
    for suffix in (".npz", ".json"):
        shutil.copy(folder / f"classifier-stripes{suffix}", tmp_path)
    path = tmp_path / "classifier-stripes.npz"
    flat = dict(np.load(path))
    flat["params/Dense_0/bias"] = flat["params/Dense_0/bias"] + 1
    np.savez(path, **flat)
    with pytest.raises(UserError, match="checksum"):
        extractors["classifier"](dataset="stripes", folder=str(tmp_path))
    whole = path.read_bytes()
    for content in (b"not a zip file", whole[:500]):
        path.write_bytes(content)
        with pytest.raises(UserError, match="cannot read"):
            extractors["classifier"](weights=str(path))
    with pytest.raises(UserError, match=r"'stripes'.*deconvgen features"):
        extractors["classifier"](dataset="stripes")


def test_no_classes_nothing_to_learn():
    dataset = tiny("train")._replace(num_classes=None)
    with pytest.raises(UserError, match="no classes"):
        train_classifier(dataset)


def test_augmentation_moves_each_image_by_its_own_draw():
    images = jnp.zeros((64, 28, 28, 1)).at[:, 14, 10].set(1)
    moved = augment(images, jax.random.key(0), jax.random.key(1))
    assert moved.shape == images.shape
    rows, columns = np.nonzero(np.asarray(moved).sum(-1).sum(0))
    assert set(rows) == {13, 14, 15}
    assert set(columns) == {9, 10, 11, 16, 17, 18}
    np.testing.assert_array_equal(moved.sum((1, 2, 3)), 1)


def test_inception_says_what_is_missing(monkeypatch):
    module = "torch_fidelity.feature_extractor_inceptionv3"
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(UserError, match=r"deconvgen\[fid\]"):
        extractors["inception"]()


def test_inception_gets_rounded_colour_images_and_runs_inside_jit(monkeypatch):
    torch = pytest.importorskip("torch")
    seen = []

    class Stub:
        """In the place of torch-fidelity's network: the first pixels, [b, 2048]."""

        def __init__(self, name, layers, feature_extractor_weights_path):
            if feature_extractor_weights_path is None:
                raise OSError("no route to host")
            assert layers == ["2048"]

        def __call__(self, images):
            seen.append(images)
            return (images.reshape(len(images), -1)[:, :2048].to(torch.float32),)

    module = types.ModuleType("torch_fidelity.feature_extractor_inceptionv3")
    module.FeatureExtractorInceptionV3 = Stub
    monkeypatch.setitem(sys.modules, "torch_fidelity", types.ModuleType("t"))
    monkeypatch.setitem(sys.modules, module.__name__, module)
    with pytest.raises(UserError, match="no route to host"):
        extractors["inception"]()
    with pytest.raises(UserError, match=r"no weights.*nowhere\.pth"):
        extractors["inception"](weights="nowhere.pth")
    extractor = extractors["inception"](weights=__file__)
    levels = jnp.arange(32 * 32) % 256
    images = (levels / 127.5 - 1).reshape(1, 32, 32, 1)
    rows = jax.jit(extractor.features)(images)
    np.testing.assert_array_equal(rows[0, :1024], levels)
    assert seen[0].shape == (1, 3, 32, 32) and seen[0].dtype == torch.uint8
