"""Images into a latent space: a known latent is found again, directions are right."""

import json

import jax.numpy as jnp
import numpy as np
import pytest

from deconvgen.core import images
from deconvgen.core.errors import UserError
from deconvgen.runs import projection_pictures
from deconvgen.runs.projection import Search, direction, labelled, project
from tests.tiny import untrained

QUICK = Search(steps=60, starts=4, rate=0.1, perceptual=0.0, prior=0.0)
WIDE = ("model.norm=none", "model.initializer=default")


@pytest.fixture(scope="module")
def run():
    """A generator whose images differ: its start's scale is the inputs'."""
    made = untrained("gan", classes=3, overrides=WIDE)
    params = made.state.ema["params"]
    params["project"]["kernel"] = 30 * params["project"]["kernel"]
    return made


def test_a_known_latent_is_found_again(run):
    z = run.latents(2, seed=7)
    found = project(run, run.decode(z), search=QUICK)
    far = np.abs(run.latents(512, seed=0)[:, None] - z).max(-1).min(0)
    assert (np.abs(found.latents - z).max(-1) < 0.1).all() and (far > 0.2).all()
    assert found.figures()["psnr_min"] > 35
    np.testing.assert_allclose(found.images, run.decode(found.latents), atol=1e-5)
    assert found.labels is None and found.loss.shape == found.spread.shape == (2,)


def test_pictures_may_be_levels(run):
    """As those of files are; of float32 they would be far outside of [-1, 1]."""
    levels = images.to_uint8(run.decode(run.latents(1, seed=7)))
    quick = QUICK._replace(steps=1, starts=1)
    found = [project(run, x, search=quick) for x in (levels, levels / 127.5 - 1)]
    assert found[0].loss == pytest.approx(found[1].loss) and found[0].loss < 4
    own = untrained("autoencoder")
    pictures = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1)
    same = own.reconstruct(pictures) == own.reconstruct(images.to_float(pictures))
    assert same.all()


def test_an_image_without_features_has_a_distance(run):
    grey = np.zeros((1, 16, 16, 1), np.float32)
    search = QUICK._replace(steps=1, starts=1, perceptual=0.1)
    assert np.isfinite(project(run, grey, search=search).loss).all()


def test_the_prior_keeps_latents_short(run):
    image = run.decode(2.5 * run.latents(1, seed=3))
    free, kept = (
        project(run, image, search=QUICK._replace(prior=p, steps=20, starts=1))
        for p in (0.0, 10.0)
    )
    assert kept.norms < free.norms


def test_a_class_is_told_or_found():
    told = untrained(
        "gan",
        classes=3,
        overrides=(*WIDE, "model.conditional=true", "model.class_gains=true"),
    )
    params = told.state.ema["params"]
    gains = params["project_class"]["bias"]
    params["project_class"]["bias"] = jnp.arange(gains.size).reshape(3, -1) / 4.0
    z, label = told.latents(2, seed=1), np.array([2, 1])
    made = told.decode(z, label)
    search = QUICK._replace(steps=2)
    np.testing.assert_array_equal(project(told, made, search=search).labels, label)
    given = project(told, made, np.array([0, 0]), search)
    np.testing.assert_array_equal(given.labels, [0, 0])
    with pytest.raises(UserError, match="is told its class and has no direction"):
        labelled(told, 4)


@pytest.mark.parametrize("how", ["mean", "linear"])
def test_a_direction_is_that_of_the_attribute(how):
    rng = np.random.default_rng(0)
    way = np.array([3.0, 0, 4, 0]) / 5
    z = rng.normal(size=(4000, 4))
    found = direction(z, z @ way > 0.3, how)
    assert found @ way > 0.99
    np.testing.assert_allclose(np.linalg.norm(found), 1)


def test_the_mean_direction_is_the_difference_of_means():
    z = np.random.default_rng(0).normal(size=(9, 3))
    having = np.arange(9) < 3
    apart = z[having].mean(0) - z[~having].mean(0)
    np.testing.assert_allclose(direction(z, having), apart / np.linalg.norm(apart))


def test_mistakes_are_told(run):
    for call, words in (
        (lambda: direction(np.eye(3), [1, 1, 1]), "not all the same"),
        (lambda: direction(np.eye(3), [1, 0, 0], "men"), "did you mean 'mean'"),
        (lambda: project(run, np.zeros((1, 8, 8, 1))), r"shape \[n, 16, 16, 1\]"),
        (lambda: project(run, np.zeros((1, 16, 16, 1)), [0]), "labels choose nothing"),
        (lambda: labelled(run, 4), "no classifier says which class"),
        (
            lambda: project(untrained("superres"), np.zeros((1, 16, 16, 1))),
            "has no latent",
        ),
    ):
        with pytest.raises(UserError, match=words):
            call()


def test_what_is_written(run, tmp_path, monkeypatch):
    monkeypatch.setattr(projection_pictures, "load", lambda *of: run)
    made = run.decode(run.latents(5, seed=2))
    for i, image in enumerate(made):
        images.save(images.to_uint8(image), tmp_path / f"{i // 3}" / f"{i}.png")
    search = QUICK._replace(steps=2, perceptual=0.1)
    figures, written = projection_pictures.write(
        "x",
        [str(tmp_path / "0"), str(tmp_path / "1" / "3.png")],
        toward=str(tmp_path / "1"),
        away=str(tmp_path / "0"),
        out=str(tmp_path / "out"),
        search=search,
    )
    assert [path.name for path in written] == [
        *("projection.png", "interpolation.png", "direction.png"),
        *("latents.npz", "projection.json"),
    ]
    told = json.loads(written[-1].read_text())
    assert told["images"] == 4 and told["pictures"] == 5
    assert told["psnr"] == figures["psnr"]
    arrays = np.load(written[-2])
    assert arrays["latents"].shape == (4, 4) and arrays["direction"].shape == (4,)
    sizes = [images.load(path, 1).shape for path in written[:3]]
    ratios = [height / width for height, width, _ in sizes]
    np.testing.assert_allclose(ratios, [4 / 3, 3 / 10, 4 / 8], rtol=0.1)
