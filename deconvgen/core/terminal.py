"""What a person at the terminal sees: texts as they are, and a bar that moves.

Names of folders, runs and classes are data: rich's markup (`[v2]`) and emoji codes
(`:cat:`) in them are not looked for. Every table and line of the package goes through
a `Terminal`.
"""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

WIDE = 1000
"""Columns where there is no terminal: what is piped is neither wrapped nor cut off."""


class Terminal(Console):
    """rich's console for texts that are data."""

    def __init__(self, **settings: Any):
        plain: dict[str, Any] = {"markup": False, "emoji": False, "highlight": False}
        super().__init__(force_jupyter=False, **plain | settings)
        if not self.is_terminal and "width" not in settings:
            self.width = WIDE  # whatever COLUMNS says: that is of a terminal

    def on_broken_pipe(self) -> None:
        """Whoever read has gone, as `head` does: rich would exit with 1."""
        raise BrokenPipeError

    def status(self, status: Any, **settings: Any) -> Any:
        """A line that changes while something is waited for."""
        return super().status(Text(str(status)), **settings)


def terminal(**settings: Any) -> Terminal:
    """Where a person is told what goes on: stderr, as plain text in notebooks too."""
    return Terminal(stderr=True, **settings)


def column(field: str) -> TextColumn:
    """A column of a progress display: `description`, or a field of its own."""
    return TextColumn(f"{{task.{field}}}", markup=False)


def say(text: str) -> None:
    """One line for the person at the terminal."""
    terminal(soft_wrap=True).print(text)


def clock(seconds: float | int) -> str:
    """`75` -> `1 min 15 s`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


STEPS = 3
"""That it takes to tell how many images pass in a second."""


class Live:
    """What shows a bar while it is open."""

    _bar: Progress

    def __enter__(self) -> Any:
        self._bar.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self._bar.stop()


class Bar(Live):
    """Progress: step, images/s, losses, time left; lines where there is no terminal."""

    def __init__(
        self,
        start: int,
        total: int,
        batch_size: int,
        quiet: bool = False,
        unit: str = "step",
    ):
        self.unit = unit
        self.live = sys.stderr.isatty() and not quiet
        self.quiet, self.batch_size, self.total = quiet, batch_size, total
        self._began = self._said = time.monotonic()
        self._first: int | None = None
        self._paused = self.last = 0.0
        self._bar = Progress(
            column("description"),
            BarColumn(bar_width=None),
            MofNCompleteColumn(),
            column("fields[note]"),
            TimeRemainingColumn(),
            console=terminal(),
            disable=not self.live,
            expand=True,
        )
        self._task = self._bar.add_task(unit, total=total, completed=start, note="")

    def rate(self, step: int) -> float:
        """Images per second of training, the first step (it compiles) left out.

        0 until `STEPS` more have passed: a step alone may have been computed already
        when the one before it was read.
        """
        now = time.monotonic()
        if self._first is None:
            self._first, self._began = step, now
        if step - self._first < STEPS:
            return 0.0
        passed = max(now - self._began - self._paused, 1e-9)
        return (step - self._first) * self.batch_size / passed

    @contextmanager
    def pause(self) -> Iterator[None]:
        """What happens in here is not training."""
        start = time.monotonic()
        yield
        self._paused += time.monotonic() - start

    def update(self, step: int, scalars: dict[str, float]) -> float:
        """Show a step; returns the images per second."""
        self.last = rate = self.rate(step)
        losses = "  ".join(f"{k} {v:.3f}" for k, v in scalars.items() if "loss" in k)
        note = f"{rate:,.0f} images/s  {losses}" if rate else losses
        self._bar.update(self._task, completed=step, note=note)
        now = time.monotonic()
        if not self.live and not self.quiet and now - self._said > 10:
            self._said = now
            images = (self.total - step) * self.batch_size
            left = f"{images / rate:,.0f} s left" if rate else ""  # not at the first
            say(f"{self.unit} {step}/{self.total}  {note}  {left}".rstrip())
        return rate
