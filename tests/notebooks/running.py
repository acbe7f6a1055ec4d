"""A notebook from top to bottom, in a fresh kernel, in the quick setting.

Each has a file of tests of its own: pytest-xdist gives whole files to its workers.
"""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent.parent.parent / "notebooks"
SCRIPTS = sorted(FOLDER.glob("*.py"))
LONG = (2, 3, 4, 5)  # notebooks that take a minute, and run with the slow tests


def runs(number: int) -> Callable:
    """The test that the notebook of that number runs."""

    def test(tmp_path, monkeypatch):
        jupytext = pytest.importorskip("jupytext")
        nbclient = pytest.importorskip("nbclient")
        pytest.importorskip("ipykernel")
        (script,) = (path for path in SCRIPTS if path.stem.startswith(f"{number:02d}_"))
        monkeypatch.setenv("DECONVGEN_QUICK", "1")
        monkeypatch.setenv("MPLBACKEND", "module://matplotlib_inline.backend_inline")
        notebook = jupytext.read(script)
        # The kernel of this environment, whatever `python3` is registered as.
        monkeypatch.setenv("JUPYTER_PATH", str(_kernel(tmp_path)))
        where = {"metadata": {"path": str(tmp_path)}}
        client = nbclient.NotebookClient(
            notebook, timeout=600, kernel_name="here", resources=where
        )
        client.execute()
        outputs = [out for cell in notebook.cells for out in cell.get("outputs", ())]
        assert not [out for out in outputs if out.output_type == "error"]
        if folder := os.environ.get("DECONVGEN_NOTEBOOKS"):  # to look at them
            made = Path(folder) / f"{script.stem}.ipynb"
            made.write_text(jupytext.writes(notebook, "ipynb"))

    return pytest.mark.slow(test) if number in LONG else test


def _kernel(tmp_path: Path) -> Path:
    folder = tmp_path / "jupyter" / "kernels" / "here"
    folder.mkdir(parents=True)
    argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    spec = {"argv": argv, "display_name": "here", "language": "python"}
    (folder / "kernel.json").write_text(json.dumps(spec))
    return tmp_path / "jupyter"
