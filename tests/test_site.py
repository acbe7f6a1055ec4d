"""What the README and the site tell: commands that parse, code that compiles, links."""

import ast
import re
import shlex
from pathlib import Path

import pytest

from deconvgen import config
from deconvgen.audit import audit
from deconvgen.cli import main  # noqa: F401, registers the commands
from deconvgen.cli.parser import COMMANDS, parse
from deconvgen.metrics.measures import find
from deconvgen.nn.upsample import upsamplers
from deconvgen.training.logger import loggers

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
MADE = {
    "layers",
    "starts",
    "pretrained",
    "reference",
    "messages.md",
    "notebooks",
    "_build",
}
PAGES = [page for page in PAGES if not MADE & {*page.parts}]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.M | re.S)


def blocks(page, language):
    return [text for kind, text in FENCE.findall(page.read_text()) if kind == language]


def commands(page):
    """The words of each command line of a page, without what is optional or a place."""
    for text in blocks(page, ""):
        text = text.replace("\\\n", " ")
        for line in re.sub(r"\[[^\[\]]*\]", "", text).splitlines():
            line = re.sub(r"^(?:[A-Z_]+=\S+ )+", "", line.strip())
            if line.startswith("deconvgen "):
                yield shlex.split(line.partition(" #")[0])[1:]


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_the_commands_of_a_page_are_understood(page):
    for words in commands(page):
        if words[0].isupper() or "..." in words or "--help" in words:
            continue  # how commands are spelt, in general
        assert words[0] in COMMANDS, words
        values = parse(words[0], words[1:])
        named = getattr(values, "config", "")
        if named and named.lower() == named:
            found = config.load(named)
            keys = [line.split("=")[0] for line in values.overrides]
            assert {*keys} <= {*config.paths(found)}, words


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_the_code_of_a_page_compiles_and_imports_what_there_is(page):
    for text in blocks(page, "python"):
        tree = ast.parse(text)
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and str(node.module).startswith(
                "deconv"
            ):
                line = ast.unparse(node)
                exec(line, {})


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_the_links_of_a_page_lead_somewhere(page):
    for link in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text()):
        if not (link.startswith("http") or MADE & {*link.split("/")}):
            assert (page.parent / link).exists(), link


def test_the_measures_of_the_protocols_are_those_that_are_taken():
    rows = re.findall(
        r"^\| (`.+?) \|", (ROOT / "docs" / "protocols.md").read_text(), re.M
    )
    told = [name for row in rows for name in re.findall(r"`([^`]+)`", row)]
    assert len(told) > 15
    assert not [name for name in told if find(name.replace("*", "x")) is None]


@pytest.mark.parametrize("page", ["own_layer", "own_model", "loggers"])
def test_the_first_example_of_a_guide_runs(page, monkeypatch):
    """What it registers goes again."""
    for registry in (upsamplers, loggers):
        monkeypatch.setattr(registry, "_things", dict(registry._things))
    exec(blocks(ROOT / "docs" / "guides" / f"{page}.md", "python")[0], known := {})
    if page == "own_layer":
        assert audit("my_conv", features=4, size=4).dc_gap < 1e-5
    if page == "loggers":
        assert "printed" in loggers
    assert known
