"""A task of one's own is one file: it trains, evaluates, samples, exports, reports."""

import json

import numpy as np
import pytest

import deconvgen
from deconvgen import config, tasks
from deconvgen.cli.main import run as command
from deconvgen.report import write
from deconvgen.runs import sampling
from deconvgen.sweep import plan, worker

FILE = '''
"""Learns the mean image of the data."""
import jax.numpy as jnp
import numpy as np
import optax
from deconvgen import tasks
from deconvgen.core.types import Apply, Net, State, Task
from deconvgen.metrics import Mean, image_metrics
from deconvgen.training.steps import reduce, supervised

def stripes(run, num, seed, source):
    """Stripes."""
    return np.zeros((4, num, 1), np.uint8)

@tasks.register(
    name="mean_image",
    pictures={"stripes": stripes},
    figures=lambda run: {"brightest": float(run.variables["params"]["mean"].max())},
)
def make(config, axis):
    """The mean image."""
    tx = optax.sgd(0.1)
    made = lambda params, batch: batch["image"] * 0 + params["mean"]
    far = lambda params, b: image_metrics["mse"](made(params, b), b["image"])

    def init(key, batch):
        params = {"mean": jnp.zeros(batch["image"].shape[1:])}
        nets = {"model": Net(params, {}, tx.init(params))}
        ema = {"params": params, "batch_stats": {}}
        return State(jnp.zeros((), jnp.int32), nets, ema)

    def loss(params, stats, batch, keys):
        return reduce(far(params, batch), batch["mask"], axis), (stats, {})

    ours = lambda state: state.ema["params"]
    add = lambda state, images: images + ours(state)["mean"]
    return Task(
        init,
        supervised(loss, tx, 0.0, axis),
        lambda state, b, keys: {"loss": Mean.of(far(ours(state), b), b["mask"])},
        lambda state, batch, keys: made(ours(state), batch),
        apply=Apply(add, tuple(config.data.image_shape)),
    )
'''
FEW = ("steps=4", "log_every=2", "eval_every=4", "sample_every=4", "num_samples=4")
SMALL = (*FEW, "checkpoint_every=4", "eval.num_examples=4", "eval.batch_size=4")
GOAL = ("task=mean_image", "monitor.metric=loss", "monitor.mode=min")
EXPERIMENT = """
from deconvgen.sweep import choose
QUESTION = "Which seed?"
BASE = "autoencoder:smoke"
RUNS = choose("seed", [0])
MEASURES = {"loss": "min"}
"""


@pytest.fixture
def file(tmp_path, monkeypatch):
    """The file of the task; what it registers is forgotten at the end."""
    monkeypatch.setattr(tasks.registered, "_things", {})
    monkeypatch.setattr(config.files, "_imported", {})
    path = tmp_path / "sixth.py"
    path.write_text(FILE)
    return path


def test_a_sixth_task_is_one_file(file, tmp_path, capsys):
    flags = [f"--config.{text}" for text in (*GOAL, *SMALL)]
    place = tmp_path / "sweep"
    (tmp_path / "mine.py").write_text(EXPERIMENT)
    trials = plan.save(plan.load(str(tmp_path / "mine.py")), place).trials
    folder = plan.place(place, trials[0])
    words = ["train", "--config=autoencoder:smoke", f"--import={file}", "--quiet"]
    command([*words, *flags, f"--workdir={folder}"])
    worker.record(folder, {"state": "finished", "step": 4, "seconds": 1.0})

    run = deconvgen.load(folder)
    assert {"loss", "brightest"} <= {*run.evaluate()}
    assert run.shown(3).shape == (3, 28, 28, 1)

    assert "stripes" in sampling.every()
    assert sampling.draw(str(folder), "stripes", num=5).stat().st_size
    with pytest.raises(deconvgen.UserError, match="wants a run of task superres"):
        sampling.draw(str(folder), "superres")
    capsys.readouterr()
    command(["list", "tasks", "samples"])
    assert {"mean_image", "stripes"} <= {*capsys.readouterr().out.split()}

    page, *_ = write.report([place])
    assert "1 finished" in page.read_text()
    assert json.loads((folder / "config.json").read_text())["task"] == "mean_image"

    export = pytest.importorskip("deconvgen.runs.export")
    images = np.ones((2, 28, 28, 1), "f4")
    added = export.sampler(run).call(images)
    np.testing.assert_allclose(added[0] - 1, run.shown(1)[0], atol=1e-6)
