"""Run a sweep on a cluster: a job array of submitit, a task for each run.

    DIR/slurm/          submitit's files and the jobs' output
    DIR/slurm/jobs.json the job of each run, so that a sweep started again watches them

A job that is pre-empted or out of time is requeued and goes on from its checkpoint. The
jobs outlive the sweep's own process: start it again to watch them. The same jobs on
this machine, without Slurm: `deconvgen.sweep.local_jobs`.
"""

import re
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from deconvgen.core import files, signals
from deconvgen.core.errors import UserError
from deconvgen.sweep import plan as experiment
from deconvgen.sweep import worker
from deconvgen.sweep.display import Display
from deconvgen.sweep.local import Outcome, pending
from deconvgen.sweep.plan import Trial

JOBS = "jobs.json"
SETTINGS = {
    "partition": "slurm_partition",
    "account": "slurm_account",
    "qos": "slurm_qos",
    "constraint": "slurm_constraint",
    "minutes": "timeout_min",
    "cpus": "cpus_per_task",
    "gpus": "gpus_per_node",
    "mem_gb": "mem_gb",
}
"""What `--slurm.NAME` sets of submitit's executor."""


def executor(folder: Path, cluster: str, jobs: int, settings: dict[str, Any]) -> Any:
    """submitit's executor for the sweep in `folder`, at most `jobs` at a time."""
    try:
        import submitit
    except ImportError:
        raise UserError(
            "a cluster needs submitit: pip install 'deconvgen[slurm]'"
        ) from None
    if cluster == "slurm" and not shutil.which("sbatch"):
        raise UserError("--launcher=slurm: there is no sbatch on this machine")
    if cluster == "slurm" and (
        odd := re.search(r"[^\w./+=,@:~-]", str(folder.absolute()))
    ):
        raise UserError(
            f"--workdir={folder}: Slurm's scripts and patterns take no {odd[0]!r} in a "
            "path"
        )
    made = submitit.AutoExecutor(folder=folder / "slurm" / "%j", cluster=cluster)
    parameters = {"timeout_min": 24 * 60, "name": "deconvgen"}
    if cluster == "slurm":
        parameters["slurm_array_parallelism"] = jobs or 256
    parameters |= {SETTINGS[name]: value for name, value in settings.items()}
    if cluster == "local":
        parameters = {k: v for k, v in parameters.items() if not k.startswith("slurm_")}
    made.update_parameters(**parameters)
    return made


def in_queue(ids: list[str]) -> set[str]:
    """Those of these jobs that wait or run, as Slurm's queue tells."""
    if not ids:
        return set()
    arrays = ",".join(sorted({name.partition("_")[0] for name in ids}))
    listed = subprocess.run(
        ["squeue", "--noheader", "--array", "--format=%i", f"--jobs={arrays}"],
        capture_output=True,
        text=True,
    )
    if listed.returncode:
        if "Invalid job id" in listed.stderr:
            return set()  # so old that Slurm has forgotten them
        raise UserError(f"squeue does not answer: {listed.stderr.strip()}")
    return set(listed.stdout.split()) & set(ids)


def known(folder: Path, file: str = JOBS) -> dict[str, Any]:
    """Run name -> id of the job that was last submitted for it."""
    try:
        return files.read_json(folder / "slurm" / file)
    except (OSError, UserError):
        return {}


def remember(folder: Path, ids: dict[str, Any], file: str = JOBS) -> None:
    """Add jobs to those that are known."""
    files.write_json(folder / "slurm" / file, known(folder, file) | ids, indent=1)


def submit(
    folder: Path, trials: list[Trial], jobs: int, settings: dict[str, Any]
) -> list[Any]:
    """One array of jobs, a trial each; returns submitit's jobs in that order."""
    made = executor(folder, "slurm", jobs, settings)
    root, cores = folder.absolute(), settings.get("cpus", 0)
    told = [
        worker.spec(experiment.place(root, trial), trial)
        | {"index": index, "cores": cores}
        for index, trial in enumerate(trials)
    ]
    with worker.inherited():
        return made.map_array(worker.Remote(), told)


def run(
    folder: Path,
    trials: list[Trial],
    jobs: int = 0,
    *,
    settings: dict[str, Any] | None = None,
    poll: float = 2.0,
    display: Callable[..., Display] = Display,
) -> dict[str, Outcome]:
    """Run what is not finished of `trials` on a cluster; returns their outcomes.

    Jobs of an earlier start that are still in the queue are watched, not submitted
    again.
    """
    left = pending(folder, trials)
    if not left:
        return {}
    before = known(folder)
    alive = in_queue([before[t.name] for t in left if t.name in before])
    ids = {n: i for n, i in before.items() if i in alive}
    new = [trial for trial in left if trial.name not in ids]
    if new:
        made = submit(folder, new, jobs, settings or {})
        ids |= {t.name: str(job.job_id) for t, job in zip(new, made, strict=True)}
        remember(folder, ids)
    done: dict[str, Outcome] = {}
    with display(folder, len(trials), len(trials) - len(left)) as shown:
        while len(done) < len(left):
            open_ = [trial for trial in left if trial.name not in done]
            waiting = in_queue([ids[trial.name] for trial in open_])
            ended = [t for t in open_ if ids[t.name] not in waiting]
            for trial in ended:
                done[trial.name] = outcome(folder, trial, ids[trial.name])
            shown.update(done, [t for t in open_ if t not in ended])
            if len(done) < len(left):
                signals.pause(poll)
    return done


def outcome(folder: Path, trial: Trial, job: str) -> Outcome:
    """What became of a trial whose job has ended: failed, where it did not tell."""
    place = experiment.place(folder, trial)
    for _ in range(20):  # a shared file system may take a moment to show it
        if told := worker.outcome(place):
            return told
        time.sleep(0.25)
    failed = {
        "state": "failed",
        "error": f"job {job} ended without an outcome; see {folder / 'slurm'}",
    }
    worker.record(place, failed)
    return failed
