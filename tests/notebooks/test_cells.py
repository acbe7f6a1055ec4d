"""The notebooks: in step with their scripts, without outputs, and short."""

import pytest

from tests.notebooks.running import SCRIPTS

jupytext = pytest.importorskip("jupytext")
nbformat = pytest.importorskip("nbformat")

SCREEN = 40
"""Lines of a cell."""

each = pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)


def test_they_are_all_there():
    assert [path.stem[:2] for path in SCRIPTS] == ["01", "02", "03", "04", "05", "06"]


@each
def test_notebook_and_script_are_the_same_cells(script):
    notebook = nbformat.read(script.with_suffix(".ipynb"), as_version=4)
    nbformat.validate(notebook)
    of = lambda cells: [(cell.cell_type, cell.source) for cell in cells]
    told = "python tools/notebooks.py makes the notebooks from the scripts"
    assert of(notebook.cells) == of(jupytext.read(script).cells), told
    for cell in notebook.cells:
        assert not cell.get("outputs"), "outputs are not kept in git"
        assert cell.get("execution_count") is None


@each
def test_cells_are_short_and_the_first_ones_are_what_is_promised(script):
    cells = jupytext.read(script).cells
    for cell in cells:
        assert len(cell.source.splitlines()) <= SCREEN, cell.source[:80]
    title, _, install, _, parameters = cells[:5]
    assert title.source.startswith("# ")
    assert (
        f"deconvgen/deconvgen/blob/main/notebooks/{script.stem}.ipynb" in title.source
    )
    assert 'if "google.colab" in sys.modules' in install.source
    assert parameters.metadata.tags == ["parameters"]
    assert "DECONVGEN_QUICK" in parameters.source
    prose = [cell for cell in cells if cell.cell_type == "markdown"]
    assert len(prose) >= len(cells) / 3
