"""Where figures and pictures go besides the run folder: one function a logger.

A logger of one's own is a function in an imported file (`--import=my_logger.py`):

    @loggers.register
    def printed(start):
        return Logger(scalars=lambda step, values: print(step, values))

metrics.jsonl is no logger: runs go on by it, so it is always written, and first.
"""

import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from deconvgen.core import files
from deconvgen.core.errors import UserError, first_line
from deconvgen.core.registry import Registry
from deconvgen.core.terminal import say

ASKED = "DECONVGEN_LOGGERS"
"""The environment variable that names loggers for every run, with commas."""
NEEDS = {"tensorboard": "tensorboardX", "wandb": "wandb"}
"""The packages of loggers that want one; the extra is called as the logger is."""


class Start(NamedTuple):
    """A run as its loggers meet it.

    >>> Start(Path("runs/x"), {"task": "gan"}, 0).step
    0
    """

    workdir: Path
    config: dict[str, Any]
    step: int  # that it goes on from; 0: it begins


def nothing(*_: Any) -> None:
    """For what a logger does not take."""


class Logger(NamedTuple):
    """An open logger, a record of functions.

    >>> Logger(scalars=lambda step, values: None).known
    -1
    """

    scalars: Callable[[int, Mapping[str, float | int]], None] = (
        nothing  # {"train/loss": 0.5}
    )
    picture: Callable[[int, str, np.ndarray], None] = nothing  # uint8 [h, w, 1 or 3]
    close: Callable[[], None] = nothing
    known: int = -1  # the last step it has of earlier processes; what was is told again


loggers: Registry[Callable[[Start], Logger]] = Registry("logger")
"""The functions that open one."""


@loggers.register
def tensorboard(start: Start) -> Logger:
    """TensorBoard's files, in the run folder's tensorboard/."""
    from tensorboardX import SummaryWriter  # imports PyTorch where it can

    folder = start.workdir / "tensorboard"
    known = start.step if folder.exists() else -1
    board = SummaryWriter(str(folder), purge_step=start.step + 1)
    text = json.dumps(start.config, indent=2, default=str)
    board.add_text("config", f"```\n{text}\n```", start.step)

    def scalars(step: int, values: Mapping[str, float | int]) -> None:
        for name, value in values.items():
            board.add_scalar(name, value, step)

    shown = lambda step, name, sheet: board.add_image(
        name, sheet, step, dataformats="HWC"
    )
    return Logger(scalars, shown, board.close, known)


@loggers.register
def wandb(start: Start) -> Logger:
    """Weights & Biases, one run for a run folder however often it goes on.

    Project, entity, group and mode (WANDB_MODE=offline) are set as ever, by W&B's own
    environment variables; the project is deconvgen where none is named.
    """
    import wandb as library

    place = start.workdir / "wandb-id"
    if not place.exists():
        files.write(place, os.urandom(4).hex())
    run = library.init(
        id=place.read_text("utf-8").strip(),
        resume="allow",
        reinit="create_new",  # several are trained together
        project=os.environ.get("WANDB_PROJECT", "deconvgen"),
        name=start.workdir.name,
        dir=str(start.workdir),
        config=start.config,
        allow_val_change=True,
        settings=library.Settings(console="off"),
    )
    picture = lambda step, name, sheet: run.log(
        {name: library.Image(sheet.squeeze())}, step=step
    )
    known = run.step - 1 if run.resumed else -1
    scalars = lambda step, values: run.log(dict(values), step=step)
    return Logger(scalars, picture, run.finish, known)


def chosen(names: Sequence[str] = ()) -> list[str]:
    """The loggers that are asked for, here or in the environment, each once.

    Raises `UserError` for one that is unknown, or whose package is not installed.
    """
    found = [n.strip() for n in (*names, *os.environ.get(ASKED, "").split(","))]
    found = [name for name in dict.fromkeys(found) if name]
    for name in found:
        if name in loggers or not loggers[name]:
            check(name, NEEDS.get(name, ""))
    return found


def check(name: str, package: str) -> None:
    """Refuse a logger whose package is not there; a folder of that name is none."""
    spec = find_spec(package) if package else None
    if package and (spec is None or spec.origin is None):
        raise UserError(
            f"the logger {name} needs {package}, which is not installed: "
            f"pip install 'deconvgen[{name}]'"
        )


class Told:
    """The open loggers of a run; one that fails is left out from then on.

    >>> told = Told([], Start(Path("x"), {}, 0))
    >>> told.scalars(1, {"train/loss": 0.5})
    """

    def __init__(
        self,
        names: Sequence[str],
        start: Start,
        before: Iterable[tuple[int, Mapping[str, float | int]]] = (),
    ):
        """Open them, and tell each what it lacks of the figures before, by step."""
        self._open: dict[str, Logger] = {}
        for name in names:
            self._try(name, lambda name=name: self._begin(name, start))
        behind = {name: own.known for name, own in self._open.items()}
        if behind and min(behind.values()) < start.step:
            for step, values in before:
                self.scalars(step, values)
            for path in sorted((start.workdir / "samples").glob("*.png")):
                if path.stem.isdigit() and int(path.stem) <= start.step:
                    sheet = np.asarray(Image.open(path))
                    self.picture(int(path.stem), "samples", sheet)

    def _begin(self, name: str, start: Start) -> None:
        self._open[name] = loggers[name](start)

    def scalars(self, step: int, values: Mapping[str, float | int]) -> None:
        """Figures of a step, `{"train/loss": 0.5}`."""
        if values:
            self._tell(step, lambda own: own.scalars(step, values))

    def picture(self, step: int, name: str, sheet: np.ndarray) -> None:
        """A picture, uint8 [h, w, 1 or 3]."""
        sheet = sheet[..., None] if sheet.ndim == 2 else sheet
        self._tell(step, lambda own: own.picture(step, name, sheet))

    def close(self) -> None:
        """Close all of them."""
        for name, own in [*self._open.items()]:
            self._try(name, own.close)

    def _tell(self, step: int, call: Callable[[Logger], None]) -> None:
        for name, own in [*self._open.items()]:
            if step > own.known:
                self._try(name, lambda own=own: call(own))

    def _try(self, name: str, call: Callable[[], None]) -> None:
        try:
            call()
        except Exception as error:  # whatever somebody's package or network does
            self._open.pop(name, None)
            say(
                f"the logger {name} has failed and is left out from here on "
                f"({type(error).__name__}: {first_line(error)}); metrics.jsonl goes on"
            )
