"""Scalars and pictures: metrics.jsonl, TensorBoard, PNG; and the progress bar.

The accelerator never waits for logging: the loop reads the scalars of a step only when
those of the next one have been asked for.
"""

import json
import math
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jax
import numpy as np
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)

from deconvgen.core import images

METRICS = "metrics.jsonl"


def read(path: Path) -> list[dict[str, Any]]:
    """The records of a metrics.jsonl, up to a line that was cut off or is no record.

    Numbers that are not finite, which JSON does not have, are "nan", "inf" or "-inf".
    """
    records = []
    for line in path.read_bytes().splitlines() if path.is_file() else []:
        try:
            record = json.loads(line)
        except ValueError:
            break
        if not isinstance(record, dict) or not {"step", "kind"} <= record.keys():
            break
        records.append(record)
    return records


def terminal(**settings: Any) -> Console:
    """Where a person is told what goes on: stderr, as plain text in notebooks too."""
    return Console(stderr=True, force_jupyter=False, **settings)


def say(text: str) -> None:
    """One line for the person at the terminal."""
    terminal(highlight=False, soft_wrap=True).print(text, markup=False)


class Log:
    """What a run writes down."""

    def __init__(self, workdir: Path, history: bytes, step: int, writes: bool = True):
        """Go on after `history`; with `writes=False` (another host) only remember."""
        self.workdir, self.writes = workdir, writes
        self._lines = history
        self._records = [json.loads(line) for line in history.decode().splitlines()]
        if not writes:
            return
        from tensorboardX import SummaryWriter  # imports PyTorch where it can

        path = workdir / METRICS
        temporary = path.with_suffix(".tmp")
        temporary.write_bytes(history)
        temporary.rename(path)
        self._file = path.open("ab")
        self._board = SummaryWriter(str(workdir / "tensorboard"), purge_step=step + 1)

    def record(
        self, step: int, kind: str, values: dict[str, Any], **facts: Any
    ) -> None:
        """One line of metrics.jsonl, and the numbers to TensorBoard."""
        values = {k: _number(v) for k, v in values.items()}
        facts = {k: _number(v) for k, v in facts.items()}
        record = {"step": step, "kind": kind} | facts | values
        self._records.append(record)
        line = json.dumps(record) + "\n"
        self._lines += line.encode()
        if not self.writes:
            return
        self._file.write(line.encode())
        self._file.flush()
        for name, value in values.items():
            if isinstance(value, float | int):
                self._board.add_scalar(f"{kind}/{name}", value, step)

    def pictures(self, step: int, name: str, batch: np.ndarray) -> Path:
        """A grid as PNG under `samples/`, and to TensorBoard."""
        path = self.workdir / "samples" / f"{step:08d}.png"
        if not self.writes:
            return path
        sheet = images.grid(batch)
        self._board.add_image(name, sheet, step, dataformats="HWC")
        return images.save(sheet, path, 512)

    def history(self) -> bytes:
        """Everything in metrics.jsonl."""
        return self._lines

    def records(self, kind: str) -> list[dict[str, Any]]:
        """The records of one kind, so far."""
        return [record for record in self._records if record["kind"] == kind]

    def close(self) -> None:
        """Flush and close the files."""
        if self.writes:
            self._file.close()
            self._board.close()


def _number(value: Any) -> Any:
    if isinstance(value, np.ndarray | np.generic | jax.Array):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)  # JSON has no NaN
    return value


class Bar:
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
            TextColumn("{task.description}"),
            BarColumn(bar_width=None),
            MofNCompleteColumn(),
            TextColumn("{task.fields[note]}"),
            TimeRemainingColumn(),
            console=terminal(),
            disable=not self.live,
            expand=True,
        )
        self._task = self._bar.add_task(unit, total=total, completed=start, note="")

    def __enter__(self) -> "Bar":
        self._bar.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self._bar.stop()

    def rate(self, step: int) -> float:
        """Images per second of training, the first step (it compiles) left out."""
        now = time.monotonic()
        if self._first is None:
            self._first, self._began = step, now
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
