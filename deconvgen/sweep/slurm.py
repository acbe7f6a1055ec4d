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
from pathlib import Path
from typing import Any

from deconvgen.core import files
from deconvgen.core.errors import UserError
from deconvgen.sweep import worker
from deconvgen.sweep.launcher import Launcher
from deconvgen.sweep.plan import Trial, place

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
        parameters["slurm_array_parallelism"] = jobs
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


class Jobs(Launcher):
    """One array of jobs, a trial each; those still in the queue are only watched."""

    here, pause = False, 2.0
    saved = "the jobs stay in the queue (scancel takes them out)"
    file = JOBS

    @staticmethod
    def usual() -> int:
        """As many as most clusters let one user run at a time."""
        return 256

    def start(self) -> None:
        """Submit what is not in the queue."""
        before = known(self.folder, self.file)
        alive = in_queue([before[t.name] for t in self.trials if t.name in before])
        self.ids = {name: job for name, job in before.items() if job in alive}
        if new := [trial for trial in self.trials if trial.name not in self.ids]:
            self.ids |= self.submit(new)
            remember(self.folder, self.ids, self.file)

    def submit(self, trials: list[Trial]) -> dict[str, str]:
        """Run name -> id of the job submitted for it."""
        made = executor(self.folder, "slurm", self.jobs, self.settings)
        cores = self.settings.get("cpus", 0)
        told = [self.told(t, index=i, cores=cores) for i, t in enumerate(trials)]
        with worker.inherited():
            jobs = made.map_array(worker.Remote(), told)
        pairs = zip(trials, jobs, strict=True)
        return {trial.name: str(job.job_id) for trial, job in pairs}

    def look(self) -> list[Trial]:
        """Ask the queue; what is no longer in it has ended."""
        left = [trial for trial in self.trials if trial.name not in self.done]
        waiting = in_queue([self.ids[trial.name] for trial in left])
        for trial in left:
            if self.ids[trial.name] not in waiting:
                self.ended(trial, self.ids[trial.name])
        return [trial for trial in left if trial.name not in self.done]

    def stop(self) -> None:
        """Leave the jobs where they are."""

    def ended(self, trial: Trial, job: str) -> None:
        """Note what became of a trial whose job is over: failed, if it did not tell."""
        for _ in range(20):  # a shared file system may take a moment to show it
            if outcome := worker.outcome(place(self.folder, trial)):
                break
            time.sleep(0.25)
        else:
            where = self.folder / "slurm"
            why = f"job {job} ended without an outcome; see {where}"
            outcome = self.failed(trial, why)
        self.done[trial.name] = outcome
