"""Scalars and pictures: metrics.jsonl, PNG, and loggers that are asked for.

The accelerator never waits for logging: the loop reads the scalars of a step only when
those of the next one have been asked for.
"""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np

from deconvgen.core import files, images
from deconvgen.core.errors import UserError
from deconvgen.training.logger import Start, Told

METRICS = "metrics.jsonl"
CLOCKS = ("seconds", "images_per_second")

FACTS = ("split", "num_examples", "ema", "batch_norm", "seed")
NOT_FIGURES = (*FACTS, "checkpoint", "step", "kind")


def read(path: Path) -> list[dict[str, Any]]:
    """The records of a metrics.jsonl; none where there is no such file."""
    return records(path.read_bytes()) if path.is_file() else []


def records(lines: bytes) -> list[dict[str, Any]]:
    """One record a line, up to a line that was cut off or is no record.

    Numbers that are not finite, which JSON does not have, are "nan", "inf" or "-inf".
    """
    found = []
    for line in lines.splitlines():
        try:
            record = files.parse(line, METRICS, {"step": int, "kind": str})
        except UserError:
            break
        if not all(files.is_a(record.get(name, 0), float) for name in CLOCKS):
            break
        found.append(record)
    return found


class Log:
    """What a run writes down.

    >>> log = Log(Path("x"), b"", 0, writes=False)
    >>> log.record(1, "train", {"loss": 0.5})
    >>> print(log.history().decode(), end="")
    {"step": 1, "kind": "train", "loss": 0.5}
    """

    def __init__(
        self,
        workdir: Path,
        history: bytes,
        step: int,
        writes: bool = True,
        loggers: Sequence[str] = (),
        config: dict[str, Any] | None = None,
    ):
        """Go on after `history`; with `writes=False` (another host) only remember.

        `loggers` are told everything as well, see `deconvgen.training.logger`; what
        they fail in harms nothing.
        """
        self.workdir, self.writes = workdir, writes
        self._lines = history
        self._records = records(history)
        if not writes:
            return
        path = workdir / METRICS
        files.write(path, history)
        self._file = path.open("ab")
        start = Start(workdir, config or {}, step)
        self._told = Told(loggers, start, map(numbers, self._records))

    def record(
        self, step: int, kind: str, values: dict[str, Any], **facts: Any
    ) -> None:
        """One line of metrics.jsonl, and the numbers to the loggers."""
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
        self._told.scalars(*numbers(record))

    def pictures(
        self, step: int, name: str, batch: np.ndarray, columns: int = 0
    ) -> Path:
        """A grid as PNG under `samples/`, and to loggers; `columns` 0: square."""
        path = self.workdir / "samples" / f"{step:08d}.png"
        if not self.writes:
            return path
        sheet = images.grid(batch, columns)
        images.save(sheet, path, 512)
        self._told.picture(step, name, sheet)
        return path

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
            self._told.close()


def _number(value: Any) -> Any:
    if isinstance(value, np.ndarray | np.generic | jax.Array):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)  # JSON has no NaN
    return value


def figures(record: dict[str, Any]) -> dict[str, Any]:
    """The numbers of a record, without its provenance."""
    return {k: v for k, v in record.items() if k not in NOT_FIGURES}


def numbers(record: dict[str, Any]) -> tuple[int, dict[str, float | int]]:
    """A record's step, and its figures that are finite numbers, by `kind/name`.

    >>> numbers({"step": 1, "kind": "train", "loss": 0.5, "rate": "nan"})
    (1, {'train/loss': 0.5})
    """
    kind, found = record["kind"], figures(record).items()
    finite = {f"{kind}/{k}": v for k, v in found if isinstance(v, float | int)}
    return record["step"], finite
