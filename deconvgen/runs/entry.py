"""Training from Python: a config's name, a folder, and values by keyword."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ml_collections import ConfigDict

from deconvgen import config as configs
from deconvgen.core.errors import UserError
from deconvgen.runs.run import Run, load
from deconvgen.runs.train import train as trained


def train(
    config: Any,
    workdir: Path | str,
    *,
    quiet: bool = False,
    loggers: Sequence[str] = (),
    **values: Any,
) -> Run:
    """Train a config in a run folder, or go on with the run there; gives the run.

    `config` is `name:variant`, a file, or a config; `values` override its keys, with
    two underscores where the key has a dot. `loggers` (`["wandb"]`) are told what the
    run folder is.

    >>> run = train("dcgan:smoke", "runs/x", model__upsampler="nearest_conv")
    >>> run.sample(64).shape, run.step
    ((64, 28, 28, 1), 20)

    Raises `UserError` for a config that makes no sense or differs from the folder's,
    `Diverged` where a loss is no longer finite, `Stopped` after SIGTERM or SIGINT.
    """
    texts = [f"{k.replace('__', '.')}={configs.text(v)}" for k, v in values.items()]
    if isinstance(config, str):
        resolved = configs.load(config, texts)
    elif isinstance(config, ConfigDict):
        resolved = configs.override(config, texts)
    else:
        raise UserError(f"a config is a name or a ConfigDict, not {config!r:.80}")
    trained(resolved, workdir, quiet=quiet, loggers=loggers)
    return load(workdir)
