"""Make docs/api.md, the list of every public name, from the docstrings.

python tools/api.py
"""

import ast
import importlib
import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from deconvgen.core.registry import Registry
from deconvgen.report import markup

PAGE = Path(__file__).parent.parent / "docs" / "api.md"
PACKAGES = ("nn", "ops", "losses", "metrics", "models", "data", "audit", "training")
PACKAGES += ("tasks", "runs", "sweep", "report", "config")
HEAD = """\
# Public interface

Made by `python tools/api.py` from the docstrings; other modules may move.
[The reference](reference/index.md) tells arguments, shapes, errors and source, with an
example, as `help(deconvgen.nn.ConvTranspose)` does. Examples take for granted

```python
{before}
```
"""
BEFORE = """\
import json
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from rich.console import Console

import deconvgen
from deconvgen import config, nn, ops
from deconvgen.core.types import Net, State

key = jax.random.key(0)
x = jnp.ones((1, 4, 4, 2))
images = jax.random.uniform(key, (8, 16, 16, 1), minval=-1.0)"""


def page() -> str:
    """The text of docs/api.md."""
    parts = [HEAD.format(before=BEFORE), *map(section, ("", *PACKAGES))]
    return "\n".join(parts)


def section(package: str) -> str:
    """A package: what it is, and a row for each of its names."""
    name = f"deconvgen.{package}".rstrip(".")
    module = importlib.import_module(name)
    rows = [row(each, getattr(module, each)) for each in module.__all__]
    table = markup.grid(["name", "what it is"], rows)
    return "\n".join([f"## {name}", "", first(module.__doc__), "", *table, ""])


def row(name: str, thing: object) -> list[str]:
    """A name, and the first sentence of its docstring; of a registry, its entries."""
    if isinstance(thing, Registry):
        about = f"By name: {', '.join(f'`{entry}`' for entry in thing._things)}."
    elif documented(thing):
        about = first(inspect.getdoc(thing))
    else:
        about = f"`{type(thing).__name__}`"
    return [f"`{name}`", about.replace("|", "\\|")]


def documented(thing: object) -> bool:
    """Whether its docstring is its own: a module, a class or a function of ours."""
    ours = getattr(thing, "__module__", "").startswith("deconvgen")
    return inspect.ismodule(thing) or (callable(thing) and ours)


def examples() -> Iterator[tuple[str, list[str]]]:
    """The module and the path of names of every docstring that has an example."""
    for file in sorted((PAGE.parent.parent / "deconvgen").rglob("*.py")):
        parts = file.relative_to(PAGE.parent.parent).with_suffix("").parts
        module = ".".join(parts).removesuffix(".__init__")
        for path, node in _named(ast.parse(file.read_text())):
            if ">>>" in (ast.get_docstring(node) or ""):
                yield module, path


def _named(node: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[list[str], Any]]:
    yield [*path], node
    for each in ast.iter_child_nodes(node):
        if isinstance(each, ast.ClassDef | ast.FunctionDef):
            yield from _named(each, (*path, each.name))


def first(text: str | None) -> str:
    """The first paragraph of a docstring, in one line."""
    return " ".join((text or "").strip().partition("\n\n")[0].split())


if __name__ == "__main__":
    PAGE.write_text(page())
