"""Runs as jobs of submitit on this machine: how many, which GPU, what fails."""

import json
import subprocess
import sys
import time

import pytest

from deconvgen.core.errors import UserError
from deconvgen.sweep import local_jobs, slurm
from deconvgen.sweep import plan as experiment
from deconvgen.sweep.launcher import run
from tests.sweeps import trials, wait_for

JOB = """
import json, sys, time
from pathlib import Path
told = json.loads(sys.argv[2])
time.sleep(told["lasts"])
place = Path(told["workdir"])
place.mkdir(parents=True)
(place / "outcome.json").write_text('{"state": "finished", "seconds": 1}')
"""


class Executor:
    """submitit's, with jobs that train nothing."""

    def __init__(self):
        self.told, self.lasts, self.most, self.begun = [], 0.3, 0, []

    def submit(self, remote, told):
        self.told.append(told)
        words = ["-c", JOB, "submitit", json.dumps(told | {"lasts": self.lasts})]
        process = subprocess.Popen([sys.executable, *words])
        self.begun = [p for p in self.begun if p.poll() is None] + [process]
        self.most = max(self.most, len(self.begun))
        process.job_id = str(process.pid)
        return process


@pytest.fixture
def executor(monkeypatch):
    made = Executor()
    monkeypatch.setattr(slurm, "executor", lambda *_: made)
    return made


def test_submitit_here_runs_so_many_at_a_time_a_gpu_each(
    executor, tmp_path, monkeypatch
):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,7")
    done = run(local_jobs.Jobs, tmp_path, trials(5, groups=5), 2)
    assert {o["state"] for o in done.values()} == {"finished"} and len(done) == 5
    assert executor.most == 2
    assert {(t["index"], t["gpus"]) for t in executor.told} == {(0, "4"), (1, "7")}
    two = local_jobs.Jobs(tmp_path, trials(1, 1), 2, {"gpus": 2, "cpus": 3}).share(1)
    assert two["gpus"] == "4,7" and two["cores"] == 3


def test_jobs_of_a_sweep_that_was_killed_are_watched_and_not_started_again(
    executor, tmp_path
):
    every, executor.lasts = trials(3, groups=3), 2.0
    before = local_jobs.Jobs(tmp_path, every[1:2], 1)
    before.start()
    before.look()
    executor.lasts = 0.1
    done = run(local_jobs.Jobs, tmp_path, every, 2)
    assert len(done) == 3 and executor.most == 2
    assert [t["name"] for t in executor.told] == [every[i].name for i in (1, 0, 2)]
    assert [t["index"] for t in executor.told] == [0, 1, 1]


def test_a_process_is_a_job_where_it_says_so():
    assert not local_jobs.Job(1, 0).runs()
    begin = "sh -c 'sleep 1; : submitit' >/dev/null & echo $!"
    orphan = int(subprocess.check_output(["sh", "-c", begin]))
    time.sleep(0.2)
    assert local_jobs.Job(orphan, 0).runs()
    wait_for(lambda: not local_jobs.Job(orphan, 0).runs(), 20)


def test_a_job_that_ends_without_an_outcome_has_failed(executor, tmp_path):
    (trial,) = trials(1, groups=1)
    experiment.place(tmp_path, trial).mkdir(parents=True)  # on which the job stumbles
    done = run(local_jobs.Jobs, tmp_path, [trial], 1)
    assert "ended without an outcome" in done[trial.name]["error"]


def test_slurm_without_slurm_says_so(file, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match="no sbatch"):
        slurm.executor(tmp_path, "slurm", 1, {})


def test_slurm_takes_no_path_that_its_scripts_would_read_otherwise(
    tmp_path, monkeypatch
):
    monkeypatch.setattr("shutil.which", lambda name: name)
    for name in ("a b", "100%", "it's", "a\\b"):
        with pytest.raises(UserError, match="Slurm's scripts and patterns take no"):
            slurm.executor(tmp_path / name, "slurm", 1, {})
