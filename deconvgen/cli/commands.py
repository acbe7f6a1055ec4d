"""The commands that begin with a config or with a layer, one function each.

Imports wait until a command runs: `deconvgen --help` should not start JAX.
"""

import shlex
from pathlib import Path

from deconvgen.cli.loggers import LOGGERS, asked
from deconvgen.cli.parser import (
    CHECKPOINT,
    CONFIG,
    WORKDIR,
    Flag,
    Values,
    command,
    place,
    whole,
)
from deconvgen.core.errors import UserError


@command(
    WORKDIR,
    CONFIG,
    Flag("quiet", "Say nothing on the way.", False),
    *LOGGERS,
    Flag(
        "distributed",
        "Several hosts: find the others in the cluster's environment.",
        False,
    ),
    Flag("coordinator", "Several hosts: HOST:PORT of the first."),
    Flag("num_processes", "Several hosts: how many.", 1, whole(1)),
    Flag("process_id", "Several hosts: which one this is.", 0, whole(0)),
)
def train(values: Values) -> None:
    """Train a config in a run folder, or go on with the run that is there."""
    from deconvgen import config
    from deconvgen.cli.tables import print_outcome
    from deconvgen.runs.train import train as run
    from deconvgen.training import parallel as devices

    loaded = config.load(values.config, values.overrides)
    if values.num_processes > 1 and not values.coordinator:
        raise UserError("--num_processes wants --coordinator=HOST:PORT beside it")
    if values.distributed or values.coordinator:
        devices.join_hosts(values.coordinator, values.num_processes, values.process_id)
    outcome = run(loaded, values.workdir, quiet=values.quiet, loggers=asked(values))
    print_outcome(outcome, loaded.monitor.metric)


@command(
    WORKDIR,
    CHECKPOINT,
    Flag(
        "batch_norm",
        "Statistics of the batch norms: running, batch or re-estimated; the config's "
        "eval.batch_norm if empty.",
    ),
    Flag("out", "The folder to write to; the run's own."),
    Flag(
        "split",
        "Of the data: test; validation, which checkpoints and settings are chosen on; "
        "or train.",
        "test",
    ),
)
def evaluate(values: Values) -> None:
    """Every figure of a run on a split: a table, evaluation.json, pictures."""
    from deconvgen.cli.tables import print_evaluation
    from deconvgen.runs.evaluation import evaluation
    from deconvgen.runs.run import load
    from deconvgen.runs.spectrum_pictures import spectrum_pictures

    which = values.checkpoint
    chosen = load(values.workdir, which).on(values.split)
    found = evaluation(chosen, batch_norm=values.batch_norm)
    results = {which: found.figures | chosen.cost}
    last = load(values.workdir, "latest") if which == "best" else chosen
    if last.step != chosen.step:
        figures = last.evaluate(batch_norm=values.batch_norm, split=values.split)
        results["last"] = figures | last.cost
    title = f"{chosen.folder}, step {chosen.step}, {values.split} images"
    draw = lambda place: spectrum_pictures(found.real, found.fake, place, title)
    folder = Path(values.out).expanduser() if values.out else chosen.folder
    name = "evaluation" if values.split == "test" else f"evaluation-{values.split}"
    print_evaluation(results, folder / name, title, draw)


@command(
    CONFIG,
    Flag("out", "A folder; the user's cache where none is named.", kind=place),
    Flag("steps", "Training steps.", 2000, whole(1)),
)
def features(values: Values) -> None:
    """Train the classifier whose features measure a config's data set, once."""
    from deconvgen import config
    from deconvgen.core import files
    from deconvgen.core.terminal import say
    from deconvgen.metrics.features import cache_folder
    from deconvgen.runs import classifier
    from deconvgen.runs import setup as runs

    loaded = config.load(values.config, values.overrides)
    out = Path(values.out or cache_folder()).expanduser()
    files.writable(out)
    loaded.data.clusters = 0  # the classifier learns what the images are
    sets = {split: runs.dataset(loaded, split) for split in runs.splits(loaded)}
    given = [f"--config.{text}" for text in values.overrides]
    words = ["deconvgen", "features", f"--config={values.config}", *given]
    about = classifier.train_and_save(
        sets,
        str(out),
        classifier.Recipe(values.steps),
        report=lambda step, loss: say(f"step {step}/{values.steps}  loss {loss:.3f}"),
        command=shlex.join([*words, f"--steps={values.steps}"]),
    )
    for key, value in about.items():
        print(f"{key:14} {value}")


@command(
    CONFIG._replace(needed=False),
    Flag("json", "As JSON.", False),
    words="KIND",
    name="list",
)
def list_names(values: Values) -> None:
    """Everything that a config can name, or one kind: `deconvgen list upsamplers`."""
    from deconvgen import config
    from deconvgen.cli.listing import show

    spec = values.config
    loaded = config.load(spec, values.overrides) if spec else None
    show(values.words, loaded, values.json)


def print_keys(values: Values) -> None:
    """What `--config.help` beside any command says: of its config, or its run's."""
    from deconvgen import config
    from deconvgen.cli.listing import show
    from deconvgen.runs import pinned

    spec, folder = (getattr(values, name, "") for name in ("config", "workdir"))
    loaded = config.load(spec, values.overrides) if spec else None
    if not spec and folder:
        loaded = pinned.saved(Path(folder).expanduser())
    show(["keys"], loaded)


@command(words="SHELL")
def completion(values: Values) -> None:
    """A script for TAB: `deconvgen completion bash`, zsh or fish."""
    from deconvgen.cli.completion import script

    print(script(*values.words))
