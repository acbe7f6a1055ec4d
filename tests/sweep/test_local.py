"""Sweeps before any training: who gets which run, what is refused and told."""

import os
import shlex
import sys

import pytest

from deconvgen.cli import main as cli
from deconvgen.core.errors import UserError
from deconvgen.runs.memory import TooMany
from deconvgen.runs.population import Apart
from deconvgen.sweep import grouping, plan, worker
from deconvgen.sweep import local as launch
from deconvgen.sweep import run as sweeping
from deconvgen.sweep.launcher import run
from deconvgen.sweep.plan import Trial
from tests.sweeps import Fake, trials


@pytest.fixture
def fake(monkeypatch):
    Fake.log, Fake.dies, Fake.started = [], set(), 0
    monkeypatch.setattr(launch, "Worker", Fake)
    return Fake


def test_every_run_runs_once_and_the_seeds_of_a_setting_in_one_place(fake, tmp_path):
    every = trials(12, groups=4)
    done = run(launch.Pool, tmp_path, every, jobs=2)
    assert {n: o["state"] for n, o in done.items()} == {
        t.name: "finished" for t in every
    }
    assert sorted(name for _, name in fake.log) == sorted(t.name for t in every)
    where = {}
    for index, name in fake.log:
        where.setdefault(name.partition(".")[0], set()).add(index)
    split = [group for group, places in where.items() if len(places) > 1]
    assert len(split) <= 1, where  # the last one, when a worker has nothing else to do
    assert fake.started == 2


def by_group(trials, together):
    """As `grouping.programs`, of trials that have no config."""
    found = {}
    for trial in trials:
        found.setdefault(trial.group, []).append(trial)
    return found


def test_runs_of_a_program_are_one_piece_of_work(fake, tmp_path, monkeypatch):
    monkeypatch.setattr(grouping, "programs", by_group)
    done = run(launch.Pool, tmp_path, trials(6, groups=2), jobs=2, most=0)
    assert len(done) == 6 and fake.started == 2
    for group in "01":
        (place,) = {index for index, name in fake.log if name.startswith(group)}
        names = [name for index, name in fake.log if index == place]
        assert names == [f"{group}.{seed}" for seed in range(3)]


def test_pieces_are_as_many_as_the_workers_and_no_larger_than_asked(monkeypatch):
    monkeypatch.setattr(grouping, "programs", by_group)
    sizes = lambda *how: [len(p) for p in grouping.pieces(trials(12, 2), *how)]
    assert sizes(0, 1) == [6, 6] and sizes(4, 1) == [3, 3, 3, 3]
    assert sizes(0, 4) == [3, 3, 3, 3] and sizes(1, 4) == [1] * 12


def test_together_is_for_accelerators_unless_it_is_asked_for():
    found = lambda asked: [grouping.most(asked, on) for on in (True, False)]
    assert found("auto") == [0, 1] and found("none") == found(False) == [1, 1]
    assert found("all") == found(True) == [0, 0] and found("8") == [8, 8]
    with pytest.raises(UserError, match="auto, none, all or a number"):
        grouping.most("some", False)


def test_what_a_run_told_before_its_process_ended_is_kept(fake, tmp_path):
    (first, second), why = trials(2, 2), "its process ended"
    pool = launch.Pool(tmp_path, [first, second], 1)
    for trial in (first, second):
        plan.place(tmp_path, trial).mkdir(parents=True)
    worker.record(plan.place(tmp_path, first), {"state": "finished", "seconds": 1.0})
    assert pool.lost(first, why)["state"] == "finished"
    assert pool.lost(second, why) == {"state": "failed", "error": why}


def test_runs_that_cannot_be_trained_at_once_are_trained_in_parts():
    assert worker.parts(TooMany(10, 4, 2**30), 10) == 3
    assert worker.parts(RuntimeError("RESOURCE_EXHAUSTED: Out of memory"), 9) == 2
    assert worker.parts(Apart("Python computes with it"), 3) == 3
    assert worker.parts(TypeError("a bug"), 3) == 1


def test_workers_take_runs_of_different_programs(fake, tmp_path):
    """However they start: two that compile the same would do it twice."""
    settings = [
        {"model.upsampler": layer, "model.initializer": start, "seed": seed}
        for layer in ("a", "b")
        for start in ("x", "y")
        for seed in (0, 1)
    ]
    every = [Trial(f"{i}", setting, "", []) for i, setting in enumerate(settings)]
    run(launch.Pool, tmp_path, every, jobs=2)
    took = {index: [int(n) // 4 for i, n in fake.log if i == index] for index in (0, 1)}
    firsts = [programs[0] for programs in took.values()]
    assert sorted(firsts) == [0, 1]
    assert all(sorted(p, key=lambda x: x != p[0]) == p for p in took.values())


def test_no_worker_idles_while_there_are_runs(fake, tmp_path):
    run(launch.Pool, tmp_path, trials(6, groups=1), jobs=3)
    assert {index for index, _ in fake.log} == {0, 1, 2}


def test_a_process_that_dies_fails_its_run_alone(fake, tmp_path):
    every = trials(6, groups=2)
    fake.dies = {"0.1"}
    done = run(launch.Pool, tmp_path, every, jobs=1)
    assert done["0.1"]["error"] == (
        "its process ended by signal 9: last words, as when memory runs out"
    )
    assert sum(o["state"] == "finished" for o in done.values()) == 5
    assert fake.started == 2  # a new one in its place
    fake.dies, fake.log = set(), []
    again = run(launch.Pool, tmp_path, every, jobs=1)  # what failed, and nothing else
    assert list(again) == ["0.1"] and fake.log == [(0, "0.1")]
    assert run(launch.Pool, tmp_path, every, jobs=1) == {}


def test_more_runs_only_add_what_is_new(fake, tmp_path):
    run(launch.Pool, tmp_path, trials(2, groups=2), jobs=1)
    run(launch.Pool, tmp_path, trials(4, groups=2), jobs=1)
    assert [name for _, name in fake.log] == ["0.0", "1.0", "0.1", "1.1"]


def test_one_job_a_gpu_else_a_core(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,5,7")
    assert launch.gpus() == ["3", "5", "7"] and launch.default_jobs() == 3
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert launch.gpus() == [] and launch.default_jobs() >= 1


@pytest.mark.parametrize(
    "only, want",
    [("", [0, 1, 2, 3]), ("2", [1]), ("2-4", [1, 2, 3]), ("4,1-2,2", [0, 1, 3])],
)
def test_only_counts_from_one(only, want):
    every = trials(4, groups=4)
    assert sweeping.chosen(every, only) == [every[i] for i in want]


@pytest.mark.parametrize("only", ["0", "3-2", "5", "x", "-1", "1,", "1,5"])
def test_only_refuses_what_is_not_there(only):
    with pytest.raises(UserError, match="--only"):
        sweeping.chosen(trials(4, groups=4), only)


def test_an_unknown_launcher_has_a_near_match(file, tmp_path):
    with pytest.raises(UserError, match="did you mean 'slurm'"):
        sweeping.sweep(str(file), tmp_path, size="smoke", launcher="slrum")


def test_the_noted_command_is_the_call_and_not_the_process_s(
    fake, file, tmp_path, monkeypatch
):
    """A notebook's own arguments are no command; what did nothing is not noted."""
    monkeypatch.setattr(sys, "argv", ["ipykernel_launcher.py", "-f", "kernel.json"])
    folder = tmp_path / "a folder"
    given = {"size": "smoke", "overrides": ["steps=7"], "only": "1-2", "jobs": 1}
    told = {"timing": False, "together": "all", "settings": {"partition": "x y"}}
    sweeping.sweep(str(file), folder, **given, **told, dry=True)
    assert not folder.exists()
    for _ in range(2):  # the second time, everything is finished
        sweeping.sweep(str(file), folder, **given, **told)
    (line,) = (folder / "commands.txt").read_text().splitlines()
    calls = []
    call = lambda *where, **how: calls.append((where, how)) or {}
    monkeypatch.setattr(sweeping, "sweep", call)
    cli.run(shlex.split(line)[1:])
    ((where, how),) = calls
    assert where == (str(file), str(folder))
    assert how == given | told | {"launcher": "local", "dry": False}


def test_a_negative_number_of_jobs_is_refused(file, tmp_path):
    with pytest.raises(UserError, match="--jobs should be 0"):
        sweeping.sweep(str(file), tmp_path, size="smoke", jobs=-1)


def test_failed_runs_are_the_exit_code(file, tmp_path, monkeypatch):
    outcomes = {"a": {"state": "finished"}, "b": {"state": "failed"}}
    monkeypatch.setattr(sweeping, "sweep", lambda *_, **__: outcomes)
    with pytest.raises(sweeping.Failed, match="1 of 2 runs failed") as caught:
        cli.run(["sweep", str(file), f"--workdir={tmp_path}"])
    assert caught.value.code == 1


def test_a_dry_sweep_runs_nothing_and_tells_of_measures_that_no_run_has(
    file, tmp_path, monkeypatch, capsys
):
    def never(*_):
        raise AssertionError("a process was started")

    monkeypatch.setattr(launch, "Worker", never)
    typo = tmp_path / "typo.py"
    typo.write_text(file.read_text().replace('"psnr"', '"psnrr"'))
    sweeping.sweep(str(typo), tmp_path / "s", size="smoke", dry=True)
    said = capsys.readouterr().out
    assert "no run has the measure 'psnrr'; did you mean 'psnr'" in said
    assert "checking 3 settings" in said and "no run is over yet" in said
    assert not (tmp_path / "s").exists()


@pytest.mark.parametrize("part", ["sweep.check.check", "sweep.estimate.timed"])
def test_ctrl_c_before_the_runs_is_told_in_a_sentence(
    file, tmp_path, monkeypatch, part
):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(f"deconvgen.{part}", interrupted)
    with pytest.raises(sweeping.Interrupted, match="before any run began"):
        sweeping.sweep(str(file), tmp_path / "s", size="smoke")
    assert not list((tmp_path / "s").glob("timing*"))


def test_a_worker_imports_what_the_sweep_does_whatever_lies_around(
    tmp_path, monkeypatch
):
    """python/cpython#101210: the current folder came first in a child's imports."""
    for name in ("queue.py", "deconvgen/__init__.py", "sitecustomize.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("raise SystemExit('mine')\n")
    monkeypatch.chdir(tmp_path)
    own = launch.Worker(0, 1)
    spec = {"workdir": "run", "config": "none", "overrides": [], "name": "x"}
    (outcome,) = own.run([spec])
    own.stop()
    assert "unknown config 'none'" in outcome["error"]


def test_what_is_printed_in_a_worker_is_no_answer(tmp_path, monkeypatch):
    """As a sitecustomize does, before the first line of the worker."""
    (tmp_path / "sitecustomize.py").write_text("print('[]'); print('{\"state\": 1}')\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    own = launch.Worker(0, 1)
    spec = {"workdir": "run", "config": "none", "overrides": [], "name": "x"}
    (outcome,) = own.run([spec])
    own.stop()
    assert outcome["state"] == "failed" and "'none'" in outcome["error"]


def test_jobs_have_that_environment_too(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "mine")
    monkeypatch.delenv("PYTHONSAFEPATH", raising=False)
    with worker.inherited() as environment:
        assert os.environ["PYTHONSAFEPATH"] == environment["PYTHONSAFEPATH"] == "1"
        paths = environment["PYTHONPATH"].split(os.pathsep)
        assert paths == [os.path.abspath(entry) for entry in sys.path]
    assert os.environ["PYTHONPATH"] == "mine" and "PYTHONSAFEPATH" not in os.environ
