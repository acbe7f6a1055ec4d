"""Make the pages of the site that no one writes: layers, starts, checkpoints,
reference, notebooks, messages.

    python tools/site.py [docs]

`make docs` runs it before Sphinx. What it writes is in no commit.
"""

import importlib
import inspect
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import api  # beside this file, like the next three
import cards
import gallery
import jupytext
import messages
import nbformat

from deconvgen.core.registry import Registry

ROOT = Path(__file__).parent.parent


def notebooks(folder: Path) -> None:
    """The notebooks, as Sphinx wants them."""
    names = []
    for script in sorted((ROOT / "notebooks").glob("*.py")):
        notebook = jupytext.read(script)
        for number, cell in enumerate(notebook.cells):
            cell["id"] = f"cell-{number:02d}"
        notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python"}
        notebook.metadata["language_info"] = {"name": "python"}
        (folder / f"{script.stem}.ipynb").write_text(nbformat.writes(notebook))
        names.append(script.stem)
    tree = gallery.TREE.format("\n".join(names))
    (folder / "index.md").write_text(f"# Notebooks\n\n{tree}")


def reference(folder: Path) -> None:
    """A page for every package: its public names, their signatures and docstrings."""
    for package in ("", *api.PACKAGES):
        title = f"deconvgen.{package}".rstrip(".")
        module = importlib.import_module(title)
        parts = [f"# {title}\n\n{gallery.words(module)}\n"]
        for name in module.__all__:
            thing = getattr(module, name)
            if inspect.ismodule(thing) and name in api.PACKAGES:
                continue  # a page of its own
            if isinstance(thing, Registry):
                lines = (f"- `{each}`: {thing.summary(each)}" for each in thing)
                parts.append(f"## {name}\n\nBy name:\n\n" + "\n".join(lines) + "\n")
            elif api.documented(thing):
                about = f"{signature(name, thing)}{gallery.words(thing)}"
                parts.append(f"## {name}\n\n{about}\n")
        (folder / f"{package or title}.md").write_text("\n".join(parts))
    tree = gallery.TREE.format("\n".join(["deconvgen", *api.PACKAGES]))
    about = "[Public interface](../api.md) has all names on one page."
    (folder / "index.md").write_text(f"# Reference\n\n{about}\n\n{tree}")


def signature(name: str, thing: Any) -> str:
    """How a function or a class is called, as a block of code; nothing for a module."""
    if inspect.ismodule(thing) or (
        inspect.isclass(thing) and issubclass(thing, Exception)
    ):
        return ""
    flax = ("parent", "name") if hasattr(thing, "init_with_output") else ()
    known = inspect.signature(thing).parameters.values()
    lines = [f"    {argument(each)},\n" for each in known if each.name not in flax]
    return f"```python\n{name}(\n{''.join(lines)})\n```\n\n"


def argument(given: inspect.Parameter) -> str:
    """`name: type = default`, as far as they can be read; `...` is a longer default."""
    kind = re.sub(r"\b(?:\w+\.)+(?=\w)", "", inspect.formatannotation(given.annotation))
    kind = re.sub(
        r"Union\[(\w+)\[Array, (.*?)\], \1\[ndarray, \2\]\]", r"\1[Array, \2]", kind
    )
    shown = given.annotation is not given.empty and len(kind) <= 60 and "<" not in kind
    told = str(given.replace(annotation=given.empty, default=given.empty))
    told += f": {kind}" if shown else ""
    if given.default is given.empty:
        return told
    default = getattr(given.default, "__name__", repr(given.default))
    readable = len(default) <= 30 and "<" not in default
    return f"{told}{' = ' if shown else '='}{default if readable else '...'}"


def main(docs: Path) -> None:
    """Write all of it anew."""
    made = {"layers": gallery.layers, "starts": gallery.starts}
    made |= {"pretrained": cards.cards}
    made |= {"reference": reference, "notebooks": notebooks}
    for name, make in made.items():
        shutil.rmtree(docs / name, ignore_errors=True)
        (docs / name).mkdir(parents=True)
        make(docs / name)
    (docs / "messages.md").write_text(messages.page())


if __name__ == "__main__":
    main(Path(*sys.argv[1:2] or ["docs"]))
