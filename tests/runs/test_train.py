"""The loop: resuming is exact, early stopping stops, what goes wrong is told."""

import json
import os
import shutil
import subprocess
import sys
import time

import numpy as np
import pytest

from deconvgen import config
from deconvgen.core.errors import UserError
from deconvgen.runs.train import Diverged, Stopped, train
from deconvgen.training import checkpoint, loop
from tests.tiny import gan

CLOCK = ("seconds", "images_per_second")  # and records of the kind "cost"


def history(workdir):
    lines = (workdir / "metrics.jsonl").read_text().splitlines()
    records = [json.loads(line) for line in lines]
    records = [r for r in records if r["kind"] != "cost"]
    return [{k: v for k, v in r.items() if k not in CLOCK} for r in records]


def assert_same_run(a, b):
    """Bitwise the same arrays at the end, and the same records on the way."""
    last = checkpoint.steps(a)[-1]
    assert checkpoint.steps(b)[-1] == last
    ours, theirs = (
        checkpoint.read_arrays(checkpoint.folder(workdir, last)) for workdir in (a, b)
    )
    assert ours.keys() == theirs.keys()
    for name in ours:
        np.testing.assert_array_equal(ours[name], theirs[name], err_msg=name)
    assert history(a) == history(b)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run that nobody disturbed."""
    workdir = tmp_path_factory.mktemp("whole")
    outcome = train(gan(), workdir, quiet=True)
    assert outcome.step == 6
    return workdir


def test_a_run_leaves_config_history_checkpoints_and_pictures(whole):
    steps = [r["step"] for r in history(whole) if r["kind"] == "train"]
    assert steps == [1, 2, 3, 4, 5, 6]
    assert checkpoint.steps(whole) == [4, 6]
    assert (whole / "samples" / "00000006.png").stat().st_size > 100
    assert (whole / "config.json").is_file()
    (record,) = [r for r in history(whole) if r["kind"] == "eval"]
    assert record["num_examples"] == 12
    assert {"checkpoint", "split", "ema", "batch_norm", "seed"} <= set(record)


def test_resuming_is_bitwise_the_uninterrupted_run(whole, tmp_path):
    workdir = tmp_path / "resumed"
    shutil.copytree(whole, workdir)
    shutil.rmtree(checkpoint.folder(workdir, 6))
    with (workdir / "metrics.jsonl").open("a") as file:
        file.write('{"step": 99, "kind": "tr')  # written after the checkpoint, cut off
    train(gan(), workdir, quiet=True)
    assert_same_run(whole, workdir)


def test_a_damaged_checkpoint_is_passed_over_and_the_end_is_the_same(
    whole, tmp_path, capfd
):
    workdir = tmp_path / "damaged"
    shutil.copytree(whole, workdir)
    (checkpoint.folder(workdir, 6) / "meta.json").write_text("{}")
    train(gan(), workdir, quiet=True)
    assert "is damaged (its file meta.json has changed)" in capfd.readouterr().err
    assert_same_run(whole, workdir)


def test_a_finished_run_is_left_alone(whole):
    before = (whole / "metrics.jsonl").read_bytes()
    outcome = train(gan(), whole, quiet=True)
    assert outcome.step == 6
    assert (whole / "metrics.jsonl").read_bytes() == before


def test_another_config_for_the_same_folder_is_refused(whole):
    with pytest.raises(UserError, match=r"another config .*model.latent: 4 -> 5"):
        train(gan("model.latent=5"), whole, quiet=True)


def test_a_folder_in_use_is_refused(whole):
    from deconvgen import config
    from deconvgen.runs import setup as runs

    with (
        runs.claim(whole, config.read(whole / "config.json")),
        pytest.raises(UserError, match="another process is training"),
    ):
        train(gan(), whole, quiet=True)


def test_a_signal_saves_and_leaves_and_the_run_goes_on(whole, tmp_path, monkeypatch):
    real = loop.agreed
    monkeypatch.setattr(loop, "agreed", lambda asked, step, every: 15 * (step == 3))
    with pytest.raises(Stopped, match="stopped by SIGTERM at step 3") as stopped:
        train(gan(), tmp_path, quiet=True)
    assert stopped.value.code == 128 + 15
    assert checkpoint.steps(tmp_path)[-1] == 3
    monkeypatch.setattr(loop, "agreed", real)
    train(gan(), tmp_path, quiet=True)
    assert_same_run(whole, tmp_path)


def test_a_loss_that_is_not_finite_stops_the_run_and_keeps_what_was_good(tmp_path):
    config = gan("optimizer.name=sgd", "optimizer.learning_rate=1e38", "steps=50")
    with pytest.raises(Diverged, match=r"became \S+ at step .* Likely knobs"):
        train(config, tmp_path, quiet=True)
    for step in checkpoint.steps(tmp_path):
        arrays = checkpoint.read_arrays(checkpoint.folder(tmp_path, step))
        assert all(np.isfinite(a).all() for a in arrays.values() if a.dtype.kind == "f")


def test_early_stopping_and_the_best_checkpoint(tmp_path):
    # A generator that stands still is never better than at its first evaluation.
    config = gan(
        "optimizer.learning_rate=0.0",
        "critic_optimizer.learning_rate=0.0",
        "model.norm=none",
        "model.critic_norm=none",
        "steps=40",
        "eval_every=2",
        "monitor.patience=3",
    )
    outcome = train(config, tmp_path, quiet=True)
    assert outcome.step == 8
    assert outcome.best["checkpoint"] == 2
    assert checkpoint.steps(tmp_path) == [2, 6, 8]
    assert checkpoint.find(tmp_path, "best", "g_loss").step == 2
    assert train(config, tmp_path, quiet=True).step == 8  # and is not trained further


def test_an_unknown_monitor_metric_is_told(tmp_path):
    with pytest.raises(UserError, match=r"monitor.metric 'g_los'; did you mean"):
        train(gan("monitor.metric=g_los"), tmp_path, quiet=True)


def test_init_from_takes_the_parameters_of_another_run(whole, tmp_path):
    from deconvgen.runs import run

    still = ("optimizer.learning_rate=0.0", "steps=1", "ema=0", "model.norm=none")
    first = train(gan("model.norm=none", "ema=0"), tmp_path / "a", quiet=True)
    second = gan(*still, f"init_from={first.workdir}")
    train(second, tmp_path / "b", quiet=True)
    a, b = run.load(tmp_path / "a", "latest"), run.load(tmp_path / "b", "latest")
    np.testing.assert_array_equal(a.sample(4), b.sample(4))


# As users run it: compiled with all optimizations, in processes of the same kind.
QUICK = ("JAX_DISABLE_MOST_OPTIMIZATIONS", "XLA_FLAGS")
PROCESS = {
    "cwd": config.HERE.parent,
    "env": {name: value for name, value in os.environ.items() if name not in QUICK},
}


def training(*overrides):
    """The command that trains in a process of its own, but for the run folders."""
    script = (
        "import sys; from deconvgen.runs.train import train;from tests.tiny import gan"
    )
    call = f"[train(gan(*{overrides!r}), folder) for folder in sys.argv[1:]]"
    return [sys.executable, "-c", f"{script}; {call}"]


def test_killed_it_goes_on_bitwise(tmp_path):
    """A real SIGKILL, as soon as there is a checkpoint."""
    few = ("steps=20", "eval_every=10", "sample_every=20")
    block = ("model.features=4", "model.factors=2")  # one: half as much to compile
    command, workdir = training(*few, *block), tmp_path / "killed"
    process = subprocess.Popen([*command, str(workdir)], **PROCESS)
    deadline = time.monotonic() + 240
    while not checkpoint.steps(workdir) and time.monotonic() < deadline:
        time.sleep(0.01)
    process.kill()
    process.wait()
    assert checkpoint.steps(workdir)[-1] < 20
    folders = [str(workdir), str(tmp_path / "whole")]
    subprocess.run([*command, *folders], check=True, **PROCESS)
    assert_same_run(tmp_path / "whole", workdir)


@pytest.mark.slow
def test_killed_twenty_times_at_random_moments_it_goes_on_bitwise(tmp_path):
    """While it loads, compiles, trains, evaluates or writes: whatever it is at."""
    often = ("log_every=5", "checkpoint_every=50", "eval_every=500", "sample_every=500")
    command = training("steps=40000", *often)
    workdir, reached, began = tmp_path / "killed", [], time.monotonic()
    start = 240.0  # what it takes to load, to compile and to write a first checkpoint
    for share in (1.0, *np.random.default_rng(0).uniform(0.3, 1.2, 19)):
        process = subprocess.Popen([*command, str(workdir)], **PROCESS)
        until = time.monotonic() + share * start
        while time.monotonic() < until and (reached or not checkpoint.steps(workdir)):
            time.sleep(0.01)
        start = start if reached else time.monotonic() - began
        assert process.poll() is None, "it had ended before it was killed"
        process.kill()
        process.wait()
        reached += checkpoint.steps(workdir)[-1:]
    assert reached == sorted(reached) and len(set(reached)) > 5
    for folder in (workdir, tmp_path / "whole"):
        subprocess.run([*command, str(folder)], check=True, **PROCESS)
    assert_same_run(tmp_path / "whole", workdir)
