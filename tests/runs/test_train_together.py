"""Runs trained together have the numbers that they have one by one."""

import time

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from deconvgen import config, tasks
from deconvgen.core.errors import UserError
from deconvgen.runs import setup as runs
from deconvgen.runs.kept import Kept
from deconvgen.runs.population import reason_against
from deconvgen.runs.train import train_together
from deconvgen.training import loop, monitor
from deconvgen.training import parallel as devices
from deconvgen.training.log import METRICS, read
from deconvgen.training.stopwatch import EVENTS

SMALL = [
    "steps=4",
    "batch_size=4",
    "model.features=4,4",
    "model.latent=4",
    "num_samples=4",
    "eval.num_examples=10",
    "eval.batch_size=10",
    "log_every=2",
    "eval_every=4",
    "checkpoint_every=2",
    "sample_every=4",
]


def load(seed, *more):
    return config.load("autoencoder:smoke", [*SMALL, f"seed={seed}", *more])


@pytest.fixture(scope="module")
def passed():
    """The seconds that `together` took."""
    return []


@pytest.fixture(scope="module")
def together(tmp_path_factory, passed):
    """Two seeds of two rates together, into the folders of ordinary runs."""
    place = tmp_path_factory.mktemp("seeds")
    folders = [place / "0", place / "1"]
    loaded = [load(0), load(1, "optimizer.learning_rate=0.01", "ema=0.5")]
    began = time.monotonic()
    outcomes = train_together(loaded, folders, quiet=True)
    passed.append(time.monotonic() - began)
    return loaded, folders, outcomes


@pytest.mark.slow
def test_a_process_that_has_had_the_program_traces_and_compiles_nothing(tmp_path):
    kept, counts = Kept(), []

    def heard(event, seconds, **_):
        counts[-1] += event in EVENTS

    jax.monitoring.register_event_duration_secs_listener(heard)
    for seed in (0, 1):
        counts.append(0)
        train_together([load(seed)], [tmp_path / f"{seed}"], quiet=True, kept=kept)
    first, again = counts
    assert again == 0 < first


def test_the_numbers_are_those_of_each_seed_by_itself(together):
    """Against plain steps of the task, seed by seed, to 1e-4 of the loss."""
    loaded, folders, _ = together
    train_set = runs.dataset(loaded[0], "train")
    for one, folder in zip(loaded, folders, strict=True):
        settled = runs.resolve(one, train_set)
        task = tasks.make(settled, None)
        example = next(runs.dataset(settled, "test").eval_batches(1))
        state = runs.initial(settled, example, settled.seed)
        root = jax.random.fold_in(jax.random.key(settled.seed), 1)
        batches = train_set.train_batches(settled.seed, settled.batch_size)
        step = jax.jit(task.train_step)
        losses = []
        for index in range(4):
            keys = devices.example_keys(root, index, 0, settled.batch_size)
            state, scalars = step(state, jax.device_put(next(batches)), keys)
            losses.append(float(scalars["loss"]))
        logged = [r["loss"] for r in read(folder / METRICS) if r["kind"] == "train"]
        np.testing.assert_allclose(logged, losses[1::2], rtol=1e-4)


def test_seeds_differ(together):
    _, _, outcomes = together
    assert outcomes[0].last["psnr"] != outcomes[1].last["psnr"]


@pytest.mark.slow
def test_each_seed_has_an_ordinary_run_folder(together):
    from deconvgen.runs.train import train

    loaded, folders, outcomes = together
    for one, folder, outcome in zip(loaded, folders, outcomes, strict=True):
        kinds = {record["kind"] for record in read(folder / METRICS)}
        assert kinds == {"train", "eval", "cost"} and outcome.step == 4
        assert list((folder / "samples").glob("*.png"))
        again = train(one, folder, quiet=True)  # finished: nothing is left to do
        assert again.last == outcome.last


@pytest.mark.slow
def test_a_seed_s_records_are_those_of_a_run_with_its_share_of_the_time(
    together, tmp_path
):
    from deconvgen.runs.train import train

    loaded, folders, _ = together
    train(loaded[0], tmp_path, quiet=True)
    kinds = lambda place: {
        (r["kind"], key): r[key] for r in read(place / METRICS) for key in r
    }
    alone, shared = kinds(tmp_path), kinds(folders[0])
    memory = {("cost", "peak_memory_mib")}  # the group's, not known for a seed
    assert shared.keys() == alone.keys() - memory | {("cost", "runs_together")}
    for name in ("multiply_adds_train", "multiply_adds_sample"):
        assert shared["cost", name] == pytest.approx(alone["cost", name], rel=0.01)
    assert shared["cost", "runs_together"] == 2


def test_the_seconds_of_the_seeds_add_up_to_those_of_the_group(together, passed):
    _, folders, _ = together
    ends = [read(folder / METRICS)[-1] for folder in folders]
    assert ends[0]["kind"] == "cost"
    assert sum(end["seconds"] for end in ends) <= passed[0]


@pytest.mark.slow
def test_a_collapse_is_told_of_and_an_unknown_monitor_refused(tmp_path, monkeypatch):
    said, make = [], tasks.make

    def collapsing(config, axis):
        task = make(config, axis)

        def step(*arguments):
            state, scalars = task.train_step(*arguments)
            return state, scalars | {"diversity": jnp.float32(0.1)}

        return task._replace(train_step=step)

    monkeypatch.setattr(tasks, "make", collapsing)
    monkeypatch.setattr(loop, "say", said.append)
    monkeypatch.setattr(monitor, "EARLY", 0)
    short = ("steps=2", "eval_every=2", "monitor.metric=psnrr")
    loaded = [load(seed, *short) for seed in (3, 4)]
    with pytest.raises(UserError, match="did you mean 'psnr'"):
        train_together(loaded, [tmp_path / "3", tmp_path / "4"], quiet=True)
    assert [text.partition(" the ")[0] for text in said] == [
        f"{seed}: warning: at step 2" for seed in (3, 4)
    ]


@pytest.mark.parametrize(
    "more, why",
    [
        (["steps=5"], "differ in steps"),
        (["model.latent=5", "ema=0"], "differ in ema, model.latent"),
    ],
)
def test_settings_are_not_trained_together(more, why, tmp_path):
    with pytest.raises(UserError, match=why):
        train_together([load(0), load(1, *more)], [tmp_path / "0", tmp_path / "1"])


def test_runs_at_different_steps_are_not_trained_together(together, tmp_path):
    loaded, folders, _ = together
    why = reason_against(loaded, [folders[0], tmp_path / "new"])
    assert why == "they are at different steps"
