"""What installed packages register is found when it is looked for."""

import importlib.metadata
from types import SimpleNamespace

import pytest

from deconvgen.core import plugins
from deconvgen.core.errors import UnknownName, UserError
from deconvgen.core.registry import Registry


@pytest.fixture
def registry(monkeypatch):
    """A registry, and a plugin that registers `mine` in it once it is loaded."""
    found, loads = Registry("thing"), []

    def load():
        loads.append(1)
        assert "mine" not in found  # a lookup while plugins are loaded is no circle
        found.register(lambda: None, name="mine")

    point = SimpleNamespace(name="mine", value="mine.layers", load=load)
    monkeypatch.setitem(plugins._state, "loaded", False)
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda group: [point])
    found.register(lambda: None, name="own")
    found.loads, found.point = loads, point
    return found


def test_only_a_name_that_is_not_there_loads_plugins(registry):
    assert registry["own"] and not registry.loads
    assert registry["mine"] and registry.loads == [1]
    with pytest.raises(UnknownName, match="own"):
        registry["none"]
    assert registry.loads == [1]


@pytest.mark.parametrize("look", [list, len, lambda r: "mine" in r])
def test_a_list_has_what_plugins_add(registry, look):
    assert look(registry) in (["own", "mine"], 2, True)


def test_a_plugin_that_fails_is_named(registry):
    def load():
        raise ImportError("no module named theirs")

    registry.point.load = load
    with pytest.raises(UserError, match=r"mine \(mine.layers\).*theirs"):
        registry["none"]
