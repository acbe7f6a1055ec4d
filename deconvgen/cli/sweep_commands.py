"""The commands of an experiment: run it, answer it."""

import os
from pathlib import Path

from deconvgen.cli.loggers import LOGGERS, asked
from deconvgen.cli.parser import Flag, Values, command, place, whole
from deconvgen.core.errors import UserError

SLURM = {
    "partition": str,
    "account": str,
    "qos": str,
    "constraint": str,
    "minutes": whole(0),
    "cpus": whole(0),
    "gpus": whole(0),
    "mem_gb": whole(0),
}


@command(
    Flag("workdir", "The sweep folder.", kind=place, needed=True),
    Flag("config", "An experiment names its configs: only --config.KEY=VALUE is used."),
    Flag("size", "Of SIZES in the file: smoke (minutes), full, often study.", "full"),
    Flag("only", "Runs I, I-J or I,J-K, as --dry numbers them."),
    Flag("launcher", "local, slurm, or submitit (Slurm's code, here).", "local"),
    *(Flag(f"slurm.{k}", f"Slurm: {k} of a job.", kind=SLURM[k]) for k in SLURM),
    Flag(
        "together",
        "Runs in one program: none, all that can be, or N; auto: all on accelerators.",
        "auto",
        bare="all",
    ),
    Flag("dry", "Check and list, run nothing.", False),
    Flag("timing", "Time a few steps for the estimate.", True),
    Flag("jobs", "Runs at a time; 0: one a GPU, else one a core.", 0, whole(0)),
    *LOGGERS,
    words="EXPERIMENT",
)
def sweep(values: Values) -> None:
    """Run an experiment, or go on with it: `deconvgen sweep experiments/NAME.py`."""
    from deconvgen.sweep.run import Failed
    from deconvgen.sweep.run import sweep as run
    from deconvgen.training.logger import ASKED, chosen

    if len(values.words) != 1:
        raise UserError("deconvgen sweep wants one experiment: its name or its file")
    if values.config:
        raise UserError("an experiment names its configs; --config.KEY=VALUE overrides")
    if found := chosen(asked(values)):  # for the processes that train
        os.environ[ASKED] = ",".join(found)
        os.environ.setdefault("WANDB_RUN_GROUP", Path(values.workdir).name)
    given = {name: getattr(values, f"slurm.{name}") for name in SLURM}
    outcomes = run(
        values.words[0],
        values.workdir,
        size=values.size,
        overrides=values.overrides,
        only=values.only,
        dry=values.dry,
        jobs=values.jobs,
        launcher=values.launcher,
        settings={name: value for name, value in given.items() if value != ""},
        timing=values.timing,
        together=values.together,
    )
    failed = sum(outcome["state"] == "failed" for outcome in outcomes.values())
    if failed:
        raise Failed(f"{failed} of {len(outcomes)} runs failed")


@command(Flag("out", "The folder to write to; the sweep's own."), words="FOLDER")
def report(values: Values) -> None:
    """Answer the question of a sweep: one HTML page, Markdown and CSV."""
    from deconvgen.report.write import report as write

    if not values.words:
        raise UserError("deconvgen report wants a sweep folder, or several")
    for path in write(values.words, values.out):
        print(path)
