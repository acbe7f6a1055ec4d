"""Run and sweep folders that an earlier revision (c93520a) wrote are still good."""

import shutil
import tarfile
from pathlib import Path

import jax
import numpy as np
import pytest

import deconvgen
from deconvgen import config
from deconvgen.report.write import report
from deconvgen.runs.train import train
from deconvgen.sweep import worker
from deconvgen.training import checkpoint

HERE = Path(__file__).parent


@pytest.fixture
def old(tmp_path):
    """Unpacked: `run` (dcgan:smoke, made small, 20 steps) and `sweep` (4 runs)."""
    for name in ("run", "sweep"):
        with tarfile.open(HERE / f"{name}.tar.xz") as archive:
            archive.extractall(tmp_path, filter="data")
    return tmp_path


@pytest.fixture(scope="module")
def end():
    """What that revision had at the end: arrays by path, and samples."""
    return dict(np.load(HERE / "run_end.npz"))


def arrays(state):
    leaves = jax.tree_util.tree_leaves_with_path(state)
    return {jax.tree_util.keystr(path): leaf for path, leaf in leaves}


def test_a_run_is_loaded_to_the_bit_and_sampled(old, end):
    run = deconvgen.load(old / "run", "latest")
    found = arrays(run.state)
    assert run.step == 20 and found.keys() == end.keys() - {"samples"}
    for name, value in found.items():
        np.testing.assert_array_equal(value, end[name], err_msg=name)
    np.testing.assert_allclose(run.sample(4), end["samples"], atol=1e-4)


def test_a_run_goes_on_and_ends_where_it_did(old, end):
    """To rounding: what a batch norm adds up it adds up in another order now."""
    folder = old / "run"
    shutil.rmtree(checkpoint.folder(folder, 20))
    saved = config.read(folder / "config.json")
    assert train(saved, folder, quiet=True).step == 20
    found = checkpoint.read_arrays(checkpoint.folder(folder, 20))
    assert found.keys() == end.keys() - {"samples"}
    for name, value in found.items():
        if "params" in name:
            np.testing.assert_allclose(value, end[name], atol=2e-3, err_msg=name)


def test_a_sweep_is_reported(old):
    paths = report([str(old / "sweep")], str(old / "out"))
    table = next(p for p in paths if p.name == "settings.csv").read_text()
    assert "nearest_conv" in table and "conv_transpose" in table


def test_jobs_that_are_queued_already_find_their_worker():
    """submitit pickled `deconvgen.worker.Remote`."""
    import deconvgen.worker

    assert deconvgen.worker.Remote is worker.Remote
