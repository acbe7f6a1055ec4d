"""Make docs/api.md, the list of every public name, from the docstrings.

python tools/api.py
"""

import importlib
import inspect
from pathlib import Path

from deconvgen.core.registry import Registry

PAGE = Path(__file__).parent.parent / "docs" / "api.md"
PACKAGES = ("nn", "ops", "losses", "metrics", "models", "data", "audit", "training")
PACKAGES += ("tasks", "runs", "sweep", "report", "config")
HEAD = """\
# Public interface

Made by `python tools/api.py` from the docstrings; other modules may move.
`help(deconvgen.nn.ConvTranspose)` tells arguments, shapes, errors and source, with an
example. Examples take for granted

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
    head = [f"## {name}", "", first(module.__doc__), "", "| name | what it is |"]
    return "\n".join([*head, "| --- | --- |", *rows, ""])


def row(name: str, thing: object) -> str:
    """A name with the first sentence of its docstring; of a registry, its entries."""
    if isinstance(thing, Registry):
        about = f"By name: {', '.join(f'`{entry}`' for entry in thing._things)}."
    elif documented(thing):
        about = first(inspect.getdoc(thing))
    else:
        about = f"`{type(thing).__name__}`"
    return f"| `{name}` | {about.replace('|', chr(92) + '|')} |"


def documented(thing: object) -> bool:
    """Whether its docstring is its own: a module, a class or a function of ours."""
    ours = getattr(thing, "__module__", "").startswith("deconvgen")
    return inspect.ismodule(thing) or (callable(thing) and ours)


def first(text: str | None) -> str:
    """The first paragraph of a docstring, in one line."""
    return " ".join((text or "").strip().partition("\n\n")[0].split())


if __name__ == "__main__":
    PAGE.write_text(page())
