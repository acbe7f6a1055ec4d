"""Make docs/keys.md and docs/measures.md from the tables in the package.

python tools/tables.py
"""

from collections.abc import Iterable
from pathlib import Path

from deconvgen.cli.listing import KINDS, Row
from deconvgen.report import markup

FOLDER = Path(__file__).parent.parent / "docs"
KEYS = """\
# Config keys

`--config.KEY=VALUE` overrides one; `deconvgen list keys --config=dcgan` says the values
of a config. A value out of its range is refused before anything is computed.

What another value **changes**: the operations of a *training* step, their *start*, the
*numbers* of averages and steps, the *figures* of evaluations, or *nothing* but what is
written down. **On resume**: whether a run in its folder may go on with another value.
"""
MEASURES = """\
# Measures

The figures of `metrics.jsonl`, `deconvgen evaluate` and reports. `*` stands for the
feature extractor, a layer, a class or a period in pixels. **Better**: the direction in
which experiments rank and early stopping looks (`real`: nearest to the real images).
"""


def markdown(rows: Iterable[Row], heads: dict[str, str]) -> str:
    """A table of these columns."""
    cell = lambda column, text: f"`{text}`" if text and column == "key" else text
    cells = ([cell(c, row[c].replace("|", "\\|")) for c in heads] for row in rows)
    return "\n".join(markup.grid([*heads.values()], cells)) + "\n"


def pages() -> dict[str, str]:
    """The text of each page, by its file's name."""
    heads = dict(key="key", value="default", range="range", about="meaning")
    heads |= dict(changes="changes", resume="on resume")
    rows, text = KINDS["keys"](), KEYS
    for task in dict.fromkeys(row["task"] for row in rows):
        own = [row for row in rows if row["task"] == task]
        text += f"\n## {task or 'Every task'}\n\n{markdown(own, heads)}"
    heads = dict(key="figure", title="name", better="better", unit="unit")
    heads |= dict(about="what it is", source="source")
    measures = f"{MEASURES}\n{markdown(KINDS['measures'](), heads)}"
    return {"keys.md": text, "measures.md": measures}


def main() -> None:
    """Write them all."""
    for name, text in pages().items():
        (FOLDER / name).write_text(text)


if __name__ == "__main__":
    main()
