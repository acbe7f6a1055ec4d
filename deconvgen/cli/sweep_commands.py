"""The commands of an experiment: run it, answer it."""

from absl import flags

from deconvgen.cli.commands import command, required
from deconvgen.core.errors import UserError

SLURM = (
    "partition",
    "account",
    "qos",
    "constraint",
    "minutes",
    "cpus",
    "gpus",
    "mem_gb",
)


COUNTS = ("minutes", "cpus", "gpus", "mem_gb")


def _sweep(values: flags.FlagValues) -> None:
    text = lambda name, default, help: flags.DEFINE_string(
        name, default, help, flag_values=values
    )
    text("workdir", None, "The sweep folder.")
    text("config", "", "--config.KEY=VALUE overrides one value of every run.")
    text("size", "full", "smoke or full.")
    text("only", "", "Runs I or I-J, as --dry numbers them.")
    text("launcher", "local", "local, slurm, or submitit (Slurm's code, here).")
    for name in SLURM:
        text(f"slurm.{name}", "", f"{name} of the jobs.")
    flags.DEFINE_bool(
        "together", False, "A setting's seeds under one vmap.", flag_values=values
    )
    flags.DEFINE_bool("dry", False, "Check and list, run nothing.", flag_values=values)
    flags.DEFINE_bool(
        "timing", True, "Time a few steps for the estimate.", flag_values=values
    )
    flags.DEFINE_integer(
        "jobs",
        0,
        "Runs at a time; 0: one a GPU, else one a core.",
        lower_bound=0,
        flag_values=values,
    )


@command(_sweep)
def sweep(values: flags.FlagValues, overrides: list[str], words: list[str]) -> None:
    """Run an experiment, or go on with it: `deconvgen sweep experiments/NAME.py`."""
    from deconvgen.sweep.run import Failed
    from deconvgen.sweep.run import sweep as run

    if len(words) != 1:
        raise UserError("deconvgen sweep wants one experiment: its name or its file")
    if values.config:
        raise UserError("an experiment names its configs; --config.KEY=VALUE overrides")
    given = {name: values[f"slurm.{name}"].value for name in SLURM}
    outcomes = run(
        words[0],
        required(values, "workdir"),
        size=values.size,
        overrides=overrides,
        only=values.only,
        dry=values.dry,
        jobs=values.jobs,
        launcher=values.launcher,
        settings={k: _setting(k, v) for k, v in given.items() if v},
        timing=values.timing,
        together=values.together,
    )
    failed = sum(outcome["state"] == "failed" for outcome in outcomes.values())
    if failed:
        raise Failed(f"{failed} of {len(outcomes)} runs failed")


def _setting(name: str, value: str) -> str | int:
    if name not in COUNTS:
        return value
    if not value.isdecimal():
        raise UserError(f"--slurm.{name} should be a whole number, not {value!r}")
    return int(value)


def _report(values: flags.FlagValues) -> None:
    flags.DEFINE_string(
        "out", "", "The folder to write to; the sweep's own.", flag_values=values
    )


@command(_report)
def report(values: flags.FlagValues, overrides: list[str], words: list[str]) -> None:
    """Answer the question of a sweep: one HTML page, Markdown and CSV."""
    from deconvgen.report.write import report as write

    if not words:
        raise UserError("deconvgen report wants a sweep folder, or several")
    for path in write(words, values.out):
        print(path)
