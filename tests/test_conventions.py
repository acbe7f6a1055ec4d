"""Who may import whom, and the house rules that a reader cannot be asked to check."""

import ast
import graphlib
import re

import pytest

from deconvgen import config

ROOT = config.HERE
FILES = sorted(path for path in ROOT.rglob("*.py") if "embedded" not in path.parts)

# A package imports only from those to its left; "|" is side by side.
ORDER = """core config ops nn|losses data|models metrics audit training tasks runs sweep
report cli"""
RANK = {
    name: place
    for place, group in enumerate(ORDER.split())
    for name in group.split("|")
}
ALIASES = {"worker"}  # old names, one line each, for what lies outside the repository


def module(path) -> str:
    """`ops.fir` for deconvgen/ops/fir.py, `ops` for its __init__, "" for the top."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module(path): path for path in FILES}


def imported(path) -> set[str]:
    """The modules of the package that a file imports, inside functions as well."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            known = {n for n in names if n.removeprefix("deconvgen.") in MODULES}
            found |= known if len(known) == len(names) else known | {node.module}
    inside = {n.partition(".")[2] for n in found if n.split(".")[0] == "deconvgen"}
    return {name for name in inside if name in MODULES}


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_go_one_way(path):
    own = module(path).partition(".")[0]
    if not own or own in ALIASES:
        return
    for name in {found.partition(".")[0] for found in imported(path)} - {own, ""}:
        assert RANK[name] < RANK[own], f"{own} imports {name}"


def test_no_circles():
    """Inside packages as well; `prepare` raises CycleError with the circle."""
    graph = {name: imported(path) - {name} for name, path in MODULES.items()}
    graphlib.TopologicalSorter(graph).prepare()


def test_no_module_asks_for_the_name_of_a_task():
    """A sixth task is one file: what is asked of a task is in its `Task` or `Entry`."""
    tasks = {name.split(".")[1] for name in MODULES if name.startswith("tasks.")}
    known = {name for name in tasks if not name.startswith("_")}
    assert "gan" in known
    for name, path in MODULES.items():
        # In `data`, "segmentation" is a key of batches (`core.types`); what keys a
        # config has is one table, whose parts go by the tasks' names.
        package = name.partition(".")[0]
        if package not in ("tasks", "data") and name != "config.keys":
            nodes = ast.walk(ast.parse(path.read_text()))
            texts = {node.value for node in nodes if isinstance(node, ast.Constant)}
            assert not texts & known, name


def test_nothing_is_exported_under_the_name_of_its_module():
    """`from deconvgen.report import report` would hide the module from then on."""
    for name, path in MODULES.items():
        if path.name != "__init__.py":
            continue
        inside = {m.rpartition(".")[2] for m in MODULES if m.startswith(f"{name}.")}
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ImportFrom) and node.module:
                taken = {alias.asname or alias.name for alias in node.names}
                source = node.module.rpartition(".")[2]
                assert not (taken & inside and source in taken), (name, taken & inside)


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_files_are_short_and_say_what_they_are(path):
    text = path.read_text()
    assert len(text.splitlines()) <= 300
    if text.strip():
        assert ast.get_docstring(ast.parse(text)), "a module says what it is for"
    assert not re.search(r"(utils|helpers|common|manager)\.py$", path.name)


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_public_things_have_docstrings(path):
    for node in ast.parse(path.read_text()).body:
        named = isinstance(node, ast.FunctionDef | ast.ClassDef)
        if named and not node.name.startswith("_"):
            assert ast.get_docstring(node), f"{node.name} in {path.name}"


def test_configs_and_experiments_import_little():
    allowed = {"configs": {"config"}, "experiments": {"sweep"}}
    for kind, names in allowed.items():
        for path in config.folder(kind).glob("*.py"):
            found = {name.partition(".")[0] for name in imported(path)}
            assert found <= names, path.name
