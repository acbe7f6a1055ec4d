"""Make the pages of the site that are drawn and not written: layers, starts, notebooks,
messages.

    python tools/site.py [docs]

`make docs` runs it before Sphinx. What it writes is in no commit.
"""

import shutil
import sys
from pathlib import Path

import gallery  # beside this file, like the next
import jupytext
import messages
import nbformat

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


def main(docs: Path) -> None:
    """Write all of it anew."""
    made = {"layers": gallery.layers, "starts": gallery.starts, "notebooks": notebooks}
    for name, make in made.items():
        shutil.rmtree(docs / name, ignore_errors=True)
        (docs / name).mkdir(parents=True)
        make(docs / name)
    (docs / "messages.md").write_text(messages.page())


if __name__ == "__main__":
    main(Path(*sys.argv[1:2] or ["docs"]))
