"""Make the pages of the site that are drawn and not written: layers, starts, notebooks,
messages.

    python tools/site.py [docs]

`make docs` runs it before Sphinx. What it writes is in no commit.
"""

import inspect
import shutil
import sys
from pathlib import Path

import jupytext
import messages  # beside this file
import nbformat

from deconvgen.audit import audit
from deconvgen.audit.html import picture
from deconvgen.audit.terminal import by, short, verdict
from deconvgen.nn.initializers import initializers
from deconvgen.nn.upsample import fits, upsamplers

ROOT = Path(__file__).parent.parent
FEATURES = 8
TREE = """```{{toctree}}
:maxdepth: 1

{}
```
"""


def words(thing: object) -> str:
    """A docstring as Markdown."""
    return inspect.cleandoc(inspect.getdoc(thing) or "")


def card(folder: Path, layer: str, start: str = "default") -> str:
    """Picture and figures of one layer, started so."""
    found = audit(layer, features=FEATURES, initializer=start)
    name = f"{layer}-{start}.png"
    picture([found], folder / name)
    cost = found.cost
    return (
        f"![{layer}, started by {start}]({name})\n\n{' '.join(verdict(found))}\n\n"
        f"Kernel {by(found.kernel_size)}; {short(cost.parameters)} parameters and "
        f"{short(cost.multiply_adds)} multiply-adds for {FEATURES} features of "
        "16 x 16 pixels.\n"
    )


def layers(folder: Path) -> None:
    """A page a layer, one of the starts, and an index."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in upsamplers:
        good = [start for start in initializers if fits(start, name)]
        text = f"# {name}\n\n{words(upsamplers[name])}\n\n{card(folder, name)}\n"
        text += f"Starts that fit: {', '.join(f'`{start}`' for start in good)}.\n"
        (folder / f"{name}.md").write_text(text)
    text = "# Starts\n\nOf a transposed convolution (of a sub-pixel convolution where "
    text += "they are of that).\n\n"
    for start in initializers:
        hosts = [n for n in ("conv_transpose", "depth_to_space") if fits(start, n)]
        own = [n for n in upsamplers if fits(start, n)]
        layer = (hosts or own or [""])[0]
        summary = initializers.summary(start)
        text += f"## {start}\n\n{summary}\n\n"
        text += f"In `{layer}`:\n\n{card(folder, layer, start)}\n" if layer else ""
    (folder / "starts.md").write_text(text)
    lines = [
        f"- [`{name}`]({name}.md): {upsamplers.summary(name)}" for name in upsamplers
    ]
    text = "# The layers, one by one\n\nBefore any training, at factor 2 "
    text += "(`deconvgen audit` measures the same of any other):\n\n"
    text += "\n".join(lines) + "\n\n[All starts](starts.md), in the same pictures.\n\n"
    text += TREE.format("\n".join(["starts", *upsamplers])).replace(
        ":maxdepth: 1", ":hidden:"
    )
    (folder / "index.md").write_text(text)


def notebooks(folder: Path) -> None:
    """The notebooks, as Sphinx wants them."""
    folder.mkdir(parents=True, exist_ok=True)
    names = []
    for script in sorted((ROOT / "notebooks").glob("*.py")):
        notebook = jupytext.read(script)
        for number, cell in enumerate(notebook.cells):
            cell["id"] = f"cell-{number:02d}"
        notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python"}
        notebook.metadata["language_info"] = {"name": "python"}
        (folder / f"{script.stem}.ipynb").write_text(nbformat.writes(notebook))
        names.append(script.stem)
    (folder / "index.md").write_text("# Notebooks\n\n" + TREE.format("\n".join(names)))


def main(docs: Path) -> None:
    """Write all of it anew."""
    for name, make in (("layers", layers), ("notebooks", notebooks)):
        shutil.rmtree(docs / name, ignore_errors=True)
        make(docs / name)
    (docs / "messages.md").write_text(messages.page())


if __name__ == "__main__":
    main(Path(*sys.argv[1:2] or ["docs"]))
