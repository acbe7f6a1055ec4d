"""Shipped checkpoints: small, whole, and what they say of themselves."""

import json
import math
import shutil

import jax
import numpy as np
import pytest

from deconvgen import config
from deconvgen.core.errors import UserError
from deconvgen.runs import pretrained, run, trusted
from deconvgen.runs import setup as runs
from tests.tiny import untrained

NAME = "dcgan-fashion"
FEWER = {"segmentation": 500, "superres": 429}
"""Test images of the tasks that have no thousand."""


@pytest.mark.parametrize("name", pretrained.names())
def test_each_is_small_and_says_how_it_was_made(name):
    config, found = pretrained.find(name)
    assert sum(f.stat().st_size for f in found.path.iterdir()) <= pretrained.LARGEST
    assert found.meta["command"].startswith("deconvgen train --config=")
    figures = found.meta["figures"]
    assert figures["split"] == "test"
    assert figures["num_examples"] >= FEWER.get(config.task, 1000)
    assert not any(math.isnan(v) for v in figures.values() if isinstance(v, float))
    assert found.step <= config.steps


def test_packing_rounds_the_averages_and_keeps_nothing_else(tmp_path, monkeypatch):
    loaded = run.load("pretrained:dcgan-fashion")
    images = loaded.sample(4)
    monkeypatch.setattr(pretrained, "HERE", tmp_path)
    what, made = (loaded.config, loaded.state), {"command": "deconvgen train"}
    pretrained.pack(*what, tmp_path / "half", made, "float16")
    pretrained.pack(*what, tmp_path / "single", made, "float32")
    for name in pretrained.names():
        again = run.load(f"pretrained:{name}")
        np.testing.assert_allclose(again.sample(4), images, atol=1e-6)
        assert again.state.nets == {}
    half, single = (np.load(tmp_path / n / "weights.npz") for n in ("half", "single"))
    assert all("params" in name or "batch_stats" in name for name in half)
    assert half["['params']['project']['kernel']"].dtype == np.float16
    assert single["['params']['project']['kernel']"].dtype == np.float32
    about = json.loads((tmp_path / "half" / "about.json").read_text())
    assert about["parameters"] == sum(half[name].size for name in half)


def test_a_damaged_one_is_refused(tmp_path, monkeypatch):
    shutil.copytree(pretrained.HERE / "dcgan-fashion", tmp_path / "broken")
    monkeypatch.setattr(pretrained, "HERE", tmp_path)
    with (tmp_path / "broken" / "weights.npz").open("ab") as file:
        file.write(b"x")
    with pytest.raises(UserError, match="is damaged"):
        run.load("pretrained:broken")


@pytest.mark.slow
def test_its_evaluation_has_all_but_the_critics_figures(monkeypatch):
    monkeypatch.setattr(trusted, "TRAINING", 100)
    figures = run.load("pretrained:dcgan-fashion").evaluate(limit=200)
    assert not {"g_loss", "gradient_replica_db_s2"} & figures.keys()
    assert "spectrum_distance_db" in figures
    assert not any(math.isnan(v) for v in figures.values() if isinstance(v, float))


def test_init_from_takes_the_averages_that_were_measured(capsys):
    settings = config.read(pretrained.HERE / NAME / "config.json")
    settings.init_from = f"pretrained:{NAME}"
    example = {"image": np.zeros((1, 28, 28, 1), "f4"), "mask": np.ones(1, "f4")}
    state = runs.initial(settings, example, 0)
    shipped = run.load(f"pretrained:{NAME}").variables["params"]
    for params in (state.nets["generator"].params, state.ema["params"]):
        jax.tree.map(np.testing.assert_array_equal, params, shipped)
    said = capsys.readouterr().err
    assert len(said.splitlines()) == 1
    assert "its own start keeps critic/encoder/down_0" in said


def test_init_from_is_refused_where_nothing_fits():
    given = [f"init_from=pretrained:{NAME}"]
    with pytest.raises(UserError, match="nothing there has the name and the shape"):
        untrained("autoencoder", overrides=given)
