"""The commands of the command line, one function each.

Each is registered with the function that defines its flags, and takes the flags'
values, the overrides of the config and the words that belong to no flag. Imports wait
until a command runs: `deconvgen --help` should not start JAX.
"""

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

from absl import flags

from deconvgen.core.errors import UserError

Command = Callable[[flags.FlagValues, list[str], list[str]], None]
TAKES_WORDS = ("list", "sweep", "report", "explore")
commands: dict[str, tuple[Command, Callable[[flags.FlagValues], None]]] = {}


def command(
    define: Callable[[flags.FlagValues], None], name: str = ""
) -> Callable[[Command], Command]:
    """Register a command (flags, config overrides, other words) and its flags."""

    def register(run: Command) -> Command:
        commands[name or run.__name__] = (run, define)
        return run

    return register


def _workdir(values: flags.FlagValues) -> None:
    flags.DEFINE_string("workdir", None, "The run folder.", flag_values=values)


def checkpoint_flags(values: flags.FlagValues) -> None:
    """--workdir and --checkpoint."""
    _workdir(values)
    flags.DEFINE_string(
        "checkpoint", "best", "best, latest or a step.", flag_values=values
    )


def _config(values: flags.FlagValues) -> None:
    flags.DEFINE_string(
        "config",
        None,
        "A config: its bare name or its path, with :VARIANT, as dcgan:smoke. One value "
        "of it is overridden by --config.KEY=VALUE, as --config.optimizer.name=sgd.",
        flag_values=values,
    )


def _train(values: flags.FlagValues) -> None:
    _workdir(values)
    _config(values)
    flags.DEFINE_bool("quiet", False, "Say nothing on the way.", flag_values=values)
    flags.DEFINE_bool(
        "distributed",
        False,
        "Several hosts: find the others in the cluster's environment.",
        flag_values=values,
    )
    flags.DEFINE_string(
        "coordinator", "", "Several hosts: HOST:PORT of the first.", flag_values=values
    )
    count = lambda name, value, least, about: flags.DEFINE_integer(
        name, value, about, lower_bound=least, flag_values=values
    )
    count("num_processes", 1, 1, "Several hosts: how many.")
    count("process_id", 0, 0, "Several hosts: which one this is.")


def required(values: flags.FlagValues, name: str) -> Any:
    """The value of a flag that must be given."""
    value = values[name].value
    if value in (None, ""):
        raise UserError(f"--{name} is missing: {values[name].help}")
    try:
        Path(value).expanduser()
    except RuntimeError:
        raise UserError(
            f"--{name}={value}: {value.split('/')[0]} has no home"
        ) from None
    return value


@command(_train)
def train(values: flags.FlagValues, overrides: list[str], words: list[str]) -> None:
    """Train a config in a run folder, or go on with the run that is there."""
    from deconvgen import config
    from deconvgen.cli.tables import print_outcome
    from deconvgen.runs.train import train as run
    from deconvgen.training import parallel as devices

    loaded = config.load(required(values, "config"), overrides)
    workdir = required(values, "workdir")
    if values.num_processes > 1 and not values.coordinator:
        raise UserError("--num_processes wants --coordinator=HOST:PORT beside it")
    if values.distributed or values.coordinator:
        devices.join_hosts(values.coordinator, values.num_processes, values.process_id)
    print_outcome(run(loaded, workdir, quiet=values.quiet), loaded.monitor.metric)


def _evaluate(values: flags.FlagValues) -> None:
    checkpoint_flags(values)
    flags.DEFINE_string(
        "batch_norm",
        "",
        "Statistics of the batch norms: running, batch or re-estimated; the config's "
        "eval.batch_norm if empty.",
        flag_values=values,
    )
    flags.DEFINE_string(
        "out", "", "The folder to write to; the run's own.", flag_values=values
    )


@command(_evaluate)
def evaluate(values: flags.FlagValues, overrides: list[str], words: list[str]) -> None:
    """Every figure of a run on its test split: a table, evaluation.json, pictures."""
    from deconvgen.cli.tables import print_evaluation
    from deconvgen.runs.evaluation import evaluation
    from deconvgen.runs.run import load
    from deconvgen.runs.spectrum_pictures import spectrum_pictures

    workdir, which = required(values, "workdir"), values.checkpoint
    chosen = load(workdir, which)
    found = evaluation(chosen, batch_norm=values.batch_norm)
    results = {which: found.figures | chosen.cost}
    if which == "best" and (last := load(workdir, "latest")).step != chosen.step:
        results["last"] = last.evaluate(batch_norm=values.batch_norm) | last.cost
    title = f"{chosen.folder}, step {chosen.step}"
    draw = lambda place: spectrum_pictures(found.real, found.fake, place, title)
    folder = Path(values.out).expanduser() if values.out else chosen.folder
    print_evaluation(results, folder, str(chosen.folder), draw)


def _audit(values: flags.FlagValues) -> None:
    text = lambda name, default, about: flags.DEFINE_string(
        name, default, about, flag_values=values
    )
    text("upsampler", "", "NAME[:KERNEL[:INIT]],...; all if none is named.")
    text(
        "kernel_size", "", "Rows and columns: 4, or 3,5; the upsampler's own if empty."
    )
    text("factor", "2", "Of rows and columns: 2, or 2,3.")
    text("init", "", "One of `deconvgen list initializers`.")
    text("out", "", "A folder for audit.png and audit.html.")
    flags.DEFINE_integer(
        "features", 64, "Channels that come out.", lower_bound=1, flag_values=values
    )
    for name, about in MODIFIERS.items():
        flags.DEFINE_bool(name, False, about, flag_values=values)


MODIFIERS = {
    "residual": "Add bilinear additive upsampling of the input.",
    "box_filter": "A zero-order hold behind the layer.",
    "extra_conv": "One more stride-1 convolution.",
}


def numbers(name: str, text: str) -> int | tuple[int, ...] | None:
    """`4` -> 4, `3,5` -> (3, 5), nothing -> None."""
    try:
        values = tuple(int(part) for part in text.split(",")) if text else ()
    except ValueError:
        raise UserError(f"--{name} is 2 or 2,3, say, not {text!r}") from None
    return None if not values else values[0] if len(values) == 1 else values


@command(_audit)
def audit(values: flags.FlagValues, overrides: list[str], words: list[str]) -> None:
    """What upsampling layers cost and do before any training: a table and a page."""
    from deconvgen import audit as page

    page.run(
        values.upsampler or None,
        numbers("kernel_size", values.kernel_size),
        numbers("factor", values.factor),
        values.init or None,
        values.features,
        values.out or None,
        **{name: values[name].value for name in MODIFIERS},
    )


def _features(values: flags.FlagValues) -> None:
    _config(values)
    flags.DEFINE_string(
        "out", "", "A folder; the user's cache where none is named.", flag_values=values
    )
    flags.DEFINE_integer(
        "steps", 2000, "Training steps.", lower_bound=1, flag_values=values
    )


@command(_features)
def features(values: flags.FlagValues, overrides: list[str], words: list[str]) -> None:
    """Train the classifier whose features measure a config's data set, once."""
    from deconvgen import config
    from deconvgen.core import files
    from deconvgen.core.terminal import say
    from deconvgen.metrics.features import cache_folder
    from deconvgen.runs import classifier
    from deconvgen.runs import setup as runs

    spec = required(values, "config")
    loaded = config.load(spec, overrides)
    out = Path(values.out or cache_folder()).expanduser()
    files.writable(out)
    train_set, test_set = (runs.dataset(loaded, split) for split in ("train", "test"))
    given = [f"--config.{text}" for text in overrides]
    words = ["deconvgen", "features", f"--config={spec}", *given]
    about = classifier.train_and_save(
        train_set,
        test_set,
        str(out),
        steps=values.steps,
        report=lambda step, loss: say(f"step {step}/{values.steps}  loss {loss:.3f}"),
        command=shlex.join([*words, f"--steps={values.steps}"]),
    )
    for key, value in about.items():
        print(f"{key:14} {value}")


def _nothing(values: flags.FlagValues) -> None:
    pass


@command(_nothing, name="list")
def list_names(
    values: flags.FlagValues, overrides: list[str], words: list[str]
) -> None:
    """Everything that a config can name, or one kind: `deconvgen list upsamplers`."""
    from deconvgen.cli.listing import print_kinds

    print_kinds(words)
