"""`deconvgen sweep`: check, say what will happen, run, say what happened."""

import shlex
import signal
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from deconvgen.core import files, signals
from deconvgen.core.errors import Exit, UserError, near_match, unknown
from deconvgen.core.terminal import Terminal, clock
from deconvgen.sweep import check as checks
from deconvgen.sweep import (
    estimate,
    grouping,
    local,
    local_jobs,
    slurm,
    spending,
    worker,
)
from deconvgen.sweep import plan as experiment
from deconvgen.sweep.launcher import Launcher, Outcome, pending, run
from deconvgen.sweep.plan import Plan, Trial


class Interrupted(Exit):
    """Ctrl-C or SIGTERM; the runs under way have saved what they had."""

    def __init__(self, text: str, number: int = signal.SIGINT):
        super().__init__(text)
        self.code = 128 + number


class Failed(Exit):
    """The sweep is over, and some of its runs have failed."""

    code = 1


LAUNCHERS: dict[str, type[Launcher]] = {
    "local": local.Pool,
    "slurm": slurm.Jobs,
    "submitit": local_jobs.Jobs,
}


UNNAMED = (
    "no primary measure, test and design are named (PRIMARY, TEST, DESIGN): the report "
    "will take the first measure for the primary one, and say so"
)


def chosen(trials: list[Trial], only: str) -> list[Trial]:
    """The trials `I` or `I-J`, or several with commas, from 1; all of them for ""."""
    if not only:
        return trials
    wanted: set[int] = set()
    for part in only.split(","):
        first, _, last = part.strip().partition("-")
        if not first.isdecimal() or not (last or first).isdecimal():
            raise UserError(
                f"--only should read I or I-J, or several with commas, not {only!r}"
            )
        i, j = int(first), int(last or first)
        if not 1 <= i <= j <= len(trials):
            raise UserError(f"--only={only}: there are runs 1 to {len(trials)}")
        wanted |= {*range(i, j + 1)}
    return [trial for number, trial in enumerate(trials, 1) if number in wanted]


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
    together: str | int | bool = "auto",
) -> dict[str, Outcome]:
    """Run an experiment in a sweep folder, or go on with it; the runs' outcomes.

    With `dry`, check every run and list them; nothing is run, not even for a timing.
    `launcher` is local, slurm, or submitit (the code for Slurm, on this machine).
    `together` says which runs are trained in one program, where the launcher is local:
    none, at most a number of them, all that can be, or (auto) those where it pays.
    Raises `UserError`, before anything runs, for a run that cannot be, and
    `Interrupted` after Ctrl-C.

    >>> start("upsampling", "sweeps/mine", size="smoke", dry=True)  # doctest: +SKIP
    """
    if launcher not in LAUNCHERS:
        raise unknown("launcher", launcher, LAUNCHERS)
    if jobs < 0:
        raise UserError(f"--jobs should be 0 (one a GPU or core) or more, not {jobs}")
    folder, overrides = Path(workdir).expanduser(), list(overrides)
    console = Terminal(soft_wrap=True)
    plan = experiment.renamed(experiment.load(name, size, overrides), folder)
    trials = chosen(plan.trials, only)
    console.print(plan.question)
    console.print(plan.design.words() if plan.design else UNNAMED)
    left, kind = pending(folder, trials), LAUNCHERS[launcher]
    most = grouping.most(together, local.accelerated()) if kind is local.Pool else 1
    with beforehand():
        check(plan, checks.unchecked(folder, left), console)
    count = jobs or kind.usual()
    with ExitStack() as held:
        if not dry:
            taken = f"another process runs the sweep in {folder}"
            held.enter_context(files.locked(folder, taken))
            plan = experiment.save(plan, folder)
            checks.note(folder, left)
        else:
            print_plan(plan, left, most, folder, console)
        if left and not dry:
            flags = {"only": only, "jobs": jobs, "launcher": launcher}
            flags |= {"timing": timing, "together": together}
            line = command(name, workdir, size, overrides, settings or {}, **flags)
            with (folder / "commands.txt").open("a", encoding="utf-8") as file:
                file.write(line + "\n")
        groups = len({trial.group for trial in left})
        compiled = grouping.told(left, most)
        console.print(
            f"{len(trials)} runs, {len(trials) - len(left)} of them finished; to do: "
            f"{len(left)} runs of {groups} settings and {compiled}, "
            f"{min(count, len(left))} at a time"
        )
        if left:
            with beforehand():
                here = timing and not dry and kind.here and most == 1
                print_estimate(folder, left, count, here, console)
        if dry or not left:
            return {}
        outcomes = launched(kind, folder, trials, count, settings or {}, most)
    print_end(plan, folder, outcomes, console)
    return outcomes


def launched(kind: type[Launcher], *what: Any) -> dict[str, Outcome]:
    """`launcher.run`; `Interrupted` says what became of the runs under way."""
    try:
        with signals.noted(matters=True):
            return run(kind, *what)
    except KeyboardInterrupt as error:
        raise Interrupted(
            f"stopped; {kind.saved}; give the same command again to go on",
            signals.of(error),
        ) from None


USUAL = {"only": "", "jobs": 0, "launcher": "local", "timing": True, "together": "auto"}
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


@contextmanager
def beforehand() -> Iterator[None]:
    """What Ctrl-C may stop without anything being lost."""
    try:
        yield
    except KeyboardInterrupt as error:
        text = "stopped before any run began"
        raise Interrupted(text, signals.of(error)) from None


def check(plan: Plan, trials: list[Trial], console: Terminal) -> None:
    """Check the runs, showing how far it is; warn of measures that none will have."""
    groups = len({trial.group for trial in trials})
    if groups and not console.is_terminal:
        console.print(f"checking {groups} settings")
    with console.status("checking") as status:
        figures = checks.check(
            trials,
            lambda number, count, trial: status.update(
                Text(f"checking setting {number} of {count}: {trial.name}")
            ),
        )
    if {t.config for t in trials} < {t.config for t in plan.trials}:
        return  # the others have figures of their own
    for measure in checks.unmeasured(plan.measures, figures):
        hint = near_match(measure, figures)
        console.print(f"warning: no run has the measure {measure!r}{hint}")


def print_estimate(
    folder: Path, left: list[Trial], count: int, timing: bool, console: Terminal
) -> None:
    """Say how long the runs take, and how one knows; with `timing`, time them."""
    told = lambda kinds: console.print(
        f"timing {kinds} kinds of settings for about {clock(estimate.LIMIT)} at most "
        "(--notiming leaves it out)"
    )
    with console.status("timing"):
        found = estimate.estimate(folder, left, count, timing, told)
    if found is None:
        console.print("no run is over yet that would tell how long they take")
        return
    rest = found.kinds - found.known
    grounds = f" ({rest} of {found.kinds} kinds of settings taken as the others)"
    console.print(f"that takes about {clock(found.seconds)}{grounds if rest else ''}")


def print_plan(
    plan: Plan, left: list[Trial], most: int, folder: Path, console: Terminal
) -> None:
    """Every run with its number for `--only`, and its state; of those that are left
    the number of the program that trains them."""
    table = Table(title=f"{plan.name}, {plan.size} size", title_justify="left")
    groups = grouping.programs(left, most != 1).values()
    number_of = {t.name: f"{i}" for i, group in enumerate(groups, 1) for t in group}
    for column in ("", "run", "program", "state"):
        table.add_column(column, overflow="fold")
    for number, trial in enumerate(plan.trials, 1):
        place = experiment.place(folder, trial)
        state = worker.outcome(place).get("state") or (
            "begun" if place.is_dir() else "to do"
        )
        table.add_row(f"{number}", trial.name, number_of.get(trial.name, ""), state)
    console.print(table)


def print_end(
    plan: Plan, folder: Path, outcomes: dict[str, Outcome], console: Terminal
) -> None:
    """What failed, with the command that shows it alone, where the seconds went, and
    what to do next."""
    trials = {trial.name: trial for trial in plan.trials}
    failed = {n: o for n, o in outcomes.items() if o["state"] == "failed"}
    for name, outcome in failed.items():
        place = experiment.place(folder, trials[name])
        console.print(f"failed: {name}: {outcome['error']}")
        console.print(f"  {place / worker.LOG} tells more")
    spent = spending.total(spending.of(outcome) for outcome in outcomes.values())
    if went := spending.told(spent):
        console.print(f"where the seconds went: {went}")
    finished = len(plan.trials) - len(pending(folder, plan.trials))
    console.print(f"{finished} of {len(plan.trials)} runs are finished")
    console.print(shlex.join(["deconvgen", "report", str(folder)]))
