"""A run, loaded from its folder: sample, reconstruct, evaluate.

>>> run = deconvgen.load("pretrained:dcgan-fashion")  # or the folder of a run
>>> run.sample(num=4, seed=0).shape  # [n, h, w, c] in [-1, 1]
(4, 28, 28, 1)
"""

from pathlib import Path
from typing import Any

from deconvgen.core.errors import UserError
from deconvgen.core.terminal import say
from deconvgen.runs import pinned, pretrained
from deconvgen.runs.evaluation import evaluation
from deconvgen.runs.handle import Handle
from deconvgen.training import checkpoint
from deconvgen.training.log import METRICS, read
from deconvgen.training.monitor import time_to_quality


class Run(Handle):
    """A `Handle` that can be evaluated, and knows what it cost.

    >>> run = load("pretrained:dcgan-fashion")
    >>> run.sample(2).shape, run.step
    ((2, 28, 28, 1), 10000)
    """

    @property
    def cost(self) -> dict[str, Any]:
        """What training up to the checkpoint cost, as the run measured it.

        And the time that the run took to come near its best: see `training.monitor`.
        """
        records, monitor = read(self.folder / METRICS), self.config.monitor
        spent = [r for r in records if r["kind"] == "cost" and r["step"] <= self.step]
        last = (spent or [{}])[-1]
        return {
            k: v for k, v in last.items() if k not in ("step", "kind")
        } | time_to_quality(records, monitor.metric, monitor.mode)

    def evaluate(
        self, limit: int | None = None, batch_norm: str = "", split: str = "test"
    ) -> dict[str, Any]:
        """Every figure on a split: see `deconvgen.runs.evaluation`."""
        return evaluation(self.on(split), limit, batch_norm).figures


def load(workdir: Path | str, which: str = "best") -> Run:
    """The run in a folder, at its `best` or `latest` checkpoint or at a step.

    `pretrained:NAME` is one that is shipped; what is drawn from it goes to ./NAME.

    Raises `UserError` where there is no run, or no such checkpoint.

    >>> load("pretrained:dcgan-fashion").config.task
    'gan'
    """
    if str(workdir).startswith(pretrained.PREFIX):
        name = str(workdir).removeprefix(pretrained.PREFIX)
        config, found = pretrained.find(name, which)
        return Run(Path(name), config, found, pretrained.restore)
    folder = Path(workdir).expanduser()
    config = pinned.saved(folder)
    monitor = config.monitor
    found = checkpoint.find(folder, which, monitor.metric, monitor.mode, warn=say)
    if found is None:
        raise UserError(f"{folder} has no checkpoint yet: train it first")
    return Run(folder, config, found)
