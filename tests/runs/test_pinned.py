"""A run goes on with what made it: its config and its data, wherever they are."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image

from deconvgen.core.errors import UserError
from deconvgen.runs import pinned, setup
from deconvgen.runs.run import load
from deconvgen.runs.train import train
from deconvgen.training import checkpoint
from deconvgen.training.log import read
from tests.tiny import gan

SHORT = ("steps=2", "eval_every=2", "sample_every=2", "data.image_size=16")


def paint(path, seed):
    pixels = np.random.default_rng(seed).integers(0, 256, (16, 16), np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder with `photos/` and a run of two steps that was trained on it."""
    place = tmp_path_factory.mktemp("pinned")
    for number in range(24):
        paint(place / "photos" / f"{number}.png", number)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        train(gan(*SHORT, "data.folder=photos"), place / "run", quiet=True)
    return place


@pytest.fixture
def place(made, tmp_path, monkeypatch):
    """A copy of it, as a person finds it who comes back; the images are moved along."""
    shutil.copytree(made, tmp_path / "here")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "here"


def settings(place, *more):
    return gan(*SHORT, f"data.folder={place / 'photos'}", *more)


def claimed(place, *more):
    """What `train` finds out before it computes anything."""
    config = settings(place, *more)
    config = setup.resolve(config, setup.dataset(config, "train"))
    with setup.claim(place / "run", config) as changed:
        return changed


def test_the_data_are_in_the_config_and_in_the_checkpoint(made, monkeypatch, tmp_path):
    """facebookresearch/hydra#922: a relative path means another folder elsewhere."""
    config = pinned.saved(made / "run")
    assert config.data.folder == str(made / "photos")
    assert len(config.data.identity.sha256) == 64
    told = checkpoint.find(made / "run").meta["config"]["data"]
    assert told["folder"] == str(made / "photos")
    assert told["identity"]["sha256"] == config.data.identity.sha256
    paint(tmp_path / "photos" / "other.png", 99)
    monkeypatch.chdir(tmp_path)
    assert load(made / "run").train_set.identity["folder"] == str(made / "photos")


def test_images_that_were_moved_are_the_same_and_it_is_recorded(place, capsys):
    was, now = claimed(place)["data.folder"]
    assert now == str(place / "photos") != was
    assert "the images are the same" in capsys.readouterr().err
    (change,) = pinned.saved(place / "run").history
    assert change["step"] == 2 and change["changed"].keys() == {"data.folder"}
    assert claimed(place) == {}  # once


def test_more_images_are_other_images(place):
    """AlexeyAB/darknet#5300: images are added, and the same command goes on."""
    claimed(place)
    paint(place / "photos" / "more.png", 99)
    paint(place / "photos" / "3.png", 98)
    words = r"24 then, 25 now; 1 new, 'more.png' first"
    with pytest.raises(UserError, match=f"of other images than .*photos.*{words}"):
        claimed(place)
    run = load(place / "run")
    run.sample(2)  # needs none of them
    for split in (lambda: run.test_set, lambda: run.train_set):
        with pytest.raises(UserError, match=words):
            split()


def test_harmless_keys_may_change_and_the_run_says_when(place):
    """bghira/SimpleTuner#1172: more steps were another run."""
    keys = ("steps=4", "log_every=2", "eval.num_examples=8", "monitor.patience=3")
    train(settings(place, *keys), place / "run", quiet=True)
    records = read(place / "run" / "metrics.jsonl")
    (change,) = (r for r in records if r["kind"] == "config")
    assert change["step"] == 2
    assert change["changed"]["steps"] == [2, 4]
    assert change["changed"]["eval.num_examples"] == [12, 8]
    assert checkpoint.steps(place / "run")[-1] == 4
    saved = json.loads((place / "run" / "config.json").read_text())
    assert saved["steps"] == 4
    assert saved["history"][0]["changed"]["steps"] == [2, 4]
    assert [r["step"] for r in records if r["kind"] == "eval"] == [2, 4]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("model.latent=5", "model.latent: 4 -> 5"),
        ("batch_size=4", "batch_size: 8 -> 4"),
        ("optimizer.learning_rate=1.0", r"optimizer.learning_rate: 0.0002 -> 1.0"),
        ("seed=1", "seed: 0 -> 1"),
        ("steps=1", "is at step 2 already, steps=1 is behind it"),
    ],
)
def test_what_made_the_run_may_not_change(place, change, words):
    with pytest.raises(UserError, match=words):
        claimed(place, change)


def test_more_steps_of_a_schedule_are_told_with_their_rates(place, capsys):
    """By hand: half a cosine at step 1 of 2 is 1/2, of 4 it is (1 + cos(pi/4)) / 2."""
    cosine = settings(place, "optimizer.schedule=cosine", "optimizer.learning_rate=1")
    more = settings(place, "optimizer.schedule=cosine", "optimizer.learning_rate=1")
    more.steps = 4
    assert pinned.changes(place / "none", cosine, more, 1) == {"steps": [2, 4]}
    said = capsys.readouterr().err
    assert "makes 0.854 of a learning rate of 0.5" in said
    more.optimizer.schedule = cosine.optimizer.schedule = "constant"
    pinned.changes(place / "none", cosine, more, 1)
    assert "learning rate" not in capsys.readouterr().err


@pytest.mark.parametrize("content", [None, "", "[]", '{"task": "gan", "steps": "x"}'])
def test_a_checkpoint_knows_the_config_that_was_lost(place, content, capsys):
    """A config.json that is gone or damaged, and the run is what it was."""
    path = place / "run" / "config.json"
    whole = pinned.saved(place / "run")
    path.unlink() if content is None else path.write_text(content)
    assert pinned.saved(place / "run").to_dict() == whole.to_dict()
    assert "taken from checkpoint 2" in capsys.readouterr().err
    assert load(place / "run").config.to_dict() == whole.to_dict()
    claimed(place)
    assert json.loads(path.read_text())["model"]["latent"] == 4


def test_a_checkpoint_is_right_about_what_it_was_trained_with(place, capsys):
    path = place / "run" / "config.json"
    edited = json.loads(path.read_text())
    edited["model"]["upsampler"], edited["log_every"] = "nearest_conv", 7
    path.write_text(json.dumps(edited))
    found = pinned.saved(place / "run")
    assert (found.model.upsampler, found.log_every) == ("conv_transpose", 7)
    assert "'conv_transpose' -> 'nearest_conv'" in capsys.readouterr().err


def test_a_run_from_before_loads_and_goes_on(place):
    """Its config and checkpoints say nothing of its data but a relative path."""
    for path in (place / "run" / "config.json", *(place / "run").rglob("meta.json")):
        told = json.loads(path.read_text())
        config = told.get("config", told)
        del config["data"]["identity"]
        config.pop("history", None)
        config["data"]["folder"] = str(place / "photos")
        path.write_text(json.dumps(told))
    for manifest in (place / "run").rglob("manifest.json"):
        digests = json.loads(manifest.read_text())
        digests["meta.json"] = checkpoint._digest(manifest.with_name("meta.json"))
        manifest.write_text(json.dumps(digests))
    assert load(place / "run").test_set.num_examples > 0
    assert claimed(place) == {}
    assert "sha256" in pinned.saved(place / "run").data.identity


def test_a_config_without_its_images_is_taken_from_the_checkpoint(place, capsys):
    """What is there of it would be filled up with defaults, steps and all."""
    (place / "run" / "config.json").write_text('{"task": "gan"}')
    assert pinned.saved(place / "run").steps == 2
    assert "it has no data.image_shape" in capsys.readouterr().err
