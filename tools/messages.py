"""Every error and warning of the package, read from its code, with cause and cure.

Families are the rows of `messages.csv`; `tools/site.py` writes the page.
"""

import ast
import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

PACKAGE = Path(__file__).parent.parent / "deconvgen"
ERRORS = ("UserError", "UnknownName", "Diverged", "Above", "unknown", "unknown_name")
WARNINGS = ("warn", "warning")
VARIES = "…"
HEAD = """\
# Every message

Read from the code; `…` is what varies. The common ones stand, with examples, in
[What can go wrong](errors.md).
"""


class Family(NamedTuple):
    """Messages that have one cause: where they come from, why, and what helps."""

    title: str
    places: Sequence[str]
    why: str
    helps: str


class Message(NamedTuple):
    """What is said, the parts that vary as `…`, and the file that says it."""

    text: str
    place: str
    warning: bool


def families() -> list[Family]:
    """The rows of the table beside this file."""
    with Path(__file__).with_suffix(".csv").open(newline="") as table:
        rows = [Family(**row) for row in csv.DictReader(table)]  # type: ignore
    return [row._replace(places=row.places.split()) for row in rows]  # type: ignore


FAMILIES = families()


def messages() -> Iterator[Message]:
    """All of them, in the order of files and lines."""
    for path in sorted(PACKAGE.rglob("*.py")):
        place = path.relative_to(PACKAGE).with_suffix("").as_posix()
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and node.args:
                name = getattr(node.func, "id", getattr(node.func, "attr", ""))
                said = _told(name, node.args)
                if name in (*ERRORS, *WARNINGS) and said.strip(f"{VARIES} :"):
                    yield Message(said, place, name in WARNINGS)
            elif isinstance(node, ast.JoinedStr) and _text(node).startswith("warning"):
                yield Message(_text(node), place, True)


def family(place: str) -> Family | None:
    """The one that names the file, or else the nearest folder that it is in."""
    named = [
        (len(each), found)
        for found in FAMILIES
        for each in found.places
        if f"{place}/".startswith(f"{each}/")
    ]
    return max(named, key=lambda pair: pair[0])[1] if named else None


def page() -> str:
    """The page of the site: a section a family, with its messages."""
    found = sorted(messages())
    parts = [
        "# Every message\n\nRead from the code; `…` is what varies. The common ones"
    ]
    parts[0] += " stand, with examples, in [What can go wrong](errors.md).\n"
    for each in FAMILIES:
        own = dict.fromkeys(m for m in found if family(m.place) == each)
        told = dict.fromkeys(f"{_kind(m)}`` {m.text} ``" for m in own)
        lines = "\n".join(f"- {text}" for text in told)
        about = f"**Why:** {each.why} **What helps:** {each.helps}"
        parts.append(f"## {each.title}\n\n{about}\n\n{lines}\n")
    return "\n".join(parts)


def _kind(message: Message) -> str:
    return "(warning) " if message.warning else ""


def _told(name: str, arguments: list[ast.expr]) -> str:
    """What a call says: `unknown` takes a kind, what the logger has is as `%s`."""
    text = _text(arguments[0])
    if name.startswith("unknown"):
        return f"unknown {text} {VARIES}; did you mean {VARIES}? (there is: {VARIES})"
    return text.replace("%s", VARIES).replace("%d", VARIES)


def _text(node: ast.expr) -> str:
    if isinstance(node, ast.Constant):
        return " ".join(str(node.value).split("\n"))
    if isinstance(node, ast.JoinedStr):
        parts = (
            p.value if isinstance(p, ast.Constant) else VARIES for p in node.values
        )
        return "".join(map(str, parts)).replace(2 * VARIES, VARIES)
    if isinstance(node, ast.BinOp):
        return _text(node.left) + _text(node.right)
    if isinstance(node, ast.IfExp):
        return _text(node.body)
    return VARIES
