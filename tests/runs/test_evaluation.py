"""What `deconvgen evaluate` finds out about a run, of every task."""

import contextlib
import io
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax.traverse_util import flatten_dict
from matplotlib.image import imread

from deconvgen import config, tasks
from deconvgen.cli import main as cli
from deconvgen.core.errors import UserError
from deconvgen.data import Dataset
from deconvgen.metrics import sums as metrics
from deconvgen.runs import run, train, trusted
from deconvgen.runs import setup as runs
from deconvgen.runs.evaluation import evaluation
from deconvgen.training import (
    batch_norm as batch_statistics,
)
from deconvgen.training import (
    evaluate,
)
from deconvgen.training import (
    parallel as devices,
)
from tests.decoders import NAMES, batch, settings, start
from tests.tiny import TINY


@pytest.fixture(scope="module", autouse=True)
def quickly():
    """A few training images will do."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trusted, "TRAINING", 64)
        yield


@pytest.fixture(scope="module")
def gan(tmp_path_factory):
    """A run folder of a GAN of a few channels."""
    folder = tmp_path_factory.mktemp("gan") / "run"
    train.train(config.load("dcgan:smoke", TINY), folder, quiet=True)
    return folder


@pytest.fixture(scope="module")
def found(gan):
    """What its evaluation finds."""
    return evaluation(run.load(gan))


def test_weights_gradients_shifts_and_memorization_are_reported(found):
    figures = found.figures
    for name in ("dc_gap_up_0", "dc_gap_up_1"):
        assert 0.1 < figures[name] <= 1  # independent weights have 0.87
    assert figures["gradient_phase_variance_ratio_s2"] > 1
    assert np.isfinite(figures["gradient_replica_db_s2"])
    assert 0.05 < figures["shift_inconsistency"] < 2
    assert figures["memorization_ratio_random"] > 1  # noise is far from clothing
    assert figures["images_training_random"] == 64
    assert 0 < figures["frechet_random_floor"] < figures["frechet_random"]
    assert 0 < figures["frechet_random_sd"] < figures["frechet_random"]
    assert found.real.shape == found.fake.shape == (12, 28, 28, 1)


def test_training_does_not_pay_for_the_probes(gan):
    evals = [r for r in run.read(gan / "metrics.jsonl") if r["kind"] == "eval"]
    assert "shift_inconsistency" not in evals[-1]
    assert "gradient_phase_variance_ratio_s2" not in evals[-1]


@pytest.fixture(scope="module")
def said(gan):
    """What the command prints."""
    text = io.StringIO()
    with contextlib.redirect_stdout(text):
        cli.run(["evaluate", f"--workdir={gan}", "--batch_norm=re-estimated"])
    return text.getvalue()


def test_the_command_prints_names_in_full_and_writes_pictures(gan, said):
    assert "frechet_random (12 test / 12" in said
    assert "frechet_random_floor (12 test / 12 training)" in said
    assert "batch_norm re-estimated" in said
    assert "steps_to_within_10_percent" in said
    written = json.loads((gan / "evaluation.json").read_text())
    assert "frechet_random" in written["best"]
    for name in ("azimuthal", "spectra", "worst"):
        path = gan / "evaluation" / f"{name}.png"
        assert str(path) in said.replace("\n", "")
        assert imread(path)[..., :3].std() > 0.01


@pytest.mark.slow
def test_batch_norm_modes_are_three_networks_and_said(gan, said, found):
    loaded = run.load(gan)
    again = json.loads((gan / "evaluation.json").read_text())["best"]
    each = [found.figures, loaded.evaluate(batch_norm="batch"), again]
    modes = config.row("", "eval.batch_norm").names()
    assert tuple(f["batch_norm"] for f in each) == modes
    assert len({round(f["frechet_random"], 4) for f in each}) == 3
    with pytest.raises(UserError, match="did you mean 'running'"):
        loaded.evaluate(batch_norm="runing")


def test_modes_without_batch_norm_are_refused():
    made = config.load("dcgan:smoke", (*TINY, "model.norm=group"))
    facts = evaluate.provenance(made, Dataset(*[None, "test", 5, *[None] * 5]), 3, 2)
    assert facts["batch_norm"] == "none"
    with pytest.raises(UserError, match=r"unknown eval\.batch_norm"):
        runs.check(config.load("dcgan:smoke", ("eval.batch_norm=btch",)))


def test_re_estimated_statistics_are_those_of_all_the_data_together():
    """Of the first norm, whose input no other norm changes."""
    made = settings("autoencoder")
    task, state = tasks.make(made, None), start(made)
    step = jax.jit(batch_statistics.statistics(task))
    keys = jax.random.split(jax.random.key(0), 4)
    sums = None
    for seed in range(3):
        sums = metrics.add(sums, step(state, batch(made, seed=seed), keys))
    new = batch_statistics.replaced(state, sums["statistics"]).ema["batch_stats"]
    old, new = flatten_dict(state.ema["batch_stats"]), flatten_dict(new)
    assert old.keys() == new.keys()
    assert not any(np.allclose(old[k], new[k]) for k in old if k[-1] == "mean")
    images = jnp.concatenate([batch(made, seed=s)["image"] for s in range(3)])
    together = {"image": images, "mask": jnp.ones(12)}
    whole = jax.jit(batch_statistics.statistics(task))(
        state, together, jax.random.split(jax.random.key(0), 12)
    )
    expected = flatten_dict(
        batch_statistics.replaced(state, whole["statistics"]).ema["batch_stats"]
    )
    first = [k for k in new if "encoder" in k and "norm_0" in k[1]]
    assert first
    for key in first:
        np.testing.assert_allclose(new[key], expected[key], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_every_task_has_a_probe(name):
    made = settings(name)
    task, spread = tasks.make(made, None), devices.one()
    step = evaluate.make_step(task, spread, 0, probe=True)
    given = spread.put_batch(batch(made))
    sums = spread.local(step(start(made), given, 0))
    real, fake = np.moveaxis(sums.pop("pairs").rows(), 1, 0)
    assert real.shape == fake.shape and real.shape[:3] == given["image"].shape[:3]
    figures = metrics.results(sums)
    assert figures["gradient_phase_variance_ratio_s2"] > 1
    assert 0 <= figures["shift_inconsistency"] < 3
    assert figures["phase_variance_ratio_s2"] >= 1
