"""Shipped checkpoints: small, whole, and what they say of themselves."""

import json
import math
import shutil

import numpy as np
import pytest

from deconvgen import pretrained, probes, run
from deconvgen.errors import UserError


@pytest.mark.parametrize("name", pretrained.names())
def test_each_is_small_and_says_how_it_was_made(name):
    config, found = pretrained.find(name)
    assert sum(f.stat().st_size for f in found.path.iterdir()) <= pretrained.LARGEST
    assert found.meta["command"].startswith("deconvgen train --config=")
    figures = found.meta["figures"]
    assert figures["num_examples"] >= 1000
    assert not any(math.isnan(v) for v in figures.values() if isinstance(v, float))
    assert found.step <= config.steps


def test_packing_rounds_the_averages_and_keeps_nothing_else(tmp_path, monkeypatch):
    loaded = run.load("pretrained:dcgan-fashion")
    images = loaded.sample(4)
    monkeypatch.setattr(pretrained, "HERE", tmp_path)
    what = (loaded.config, loaded.state)
    pretrained.pack(*what, tmp_path / "half", "deconvgen train", "float16")
    pretrained.pack(*what, tmp_path / "single", "deconvgen train", "float32")
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


def test_its_evaluation_has_all_but_the_critics_figures(monkeypatch):
    monkeypatch.setattr(probes, "TRAINING", 100)
    figures = run.load("pretrained:dcgan-fashion").evaluate(limit=200)
    assert not {"g_loss", "gradient_replica_db_s2"} & figures.keys()
    assert "spectrum_distance_db" in figures
    assert not any(math.isnan(v) for v in figures.values() if isinstance(v, float))
