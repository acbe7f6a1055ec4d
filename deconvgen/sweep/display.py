"""How a sweep is getting on: a live display of all runs; lines without a terminal."""

import sys
import time
from pathlib import Path
from typing import Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress

from deconvgen.core.terminal import Live, clock, column, say, terminal
from deconvgen.sweep import plan as experiment
from deconvgen.sweep.plan import Trial
from deconvgen.training.log import METRICS, read


class Display(Live):
    """A bar for the sweep and one for each run under way.

    `total` runs, of which `finished` were so before; the time left is reckoned from
    those that ended since.
    """

    def __init__(self, folder: Path, total: int, finished: int):
        self.folder, self.total, self.before = folder, total, finished
        self.began = time.monotonic()
        self.live = sys.stderr.isatty()
        self._told: set[str] = set()
        self._bars: dict[str, Any] = {}
        self._bar = Progress(
            column("description"),
            BarColumn(),
            MofNCompleteColumn(),
            column("fields[note]"),
            console=terminal(),
            disable=not self.live,
        )
        self._all = self._bar.add_task("runs", total=total, completed=finished, note="")

    def left(self, ended: int) -> str:
        """How long the rest will take, in words."""
        if not ended:
            return ""
        each = (time.monotonic() - self.began) / ended
        return f"about {clock(each * (self.total - self.before - ended))} left"

    def update(self, done: dict[str, dict[str, Any]], active: list[Trial]) -> None:
        """Show what ended and what runs; each run that ended is told once."""
        ended = len(done)
        for name in [name for name in list(done) if name not in self._told]:
            self._told.add(name)
            outcome = done[name]
            note = outcome.get("error") or f"{outcome['seconds']:.0f} s"
            place = f"[{self.before + len(self._told)}/{self.total}]"
            text = f"{place} {name}: {outcome['state']}, {note}"
            if self.live:
                if outcome["state"] != "finished":
                    self._bar.console.print(text)
            else:
                say(f"{text}; {self.left(len(self._told))}")
        if not self.live:
            return
        failed = sum(outcome["state"] == "failed" for outcome in done.values())
        note = f"{failed} failed  " if failed else ""
        self._bar.update(
            self._all, completed=self.before + ended, note=note + self.left(ended)
        )
        names = {trial.name: trial for trial in active}
        for name in [name for name in self._bars if name not in names]:
            self._bar.remove_task(self._bars.pop(name))
        for name, trial in names.items():
            step, total = progress(experiment.place(self.folder, trial))
            if name not in self._bars:
                self._bars[name] = self._bar.add_task(name, total=None, note="")
            self._bar.update(self._bars[name], completed=step, total=total)


def progress(run: Path) -> tuple[int, int | None]:
    """The last step that a run has logged, and how many there are to be."""
    from deconvgen import config
    from deconvgen.core.errors import UserError

    records = read(run / METRICS)
    try:
        total: Any = config.read(run / "config.json").steps
    except UserError:
        total = None
    return (records[-1]["step"] if records else 0), total
