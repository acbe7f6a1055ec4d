"""The same numbers on one device, on several, and on several hosts."""

import json
import os
import socket
import subprocess
import sys

import numpy as np
import pytest

from deconvgen import config
from tests.tiny import TINY

TRAIN = [sys.executable, "-m", "deconvgen.cli", "train", "--config=dcgan:smoke"]
BLOCK = ("model.features=4", "model.factors=2")  # one: half as much to compile
# Without batch norm's amplification the difference stays at float32's rounding.
VALUES = [f"--config.{value}" for value in (*TINY, *BLOCK)]


def environment(devices):
    """Of a process that finds so many devices."""
    flags = f"--xla_force_host_platform_device_count={devices}"
    flags = f"{os.environ.get('XLA_FLAGS', '')} {flags}"
    return os.environ | {"XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu"}


def start(workdir, devices, *extra):
    command = [*TRAIN, f"--workdir={workdir}", *VALUES, "--quiet", *extra]
    return subprocess.Popen(
        command,
        env=environment(devices),
        cwd=config.HERE.parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def records(workdir):
    lines = (workdir / "metrics.jsonl").read_text().splitlines()
    parsed = [json.loads(line) for line in lines]
    return [record for record in parsed if record["kind"] != "cost"]


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """On 1 and 4 devices, and on 2 processes of 2 devices that talk on the loopback."""
    root = tmp_path_factory.mktemp("runs")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    hosts = [f"--coordinator=127.0.0.1:{port}", "--num_processes=2"]
    groups = [
        [start(root / "one", 1)],
        [start(root / "four", 4)],
        [start(root / "hosts", 2, *hosts, f"--process_id={i}") for i in (0, 1)],
    ]
    for group in groups:
        for process in group:
            said, _ = process.communicate(timeout=300)
            assert process.returncode == 0, said
    return root


@pytest.mark.parametrize("other", ["four", "hosts"])
def test_losses_and_figures_agree_to_float_tolerance(runs, other):
    one, many = records(runs / "one"), records(runs / other)
    assert [r["step"] for r in one] == [r["step"] for r in many]
    for a, b in zip(one, many, strict=True):
        assert a.keys() == b.keys()
        # The other figures of an evaluation of 12 images jump with a neighbour.
        train = {"d_loss", "g_loss", "real_logit", "fake_logit", "diversity"}
        names = train if a["kind"] == "train" else {"d_loss", "g_loss"}
        for name in names:
            np.testing.assert_allclose(
                a[name], b[name], rtol=2e-3, atol=2e-4, err_msg=f"{name} {a['step']}"
            )


def test_the_first_losses_agree_closely(runs):
    one, many = records(runs / "one")[0], records(runs / "four")[0]
    for name in ("d_loss", "g_loss", "real_logit", "fake_logit", "diversity"):
        np.testing.assert_allclose(one[name], many[name], rtol=1e-5, atol=1e-6)


def test_a_run_of_one_device_goes_on_on_four(runs):
    process = start(runs / "one", 4)
    said, _ = process.communicate(timeout=300)
    assert process.returncode == 0, said


def test_a_batch_that_does_not_divide_is_told(tmp_path):
    process = start(tmp_path, 3)
    said, _ = process.communicate(timeout=300)
    assert process.returncode == 2
    assert "batch_size=8 does not divide among 3 devices; use 6" in said


SHARDED = """
import warnings
import jax, numpy as np
from deconvgen import tasks
from deconvgen.runs import setup
from deconvgen.training import parallel
from tests.tiny import gan

warnings.simplefilter("error")  # nothing deprecated is called by us or for us
config = setup.describe(gan("model.norm=none", "model.critic_norm=none"), (8, 8, 1))
task = tasks.make(config, parallel.AXIS)
rng = np.random.default_rng(0)
image = rng.uniform(-1, 1, (2, 2, 8, 8, 8, 1)).astype("f4")  # of 2 members, 2 steps
rows = {"image": image, "mask": np.ones((2, 2, 8), "f4")}
one = {key: value[0, 0] for key, value in rows.items()}
state = jax.device_get(setup.initial(config, one, 0))
both = jax.tree.map(lambda x: np.stack([x, x]), state)
roots = jax.random.split(jax.random.key(1), 2)

def numbers(spread):
    steps = spread.rounds(task.train_step, lambda shared, batch: batch, True)
    placed, batches = spread.put_state(both), spread.put_rounds(rows, True)
    trained, scalars = steps(roots, placed, (), batches, 0)
    first = spread.member(trained, 0)
    drawn = spread.run(task.sample, jax.random.key(2))(first, spread.put_batch(one), 0)
    return spread.get_state(trained), spread.local(scalars), spread.join(drawn)

near = lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
assert jax.device_count() == 4
jax.tree.map(near, numbers(parallel.many()), numbers(parallel.sharded()))
"""


@pytest.mark.slow
def test_shard_map_has_the_numbers_of_pmap():
    command = [sys.executable, "-c", SHARDED]
    place = config.HERE.parent
    subprocess.run(command, env=environment(4), cwd=place, check=True, timeout=300)
