"""Sweeps that train: what fails, what goes on after a kill, the same on a cluster."""

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

import pytest

from deconvgen.report import results
from deconvgen.report import write as report
from deconvgen.runs import train as training
from deconvgen.sweep import (
    grouping,
    slurm,
    worker,
)
from deconvgen.sweep import (
    local as launch,
)
from deconvgen.sweep import (
    plan as experiment,
)
from deconvgen.sweep import (
    run as sweeping,
)
from deconvgen.training.log import Log
from tests.sweeps import wait_for

TIMES = ("seconds", "images_per_second", "peak_memory_mib")


def figures(folder):
    """Everything that the runs of a sweep measured, but for times."""
    _, found = results.collect(folder)
    keep = lambda record: {
        k: v for k, v in record.items() if not k.endswith(TIMES)
    }  # fmt: skip
    return {r.trial.name: [keep(e) for e in r.evals] for r in found if r.evals}


@pytest.fixture(scope="module")
def real(file, tmp_path_factory):
    """A sweep of five runs, one of which diverges, in two processes."""
    folder = tmp_path_factory.mktemp("real")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")
        cache = tmp_path_factory.mktemp("cache")
        with pytest.MonkeyPatch.context() as new:
            new.setenv("DECONVGEN_CACHE", str(cache))
            new.setenv("JAX_EXPLAIN_CACHE_MISSES", "1")
            new.delenv("JAX_COMPILATION_CACHE_DIR", raising=False)
            flags = {"size": "smoke", "jobs": 2, "timing": False}
            outcomes = sweeping.sweep(str(file), folder, **flags)
        (compiled,) = (cache / "compiled").iterdir()
        patch.setenv("JAX_COMPILATION_CACHE_DIR", str(compiled))
        yield folder, outcomes


MISS = re.compile(
    r"COMPILATION CACHE MISS for '(jit_(?:rounds|stepped|init))' with key (\S+)"
)


def test_two_workers_compile_each_program_once(real):
    """Two layers, of which one at a rate of its own: two starts, three train steps, and
    a step that draws and one that evaluates for each layer."""
    folder, _ = real
    logs = [log.read_text() for log in folder.rglob(worker.LOG)]
    missed = [found for log in logs for found in MISS.findall(log)]
    assert len({key for _, key in missed}) == len(missed)
    count = Counter(name for name, _ in missed)
    assert count == {"jit_init": 2, "jit_rounds": 3, "jit_stepped": 4}


def test_a_failed_run_is_told_and_does_not_stop_the_others(real):
    folder, outcomes = real
    failed = {n: o for n, o in outcomes.items() if o["state"] == "failed"}
    assert len(outcomes) == 5 and len(failed) == 1
    ((name, outcome),) = failed.items()
    assert name.startswith("learning_rate=") and "became" in outcome["error"]
    page, *_ = report.report([folder])
    assert "4 finished, 1 failed" in page.read_text()


@pytest.mark.slow
def test_each_run_is_what_its_command_makes(real, tmp_path):
    folder, _ = real
    trial = experiment.read(folder).trials[1]
    words = shlex.split(trial.command(tmp_path / "alone"))[1:]
    made = subprocess.run(
        [sys.executable, "-m", "deconvgen.cli", *words, "--quiet"],
        preexec_fn=lambda: worker.share(0, 2),  # on as many cores as in the sweep
    )
    assert made.returncode == 0
    alone, whole = last_eval(tmp_path / "alone"), figures(folder)[trial.name][-1]
    assert alone["step"] == whole["step"] == 30
    assert alone["psnr"] == pytest.approx(whole["psnr"], abs=1e-3)


@pytest.mark.slow
def test_an_interrupted_run_goes_on_from_its_checkpoint(real, tmp_path, monkeypatch):
    folder, _ = real
    trial = experiment.read(folder).trials[0]
    told = worker.spec(tmp_path / "run", trial)
    record = Log.record

    def stop(self, step, *arguments, **facts):
        if step == 17:
            raise KeyboardInterrupt
        record(self, step, *arguments, **facts)

    monkeypatch.setattr(Log, "record", stop)
    with pytest.raises(KeyboardInterrupt):
        worker.execute([told])
    assert worker.outcome(tmp_path / "run") == {}
    begun = last_eval(tmp_path / "run")
    monkeypatch.undo()
    assert worker.execute([told])[0]["state"] == "finished"
    assert begun["step"] == 10 and last_eval(tmp_path / "run")["step"] == 30


@pytest.mark.slow
def test_runs_of_one_program_go_on_together_and_one_that_diverges_ends_alone(
    real, tmp_path, monkeypatch
):
    """Two seeds and a rate at which nothing is learned, interrupted and gone on with:
    the figures of the same runs one by one."""
    folder, outcomes = real
    (group,) = [
        group
        for group in grouping.programs(experiment.read(folder).trials, True).values()
        if len(group) == 3
    ]
    specs = [worker.spec(tmp_path / trial.name, trial) for trial in group]
    record, calls = Log.record, []

    def stop(self, step, *arguments, **facts):
        if step == 17:
            raise KeyboardInterrupt
        record(self, step, *arguments, **facts)

    def fitted(task, members, *arguments):
        calls.append([member.workdir.name for member in members])
        return fit(task, members, *arguments)

    fit = training.fit
    monkeypatch.setattr(training, "fit", fitted)
    with monkeypatch.context() as patched:
        patched.setattr(Log, "record", stop)
        with pytest.raises(KeyboardInterrupt):
            worker.execute(specs)
    done = dict(zip((t.name for t in group), worker.execute(specs), strict=True))
    (bad,) = [name for name, outcome in done.items() if outcome["state"] == "failed"]
    alive = [trial.name for trial in group if trial.name != bad]
    assert "became" in done[bad]["error"] and outcomes[bad]["state"] == "failed"
    assert calls == [[t.name for t in group], alive, [bad]]
    for name in alive:
        together, alone = last_eval(tmp_path / name), figures(folder)[name][-1]
        assert together["step"] == 30 and worker.outcome(tmp_path / name) == done[name]
        assert together["psnr"] == pytest.approx(alone["psnr"], abs=0.02)


def test_a_killed_worker_is_told_and_leaves_a_run_to_go_on_with(real, tmp_path):
    folder, _ = real
    trial = experiment.read(folder).trials[0]
    longer = trial._replace(overrides=[*trial.overrides, "steps=100000"])
    own, place, answers = launch.Worker(0, 1), tmp_path / "run", []
    thread = threading.Thread(
        target=lambda: answers.append(own.run([worker.spec(place, longer)]))
    )
    thread.start()
    wait_for(lambda: list((place / "checkpoints").glob("0*")))
    own.process.kill()
    thread.join()
    assert answers == [[]]
    assert launch.died(own).startswith("its process ended by signal 9")


def test_a_worker_whose_sweep_has_gone_saves_and_ends(real, tmp_path):
    folder, _ = real
    trial = experiment.read(folder).trials[0]
    longer = trial._replace(overrides=[*trial.overrides, "steps=100000"])
    own, place = launch.Worker(0, 1), tmp_path / "run"
    own.process.stdin.write(json.dumps([worker.spec(place, longer)]) + "\n")
    own.process.stdin.flush()
    wait_for(lambda: list((place / "checkpoints").glob("0*")))
    own.stop()
    assert own.process.returncode == 128 + signal.SIGTERM
    assert worker.outcome(place) == {}
    assert "stopped by SIGTERM" in (place / worker.LOG).read_text()


def last_eval(place):
    records = map(json.loads, (place / "metrics.jsonl").read_text().splitlines())
    return [r for r in records if r["kind"] == "eval"][-1]


def command(file, folder, *flags):
    return [
        *(sys.executable, "-m", "deconvgen.cli", "sweep", str(file)),
        *("--size=smoke", f"--workdir={folder}", "--notiming", *flags),
    ]


@pytest.mark.slow
def test_killing_the_sweep_three_times_changes_nothing(real, file, tmp_path):
    folder, _ = real
    steps = lambda: sum(
        path.read_bytes().count(b"\n")
        for path in (tmp_path / "s" / "runs").glob("*/metrics.jsonl")
    )
    for _ in range(3):
        before = steps()
        process = subprocess.Popen(
            command(file, tmp_path / "s", "--jobs=2"), stderr=subprocess.DEVNULL
        )
        wait_for(lambda before=before: steps() > before + 7)
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert subprocess.run(command(file, tmp_path / "s", "--jobs=2")).returncode == 1
    assert figures(tmp_path / "s") == figures(folder)
    tables = [report.report([f])[2].read_text() for f in (tmp_path / "s", folder)]
    assert tables[0] == tables[1]


@pytest.mark.slow
def test_submitit_on_this_machine_gives_the_same_table(real, file, tmp_path):
    folder, _ = real
    cores = {"cpus": max(1, worker.cpus() // 2)}  # as many as the two workers had
    sweeping.sweep(
        str(file), tmp_path / "s", size="smoke", launcher="submitit", settings=cores
    )
    assert figures(tmp_path / "s") == figures(folder)


SLURM = Path(__file__).parent / "slurm.sh"
needs_slurm = pytest.mark.skipif(
    not all(map(shutil.which, ("slurmctld", "slurmd", "munged", "sbatch")))
    or os.geteuid() != 0,
    reason="needs Debian's slurm-wlm and munge, and root",
)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """A Slurm of one node; its configuration in the environment."""
    place = tmp_path_factory.mktemp("slurm")
    subprocess.run([SLURM, "start", place], check=True, timeout=60)
    os.environ["SLURM_CONF"] = str(place / "slurm.conf")
    yield place
    del os.environ["SLURM_CONF"]
    subprocess.run([SLURM, "stop", place], check=True, timeout=60)


CORES = f"--slurm.cpus={max(1, worker.cpus() // 2)}"


@pytest.mark.slow
@needs_slurm
def test_slurm_gives_the_same_table(real, cluster, file, tmp_path):
    folder, _ = real
    flags = ("--launcher=slurm", "--slurm.partition=test", CORES, "--jobs=2")
    ended = subprocess.run(command(file, tmp_path / "s", *flags))
    assert ended.returncode == 1  # one run diverges
    assert figures(tmp_path / "s") == figures(folder)
    tables = [report.report([f])[2].read_text() for f in (tmp_path / "s", folder)]
    assert tables[0] == tables[1]
    assert slurm.in_queue(list(slurm.known(tmp_path / "s").values())) == set()


@pytest.mark.slow
@needs_slurm
def test_a_preempted_job_goes_on_from_its_checkpoint(real, cluster, file, tmp_path):
    long = ("--only=1", "--config.steps=4000", "--config.eval_every=2000",
            "--config.checkpoint_every=100", "--config.log_every=100")  # fmt: skip
    place = tmp_path / "s"
    flags = ("--launcher=slurm", "--slurm.partition=test", CORES, *long)
    process = subprocess.Popen(command(file, place, *flags))
    busy = wait_for(lambda: list((place / "runs").glob("*/checkpoints/0*")))
    job = slurm.known(place)[busy[0].parent.parent.name]
    subprocess.run(["scancel", "--signal=USR2", job], check=True)
    assert process.wait(timeout=900) == 0
    logs = "".join(p.read_text() for p in (place / "slurm").rglob("*_log.err"))
    assert "this job is preempted" in logs and "going on from step" in logs
    subprocess.run(command(file, tmp_path / "here", "--jobs=2", *long), check=True)
    assert figures(place) == figures(tmp_path / "here")
