"""Write RESULTS.md, and the figures of docs/speed.md, from the records.

    python benchmarks/results.py

What stands between `<!-- timings: NAME -->` and `<!-- end -->` in docs/speed.md is the
record of that name. A record says in its first line of which revision it is, and, where
what it depends on is other code by now, that too. A test holds both pages to this.
"""

import re
from pathlib import Path
from typing import Any

from record import HERE, RECORDS, ROOT, digest, read
from tables import cell, table

PAGE = HERE / "RESULTS.md"
SPEED = ROOT / "docs" / "speed.md"
BLOCK = re.compile(r"(<!-- timings: (\S+) -->\n).*?(<!-- end -->)", re.S)
ORDER = ("train_step.step", "train_step", "layers.ladder", "layers", "sampling")
ORDER += ("process", "many_models", "forms", "where")
STALE = "**Of revision {}; the code that it depends on has changed since.** "
RUN = "run: python benchmarks/results.py"
NOTHING = "Nothing is recorded yet."
TOP = """\
# Timings

Written by `python benchmarks/results.py` from `benchmarks/records/`, one file for each
command that was run with `--record`; `make bench` runs them all. A figure is the median
of interleaved turns, in brackets the lowest and the highest of them; a ratio is that of
the ratios within a turn. The rate of a 1536 x 1536 matrix product in float32, just
before and just after, says how much of the machine was ours. A GPU's figures are in
`RESULTS-gpu.md`; what was kept here by hand until November 2026 is in this file's
history."""


def records(folder: Path) -> dict[str, dict[str, Any]]:
    """All records by name, in the order of the page."""

    def place(path: Path) -> tuple[int, int, str]:
        rank = (n for n, start in enumerate(ORDER) if path.stem.startswith(start))
        return next(rank, len(ORDER)), len(path.stem), path.stem

    return {path.stem: read(path) for path in sorted(folder.glob("*.json"), key=place)}


def origin(record: dict[str, Any]) -> str:
    """Where a record comes from, in a paragraph, which begins with what has changed."""
    revision = record["revision"].replace("+", " with uncommitted changes")
    changed = record["code"] != digest(record["depends"])
    said = STALE.format(revision) if changed else ""
    machine = record["machine"]
    vectors = f" ({', '.join(machine['vectors'])})" if machine["vectors"] else ""
    device = f", {machine['device']}" if "device" in machine else ""
    used = ", ".join(f"{name} {number}" for name, number in record["versions"].items())
    others = f"{max(0, machine['others']):.0%}"
    return (
        f"{said}`{record['command']}`, {record['date']}, {record['seconds']} s, "
        f"revision {revision}: {machine['processor']}, {machine['cores']} cores"
        f"{vectors}{device}, others took {others} of them, matrix product "
        f"{cell(machine['gemm'])} GFLOP/s; {used}."
    )


def body(record: dict[str, Any]) -> str:
    """All of a record below its heading."""
    blocks = [origin(record), record["about"]]
    for each in record["tables"]:
        blocks += [f"{each['title']}:" * bool(each["title"])]
        blocks += [table(each["head"], each["rows"])]
    return "\n\n".join(filter(None, [*blocks, *record["notes"]]))


def page(folder: Path = RECORDS) -> str:
    """RESULTS.md."""
    found = [f"## {r['title']}\n\n{body(r)}" for r in records(folder).values()]
    return "\n\n".join([TOP, *(found or [NOTHING])]) + "\n"


def written(text: str, folder: Path = RECORDS) -> str:
    """A page with what stands between its markers made anew."""
    found = records(folder)

    def block(m: re.Match[str]) -> str:
        return f"{m[1]}\n{body(found[m[2]]) if m[2] in found else NOTHING}\n\n{m[3]}"

    return BLOCK.sub(block, text)


def main() -> None:
    """Write both."""
    PAGE.write_text(page(), "utf-8")
    SPEED.write_text(written(SPEED.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    main()
