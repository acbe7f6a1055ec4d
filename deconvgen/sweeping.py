"""`deconvgen sweep`: check, say what will happen, run, say what happened."""

import math
import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from deconvgen import estimate, experiment, launch, slurm, worker
from deconvgen.errors import UserError, unknown
from deconvgen.experiment import Plan, Trial
from deconvgen.progress import clock


class Interrupted(Exception):
    """Ctrl-C; the runs under way have saved what they had."""

    code = 130


LAUNCHERS = ("local", "slurm", "submitit")


def chosen(trials: list[Trial], only: str) -> list[Trial]:
    """The trials `I` or `I-J`, counted from 1; all of them for ""."""
    if not only:
        return trials
    first, _, last = only.partition("-")
    if not first.isdigit() or not (last or first).isdigit():
        raise UserError(f"--only should read I or I-J, not {only!r}")
    i, j = int(first), int(last or first)
    if not 1 <= i <= j <= len(trials):
        raise UserError(f"--only={only}: there are runs 1 to {len(trials)}")
    return trials[i - 1 : j]


def sweep(
    name: str,
    workdir: Path | str,
    *,
    size: str = "full",
    overrides: Iterable[str] = (),
    only: str = "",
    dry: bool = False,
    jobs: int = 0,
    launcher: str = "local",
    settings: dict[str, Any] | None = None,
    timing: bool = True,
    together: bool = False,
) -> dict[str, launch.Outcome]:
    """Run an experiment in a sweep folder, or go on with it; the runs' outcomes.

    With `dry`, check every run and list them. `launcher` is local, slurm, or submitit
    (the code for Slurm, on this machine). `together` trains the seeds of a setting
    under one `vmap`, with the launcher local. Raises `UserError`, before anything
    runs, for a run that cannot be.
    """
    if launcher not in LAUNCHERS:
        raise unknown("launcher", launcher, LAUNCHERS)
    folder, overrides = Path(workdir).expanduser(), list(overrides)
    console = Console(highlight=False, soft_wrap=True)
    plan = experiment.load(name, size, overrides)
    trials = chosen(plan.trials, only)
    console.print(plan.question)
    experiment.check(trials)
    left = launch.pending(folder, trials)
    count = jobs or (launch.default_jobs() if launcher == "local" else len(left))
    if dry:
        print_plan(plan, folder, console)
    else:
        plan = experiment.save(plan, folder)
    if left and not dry:
        flags = {"only": only, "jobs": jobs, "launcher": launcher}
        flags |= {"timing": timing, "together": together}
        line = command(name, workdir, size, overrides, settings or {}, **flags)
        with (folder / "commands.txt").open("a") as file:
            file.write(line + "\n")
    groups = len({trial.group for trial in left})
    console.print(
        f"{len(trials)} runs, {len(trials) - len(left)} of them finished; to do: "
        f"{len(left)} runs of {groups} settings, {min(count, len(left))} at a time"
    )
    if left:
        here = timing and launcher == "local"
        seconds = estimate.seconds(folder, left, count, here)
        console.print(
            "no run is over yet that would tell how long they take"
            if math.isnan(seconds)
            else f"that takes about {clock(seconds)}"
        )
    if dry or not left:
        return {}
    try:
        if launcher == "local":
            outcomes = launch.run(folder, trials, jobs, together=together)
        else:
            cluster = {"slurm": "slurm", "submitit": "local"}[launcher]
            outcomes = slurm.run(
                folder, trials, jobs, cluster=cluster, settings=settings or {}
            )
    except KeyboardInterrupt:
        state = (
            "the runs under way are saved"
            if launcher == "local"
            else "the jobs stay in the queue (scancel takes them out)"
        )
        raise Interrupted(
            f"stopped; {state}; give the same command again to go on"
        ) from None
    print_end(plan, folder, outcomes, console)
    return outcomes


USUAL = {"only": "", "jobs": 0, "launcher": "local", "timing": True, "together": False}
"""What `sweep` does when it is not told otherwise."""


def command(
    name: str,
    workdir: Path | str,
    size: str,
    overrides: Iterable[str],
    settings: dict[str, Any],
    **flags: Any,
) -> str:
    """The command line of a call of `sweep`, wherever it was called from.

    `flags` are the arguments that are named in `USUAL`; those that are as usual are
    not said.
    """
    words = ["deconvgen", "sweep", str(name), f"--size={size}", f"--workdir={workdir}"]
    words += [f"--config.{change}" for change in overrides]
    words += [f"--slurm.{key}={value}" for key, value in settings.items()]
    for key, value in flags.items():
        if value != USUAL[key]:
            switch = f"--{key}" if value else f"--no{key}"
            words.append(switch if isinstance(value, bool) else f"--{key}={value}")
    return shlex.join(words)


def print_plan(plan: Plan, folder: Path, console: Console) -> None:
    """Every run with its number for `--only`, and its state."""
    table = Table(title=f"{plan.name}, {plan.size} size", title_justify="left")
    for column in ("", "run", "state"):
        table.add_column(column, overflow="fold")
    for number, trial in enumerate(plan.trials, 1):
        place = experiment.place(folder, trial)
        state = worker.outcome(place).get("state") or (
            "begun" if place.is_dir() else "to do"
        )
        table.add_row(str(number), trial.name, state)
    console.print(table)


def print_end(
    plan: Plan, folder: Path, outcomes: dict[str, launch.Outcome], console: Console
) -> None:
    """What failed, with the command that shows it alone; and what to do next."""
    trials = {trial.name: trial for trial in plan.trials}
    failed = {n: o for n, o in outcomes.items() if o["state"] == "failed"}
    for name, outcome in failed.items():
        place = experiment.place(folder, trials[name])
        console.print(f"failed: {name}: {outcome['error']}", markup=False)
        console.print(f"  {place / worker.LOG} tells more", markup=False)
    finished = len(plan.trials) - len(launch.pending(folder, plan.trials))
    console.print(f"{finished} of {len(plan.trials)} runs are finished")
    console.print(f"deconvgen report {folder}", markup=False)
