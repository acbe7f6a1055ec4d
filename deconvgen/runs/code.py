"""Which code a run's figures depend on: a digest of what trains and measures."""

import ast
import hashlib
import io
import subprocess
import tarfile
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import no_type_check

from deconvgen.config import HERE, folder

ROOMS = ("core", "config", "ops", "nn", "losses", "data", "models", "metrics")
ROOMS += ("training", "tasks", "runs")
"""The packages that figures depend on; the configs are the other part."""
BYTES = (".png", ".jpg", ".npz")
"""Files that count as they are; texts do not."""
NOTHING = (ast.Raise, ast.Import, ast.ImportFrom)
"""Statements that change no figure of a run that ends."""


@lru_cache(maxsize=1)
def digest() -> str:
    """Of the code here, in twelve digits.

    Comments, docstrings, layout, imports and what errors say do not count.
    """
    places = {f"deconvgen/{room}": HERE / room for room in ROOMS}
    places["configs"] = folder("configs")
    return of(
        {
            f"{name}/{path.relative_to(place).as_posix()}": path.read_bytes()
            for name, place in places.items()
            for path in place.rglob("*")
            if path.suffix in (".py", *BYTES)
        }
    )


@lru_cache(maxsize=64)
def at(revision: str) -> str:
    """That of a revision of this checkout; empty where git does not know it."""
    rooms = [f"deconvgen/{room}" for room in ROOMS]
    command = ["git", "-C", str(HERE.parent), "archive", revision, "configs", *rooms]
    try:
        done = subprocess.run(command, capture_output=True, timeout=60)
    except (OSError, subprocess.SubprocessError):
        return ""
    if done.returncode or not revision:
        return ""
    found: dict[str, bytes] = {}
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        for member in archive.getmembers():
            if Path(member.name).suffix in (".py", *BYTES):
                file = archive.extractfile(member)
                found[member.name] = file.read() if file else b""
    return of(found)


def of(files: Mapping[str, bytes]) -> str:
    """That of files by name."""
    found = hashlib.sha256()
    for name in sorted(files):
        text = files[name]
        if name.endswith(".py"):
            text = repr(_meaning(ast.parse(text))).encode()
        found.update(hashlib.sha256(name.encode() + b"\0" + text).digest())
    return found.hexdigest()[:12]


@no_type_check  # at each of a million nodes, the tests' checks cost twenty seconds
def _meaning(node: object) -> object:
    """A tree without what changes no figure; the same by any version of Python."""
    if isinstance(node, ast.AST):
        fields = ((name, getattr(node, name, None)) for name in node._fields)
        held = [(name, _meaning(x)) for name, x in fields if name != "kind"]
        return type(node).__name__, [pair for pair in held if pair[1] not in (None, [])]
    if isinstance(node, list):
        return [_meaning(each) for each in node if not _idle(each)]
    return node


@no_type_check
def _idle(node: object) -> bool:
    """Whether a statement computes nothing: a text by itself, a `raise`, an import."""
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant)
    return isinstance(node, NOTHING)
