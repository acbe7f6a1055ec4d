"""Make notebooks/*.ipynb from the scripts beside them, which are what is edited.

    python tools/notebooks.py

Without outputs; a cell's id is its number, so that nothing changes but what was edited.
"""

from pathlib import Path

import jupytext
import nbformat

FOLDER = Path(__file__).parent.parent / "notebooks"


def made(script: Path) -> str:
    """The text of the notebook that a script stands for."""
    notebook = jupytext.read(script)
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{number:02d}"
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    nbformat.validate(notebook)
    return nbformat.writes(notebook) + "\n"


def main() -> None:
    """Write them all."""
    for script in sorted(FOLDER.glob("*.py")):
        script.with_suffix(".ipynb").write_text(made(script))


if __name__ == "__main__":
    main()
