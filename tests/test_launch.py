"""Sweeps that run: who gets which run, what fails, what goes on after a kill."""

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from deconvgen import (
    cli,
    config,
    estimate,
    experiment,
    launch,
    local_jobs,
    report,
    results,
    slurm,
    sweeping,
    worker,
)
from deconvgen.errors import UserError
from deconvgen.experiment import Trial
from deconvgen.log import Log

FILE = """
from deconvgen.sweep import chain, choose, product, seeds
QUESTION = "Which layer?"
BASE = "autoencoder:smoke"
RUNS = chain(
    seeds(choose("model.upsampler", ["nearest_conv", "conv_transpose"]), 2),
    choose("optimizer.learning_rate", [1e30]),
)
MEASURES = {"psnr": "max"}
SIZES = {"smoke": [{
    "steps": 30, "log_every": 1, "eval_every": 10, "checkpoint_every": 5,
    "batch_size": 4, "model.features": (4, 4), "model.latent": 4, "num_samples": 4,
    "model.encoder_kernel_size": 2, "model.kernel_size": 2, "eval.num_examples": 20,
    "eval.batch_size": 10, "sample_every": 30,
}]}
"""
TIMES = ("seconds", "images_per_second", "peak_memory_mib")


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("experiment") / "mine.py"
    path.write_text(FILE)
    return path


def trials(count, groups):
    """Trials without anything to train."""
    settings = [{"g": i % groups, "seed": i // groups} for i in range(count)]
    return [Trial(f"{s['g']}.{s['seed']}", s, "", []) for s in settings]


class Fake(launch.Worker):
    """Notes who ran what, and dies when told to."""

    log: list = []
    dies: set = set()
    started = 0

    def __init__(self, index, count):
        self.index, self.process = index, self
        Fake.started += 1
        self.returncode, self.stderr, self.stdin = 0, self, self

    def run(self, specs):
        names = [spec["name"] for spec in specs]
        Fake.log += [(self.index, name) for name in names]
        time.sleep(0.02)
        if Fake.dies & set(names):
            self.returncode = -9
            return []
        outcome = {"state": "finished", "seconds": 0.0}
        for spec in specs:
            worker.record(Path(spec["workdir"]), outcome)
        return [outcome] * len(specs)

    def read(self):
        return "first line\nlast words\n"

    def close(self):
        pass

    kill = close

    def stop(self, patience=0.0):
        pass


@pytest.fixture
def fake(monkeypatch):
    Fake.log, Fake.dies, Fake.started = [], set(), 0
    monkeypatch.setattr(launch, "Worker", Fake)
    return Fake


def test_every_run_runs_once_and_the_seeds_of_a_setting_in_one_place(fake, tmp_path):
    every = trials(12, groups=4)
    done = launch.run(tmp_path, every, jobs=2)
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


def test_seeds_together_are_one_piece_of_work(fake, tmp_path):
    done = launch.run(tmp_path, trials(6, groups=2), jobs=4, together=True)
    assert len(done) == 6 and fake.started == 2
    for group in "01":
        (place,) = {index for index, name in fake.log if name.startswith(group)}
        names = [name for index, name in fake.log if index == place]
        assert names == [f"{group}.{seed}" for seed in range(3)]


def test_no_worker_idles_while_there_are_runs(fake, tmp_path):
    launch.run(tmp_path, trials(6, groups=1), jobs=3)
    assert {index for index, _ in fake.log} == {0, 1, 2}


def test_a_process_that_dies_fails_its_run_alone(fake, tmp_path):
    every = trials(6, groups=2)
    fake.dies = {"0.1"}
    done = launch.run(tmp_path, every, jobs=1)
    assert done["0.1"]["error"] == (
        "its process ended by signal 9: last words, as when memory runs out"
    )
    assert sum(o["state"] == "finished" for o in done.values()) == 5
    assert fake.started == 2  # a new one in its place
    fake.dies, fake.log = set(), []
    again = launch.run(tmp_path, every, jobs=1)  # what failed, and nothing else
    assert list(again) == ["0.1"] and fake.log == [(0, "0.1")]
    assert launch.run(tmp_path, every, jobs=1) == {}


def test_more_runs_only_add_what_is_new(fake, tmp_path):
    launch.run(tmp_path, trials(2, groups=2), jobs=1)
    launch.run(tmp_path, trials(4, groups=2), jobs=1)
    assert [name for _, name in fake.log] == ["0.0", "1.0", "0.1", "1.1"]


def test_one_job_a_gpu_else_a_core(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,5,7")
    assert launch.gpus() == ["3", "5", "7"] and launch.default_jobs() == 3
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert launch.gpus() == [] and launch.default_jobs() >= 1


@pytest.mark.parametrize(
    "only, want", [("", [0, 1, 2, 3]), ("2", [1]), ("2-4", [1, 2, 3])]
)
def test_only_counts_from_one(only, want):
    every = trials(4, groups=4)
    assert sweeping.chosen(every, only) == [every[i] for i in want]


@pytest.mark.parametrize("only", ["0", "3-2", "5", "x", "-1"])
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
    told = {"timing": False, "together": True, "settings": {"partition": "x y"}}
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


@pytest.mark.parametrize("part", ["experiment.check", "estimate.timed"])
def test_ctrl_c_before_the_runs_is_told_in_a_sentence(
    file, tmp_path, monkeypatch, part
):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(f"deconvgen.{part}", interrupted)
    with pytest.raises(sweeping.Interrupted, match="before any run began"):
        sweeping.sweep(str(file), tmp_path / "s", size="smoke")
    assert not list((tmp_path / "s").glob("timing*"))


class Timed(Fake):
    """Writes the records of a run, in which each layer has a speed of its own."""

    shares: set = set()

    def __init__(self, index, count):
        super().__init__(index, count)
        Timed.shares.add((index, count))

    def run(self, specs):
        (spec,) = specs
        place = Path(spec["workdir"])
        place.mkdir(parents=True)
        loaded = config.load(spec["config"], spec["overrides"])
        config.save(loaded, place / "config.json")
        step = 2.0 if "model.upsampler=carafe" in spec["overrides"] else 1.0
        at = lambda n, evals: {"step": n, "seconds": 5 + n * step + 3.0 * evals}
        rate = {"images_per_second": loaded.batch_size / step}
        records = [
            *(at(6, 0) | {"kind": "train"} | rate, at(6, 3) | {"kind": "cost"}),
            *(at(12, 3) | {"kind": "train"} | rate, at(12, 4) | {"kind": "cost"}),
        ]
        text = "".join(json.dumps(r) + "\n" for r in records)
        (place / "metrics.jsonl").write_text(text)
        outcome = {"state": "finished", "seconds": 5 + 12 * step + 4 * 3.0}
        worker.record(place, outcome)
        return [outcome]


def test_an_estimate_times_each_layer_on_a_job_s_cores_and_counts_evaluations(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(launch, "Worker", Timed)
    base = ["steps=100", "eval_every=10"]
    every = [
        Trial(f"{layer}{seed}", {"u": layer, "seed": seed}, "autoencoder:smoke",
              [*base, f"model.upsampler={layer}", f"seed={seed}"])
        for layer in ("carafe", "nearest_conv") for seed in (0, 1)
    ]  # fmt: skip
    found = estimate.estimate(tmp_path, every, 2)
    start = 5 + 4 * 3.0 - 2 * 3.0  # the first evaluation took two more, to compile
    want = (1 + estimate.SEED_SHARE) * 2 * start + 2 * (100 + 200) + 4 * 10 * 3.0
    assert found == estimate.Estimate(pytest.approx(want / 2), 2, 2)
    assert {count for _, count in Timed.shares} == {2}
    monkeypatch.setattr(launch, "Worker", None)  # what was timed is known from now on
    again = estimate.estimate(tmp_path, every, 2)
    assert again == found
    more = [*every, every[0]._replace(name="x", setting={"u": "x"}, overrides=base)]
    rest = estimate.estimate(tmp_path, more, 2, timing=False)
    assert (rest.known, rest.kinds) == (2, 3)
    assert estimate.estimate(tmp_path / "new", every, 2, timing=False) is None


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
    done = local_jobs.run(tmp_path, trials(5, groups=5), 2, poll=0.05)
    assert {o["state"] for o in done.values()} == {"finished"} and len(done) == 5
    assert executor.most == 2
    assert {(t["index"], t["gpus"]) for t in executor.told} == {(0, "4"), (1, "7")}
    two = local_jobs.told(tmp_path, trials(1, 1)[0], 1, 2, {"gpus": 2, "cpus": 3})
    assert two["gpus"] == "4,7" and two["cores"] == 3


def test_jobs_of_a_sweep_that_was_killed_are_watched_and_not_started_again(
    executor, tmp_path
):
    every, executor.lasts = trials(3, groups=3), 2.0
    before = local_jobs.submit(tmp_path, every[1], 0, 2, {})
    slurm.remember(tmp_path, {every[1].name: list(before)}, local_jobs.JOBS)
    executor.lasts = 0.1
    done = local_jobs.run(tmp_path, every, 2, poll=0.05)
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
    done = local_jobs.run(tmp_path, [trial], 1, poll=0.05)
    assert "ended without an outcome" in done[trial.name]["error"]


def test_slurm_without_slurm_says_so(file, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match="no sbatch"):
        slurm.executor(tmp_path, "slurm", 1, {})


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
    os.environ["JAX_DISABLE_MOST_OPTIMIZATIONS"] = "1"
    outcomes = sweeping.sweep(str(file), folder, size="smoke", jobs=2, timing=False)
    yield folder, outcomes
    del os.environ["JAX_DISABLE_MOST_OPTIMIZATIONS"]


def test_a_failed_run_is_told_and_does_not_stop_the_others(real):
    folder, outcomes = real
    failed = {n: o for n, o in outcomes.items() if o["state"] == "failed"}
    assert len(outcomes) == 5 and len(failed) == 1
    ((name, outcome),) = failed.items()
    assert name.startswith("learning_rate=") and "became" in outcome["error"]
    page, *_ = report.report([folder])
    assert "4 finished, 1 failed" in page.read_text()


def test_each_run_is_what_its_command_makes(real, tmp_path):
    folder, _ = real
    trial = experiment.read(folder).trials[1]
    words = shlex.split(trial.command(tmp_path / "alone"))[1:]
    made = subprocess.run([sys.executable, "-m", "deconvgen.cli", *words, "--quiet"])
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
        worker.execute(told)
    assert worker.outcome(tmp_path / "run") == {}
    begun = last_eval(tmp_path / "run")
    monkeypatch.undo()
    assert worker.execute(told)["state"] == "finished"
    assert begun["step"] == 10 and last_eval(tmp_path / "run")["step"] == 30


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
    (outcome,) = launch.died(own, [place])
    assert outcome["error"].startswith("its process ended by signal 9")


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


def wait_for(condition, seconds=240):
    until = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.05)
    return found


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
