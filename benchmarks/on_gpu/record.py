"""What the parts find, line by line in a file, and the page made of it.

A part is cut off at its deadline, or dies with its GPU: what it had written by then
is on the page all the same.
"""

import json
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import Any

from tables import table


class Record:
    """Lines of one part: rows of tables, notes, and errors; and the time it has."""

    def __init__(self, path: Path, seconds: float, toy: bool):
        self.file = path.open("a")
        self.end, self.toy = monotonic() + seconds, toy

    def left(self) -> float:
        """Seconds until the part is ended from outside."""
        return self.end - monotonic()

    def row(self, table: str, **cells: Any) -> None:
        """A row of the table of that title; its columns are those of all rows."""
        self._write({"table": table, "cells": cells})

    def note(self, text: str) -> None:
        """A sentence under the part's heading."""
        self._write({"note": text})

    @contextmanager
    def trying(self, what: str, needs: float = 0.0) -> Iterator[None]:
        """Keep what goes wrong inside as a line of the page, and go on behind it.

        Where fewer than `needs` seconds are left, it is left out: `enough`, called
        first thing inside, sees to that.
        """
        self.needs = needs
        try:
            yield
        except Skip:
            self.note(f"left out for lack of time: {what}")
        except ImportError as error:
            self.note(f"left out: {what} ({error})")
        except Exception as error:
            lines = traceback.format_exc().splitlines()
            kept = lines if len(lines) < 40 else [*lines[:15], "...", *lines[-20:]]
            text = "\n".join(line[:400] for line in kept)
            kind = f"{type(error).__name__}: {error}"[:300]
            self._write({"failed": what, "error": kind, "traceback": text})

    def enough(self) -> None:
        """Leave the enclosing `trying` where its time is not there any more."""
        if self.left() < self.needs:
            raise Skip

    def _write(self, line: dict) -> None:
        print(json.dumps(line, default=str), file=self.file, flush=True)


class Skip(Exception):
    """There is too little time left."""


def lines(path: Path) -> list[dict]:
    """What a part has written so far; a last line cut short is left out."""
    found = []
    for text in path.read_text().splitlines() if path.exists() else []:
        try:
            found.append(json.loads(text))
        except json.JSONDecodeError:
            break
    return found


def page(parts: dict[str, dict]) -> str:
    """Markdown of `{name: {title, state, lines}}`, tables first, tracebacks last."""
    blocks, failures = [], []
    for name, part in parts.items():
        blocks.append(f"## {part['title']}")
        when = f"; {part['when']}" if "when" in part else ""
        blocks.append(f"({name}: {part['state']}{when})")
        tables: dict[str, list[dict]] = {}
        for line in part["lines"]:
            if "table" in line:
                tables.setdefault(line["table"], []).append(line["cells"])
        for title, rows in tables.items():
            head = list(dict.fromkeys(key for row in rows for key in row))
            cells = [[row.get(key, "") for key in head] for row in rows]
            blocks.append(f"### {title}\n\n{table(head, cells)}")
        notes = [line["note"] for line in part["lines"] if "note" in line]
        failed = [line for line in part["lines"] if "failed" in line]
        notes += [f"FAILED: {line['failed']}: {line['error']}" for line in failed]
        if notes:
            flat = [" ".join(note.split()) for note in notes]
            blocks.append("\n".join(f"- {note}" for note in flat))
        failures += [
            f"### {name}: {line['failed']}\n\n```\n{line['traceback']}\n```"
            for line in failed
        ]
        if part.get("output"):
            failures.append(f"### {name}: output\n\n```\n{part['output']}\n```")
    if failures:
        blocks += ["## Tracebacks", *failures]
    return "\n\n".join(blocks) + "\n"
