"""docs/api.md lists what is public; docstrings say what is needed; examples run."""

import doctest
import functools
import importlib
import inspect
import re

import pytest

from deconvgen import config
from deconvgen.core.registry import Registry

api = config.module(config.HERE.parent / "tools" / "api.py")
OPTIONS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
each = pytest.mark.parametrize("package", api.PACKAGES)


def public(package):
    """(name, thing) of what a package offers, in its `__all__`."""
    module = importlib.import_module(f"deconvgen.{package}")
    return [(name, getattr(module, name)) for name in module.__all__]


def written(package):
    """Those that are functions and classes of ours."""
    return [
        (name, thing)
        for name, thing in public(package)
        if api.documented(thing)
        if not (inspect.ismodule(thing) or isinstance(thing, Registry))
    ]


def test_the_page_lists_every_name():
    """Which is all that is compared: what it says of them may be of yesterday."""
    name = re.compile(r"^(?:## |\| `)([\w.]+)", re.MULTILINE)
    listed, wanted = (name.findall(text) for text in (api.PAGE.read_text(), api.page()))
    assert listed == wanted, "make the page again: python tools/api.py"


def test_every_package_is_on_the_page():
    import deconvgen

    packages = {n for n in deconvgen.__all__ if inspect.ismodule(getattr(deconvgen, n))}
    assert packages <= {*api.PACKAGES}


@each
def test_what_raises_says_so(package):
    for name, thing in written(package):
        if re.search(r"raise (UserError|unknown)\b", inspect.getsource(thing)):
            told = re.search("UserError|[Rr]efuse", inspect.getdoc(thing))
            assert told, f"{name} does not say which errors it raises"


@pytest.mark.parametrize("package", ["nn", "ops", "losses", "metrics"])
def test_arrays_have_shapes(package):
    """In the signature, or as [b, h, w, c] in the docstring."""
    for name, thing in written(package):
        if not inspect.isfunction(thing):
            continue
        for argument in inspect.signature(thing).parameters.values():
            bare = re.search(r"\b(Array|ndarray)\b", str(argument.annotation))
            if bare and "jaxtyping" not in str(argument.annotation):
                known = re.search(r"\[.*\]|number|per ", inspect.getdoc(thing))
                assert known, f"{name} does not tell the shape of {argument.name}"


def test_layers_of_the_literature_name_it():
    from deconvgen.nn import upsamplers

    for name in upsamplers:
        assert re.search(r"\b(19|20)\d\d\b", inspect.getdoc(upsamplers[name])), name


@each
def test_every_name_has_an_example(package):
    """In its own docstring, or in a line of its package's."""
    shown = importlib.import_module(f"deconvgen.{package}").__doc__
    shown = [line for line in shown.splitlines() if line.lstrip().startswith(">>>")]
    for name, thing in written(package):
        own = ">>>" in inspect.getdoc(thing)
        assert own or any(re.search(rf"\b{name}\b", line) for line in shown), name


@pytest.fixture
def run(tmp_path, monkeypatch):
    """The examples of a docstring, in a folder alone; what they register goes."""
    from deconvgen import nn, tasks

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tasks.registered, "_things", {})
    monkeypatch.setattr(nn.upsamplers, "_things", dict(nn.upsamplers._things))
    before: dict = {}
    exec(api.BEFORE, before)
    runner = doctest.DocTestRunner(verbose=False, optionflags=OPTIONS)

    def examples(name, thing, names):
        text, said = inspect.getdoc(thing), []
        known = before | names  # its own alone: none of an example before it
        test = doctest.DocTestParser().get_doctest(text, known, name, None, None)
        runner.run(test, out=said.append, clear_globs=False)
        assert not runner.failures, "".join(said)

    return examples


@each
def test_examples_run(package, run):
    module = importlib.import_module(f"deconvgen.{package}")
    for name, thing in [("package", module), *public(package)]:
        if thing is module or api.documented(thing):
            run(name, thing, dict(public(package)))


LONG = ("deconvgen", "deconvgen.runs.entry.train", "deconvgen.runs.export")
"""What trains or compiles for long."""


@pytest.mark.parametrize("long", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_examples_of_other_places_run(long, run):
    """Those of modules, methods and inner names: whatever docstring has `>>>`."""
    shown = {id(thing) for package in api.PACKAGES for _, thing in public(package)}
    for name, path in api.examples():
        module = importlib.import_module(name)
        thing = functools.reduce(getattr, path, module)
        name = ".".join([name, *path])
        listed = name.removeprefix("deconvgen.") in api.PACKAGES or id(thing) in shown
        if not listed and (name in LONG) == long:
            run(name, thing, vars(module))
