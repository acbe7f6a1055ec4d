"""Configs: find, load, override, save.

A config is a Python file with `get_config(variant) -> Config`. On the command line
`--config=dcgan:smoke` or `--config=path/to/file.py:smoke` names it, and
`--config.model.upsampler=nearest_conv` overrides one value; the parsing is that of
`ml_collections.config_flags`.
"""

import importlib
import importlib.util
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from traceback import extract_tb
from typing import Any

from absl import flags
from ml_collections import ConfigDict, config_flags

from deconvgen.config.keys import row
from deconvgen.config.schema import Config, complete, defaults
from deconvgen.core import files
from deconvgen.core.errors import UserError, near_match, unknown

HERE = Path(__file__).parent.parent


def folder(kind: str) -> Path:
    """The shipped `configs` or `experiments`: in the wheel, else beside the package."""
    inside = HERE / kind
    return inside if inside.is_dir() else HERE.parent / kind


def names(kind: str = "configs") -> list[str]:
    """The bare names of the shipped configs or experiments."""
    return sorted(p.stem for p in folder(kind).glob("*.py") if p.stem != "__init__")


def variants(name: str) -> list[str]:
    """Those of a shipped config, as `dcgan:NAME` on the command line."""
    return list(getattr(module(find(name)), "VARIANTS", {}))


def find(name: str, kind: str = "configs") -> Path:
    """The file that a path or a bare name stands for; a `UserError` for none."""
    path = Path(name).expanduser()
    if path.suffix == ".py":
        if path.is_file():
            return path
        shipped = folder(kind) / path.name
        if path.parent.name == kind and shipped.is_file():
            return shipped
        raise UserError(
            f"there is no config file {name!r}{near_match(path.stem, names(kind))}"
        )
    if name not in names(kind):
        raise unknown(kind.removesuffix("s"), name, names(kind))
    return folder(kind) / f"{name}.py"


def module(path: Path):
    """Import one Python file by its path.

    Raises a `UserError` of one sentence for whatever the file raises.
    """
    spec = importlib.util.spec_from_file_location(f"deconvgen_file_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise UserError(f"{path} cannot be imported as Python")
    loaded = importlib.util.module_from_spec(spec)
    with _running(path):
        spec.loader.exec_module(loaded)
    return loaded


@contextmanager
def _running(path: Path) -> Iterator[None]:
    """Whatever the user's file raises becomes one sentence that names file and line."""
    try:
        yield
    except SyntaxError as error:
        raise UserError(f"{path} is not valid Python: {error}") from error
    except UserError as error:
        raise UserError(f"{path}: {error}") from error
    except (Exception, SystemExit) as error:
        frames = extract_tb(error.__traceback__)
        own = [f.lineno for f in frames if f.filename == str(path)]
        line = f" (line {own[-1]})" if own else ""
        kind = type(error).__name__
        raise UserError(f"{path} cannot be run: {kind}: {error}{line}") from error


def load(spec: str, overrides: Iterable[str] = ()) -> Config:
    """The config that `name[:variant]` stands for, with `key=value` overrides.

    Raises `UserError` for a name, variant or key that is not there, a value of another
    kind, and whatever the file itself raises.
    """
    name, _, variant = spec.partition(":")
    path = find(name)
    loaded = module(path)
    if not hasattr(loaded, "get_config"):
        raise UserError(f"{path} is no config: it lacks get_config(variant)")
    with _running(path):
        config = loaded.get_config(variant)
    if not isinstance(config, ConfigDict):
        kind = type(config).__name__
        raise UserError(f"get_config of {path} should give a ConfigDict, not a {kind}")
    config, given = complete(override(config, ())), list(overrides)
    own = override(config, [text for text in given if text.startswith("imports=")])
    imported(own.imports)  # a task among them may have keys of its own
    return override(complete(config), given)


def imported(names: Iterable[str]) -> None:
    """Import one's own files (`my_layers.py`) and modules, each once in a process.

    What they register is then known: layers, starts, losses, data sets, tasks. Raises a
    `UserError` for one that is not there, and for whatever it raises itself.
    """
    for name in names:
        if is_file(name):
            path = Path(name).expanduser().resolve()
            if not path.is_file():
                raise UserError(f"there is no file {name}, which 'imports' names")
            if path not in _imported:
                _imported[path] = module(path)
        elif name not in sys.modules:
            with _running(Path(name)):
                importlib.import_module(name)


_imported: dict[Path, Any] = {}


def is_file(name: str) -> bool:
    """Whether a name of `imports` is that of a file, not of a module."""
    return name.endswith(".py")


def paths(config: Config) -> list[str]:
    """Every key as `a.b.c`."""
    return list(flat(config))


def override(config: Config, overrides: Iterable[str]) -> Config:
    """A copy of `config` with `key=value` strings applied, typed as the old values.

    Raises `UserError` for a key that is not there, and a value of another kind.
    """
    config = ConfigDict(config.copy_and_resolve_references())
    known = paths(config)
    for text in overrides:
        key, equals, value = text.partition("=")
        if not equals:
            raise UserError(f"override {text!r} should read key=value")
        if key not in known:
            if inside := [path for path in known if path.startswith(key + ".")]:
                raise UserError(f"config key {key!r} is a group: {', '.join(inside)}")
            raise UserError(
                f"config has no key {key!r}{near_match(key, known)} "
                f"(set to {value!r} by an override)"
            )
        _parse(config, key, value)
    return config


def _parse(config: Config, key: str, value: str) -> None:
    old = flat(config)[key]
    if isinstance(old, tuple) and not value.startswith(("(", "[")):
        texts = row(config.get("task", ""), key).is_place  # that are not in quotes here
        parts = map(repr, value.split(",")) if texts else [value]
        value = f"({','.join(parts)},)" if value else "()"
    # The value by itself: a flag writes down the whole config that it is of.
    alone, holder = ConfigDict({"value": old}), flags.FlagValues()
    argv = ["deconvgen", f"--config.value={value}"]
    config_flags.DEFINE_config_dict("config", alone, flag_values=holder, sys_argv=argv)
    try:
        holder(argv)
    except (flags.Error, ValueError, TypeError, SyntaxError, AttributeError) as error:
        raise UserError(
            f"config key {key!r} wants {_kind(old)} like {old!r}, not {value!r}"
        ) from error
    new: Any = alone.value
    if isinstance(old, tuple) and old and {*map(type, new)} - {type(old[0])}:
        raise UserError(f"config key {key!r} wants {old!r}'s kind, not {value!r}")
    config.update_from_flattened_dict({key: new})


def text(value: Any) -> str:
    """A value as the command line takes it: tuples with commas, true and false."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple | list):
        return ",".join(map(text, value))
    return str(value)


def _kind(value) -> str:
    names = {bool: "true or false", int: "a whole number", float: "a number"}
    return names.get(type(value), f"a {type(value).__name__}")


def flat(config: Config, prefix: str = "") -> dict[str, Any]:
    """Every value by its path `a.b.c`."""
    found: dict[str, Any] = {}
    for key, value in config.items():
        inside = isinstance(value, ConfigDict)
        found |= flat(value, f"{prefix}{key}.") if inside else {f"{prefix}{key}": value}
    return found


def save(config: Config, path: Path) -> None:
    """Write the config as JSON."""
    files.write_json(path, config.to_dict(), indent=2)


def read(path: Path) -> Config:
    """Read a saved config; keys younger than it say what was done without them.

    Raises `UserError` where there is none, or it is damaged.
    """
    try:
        return parse(files.read_json(path), str(path))
    except FileNotFoundError:
        raise UserError(
            f"{path.parent} is no run folder: it has no {path.name}"
        ) from None


def parse(saved: dict[str, Any], name: str) -> Config:
    """The config that values of JSON stand for, which a file of this name holds."""
    if not isinstance(saved.get("task"), str):
        raise files.Damaged(f"{name} holds no config: it has no 'task'")
    younger = defaults(saved["task"]).to_dict()
    for key, value in younger.items():
        form = list if isinstance(value, tuple) else type(value)  # as JSON has it
        if key in saved and not files.is_a(saved[key], form):
            kind = files.KINDS[form]
            raise files.Damaged(f"{name}: {key!r} should be {kind}, not {saved[key]!r}")
    config = ConfigDict({key: _tupled(value) for key, value in saved.items()})
    model = str(saved.get("model"))
    if re.search("upsampler': '[^']*bilinear_additive|'residual': True", model):
        _old(config, "model.reduction", "mean")
    _old(config, "monitor.mode", "min")
    _old(config, "data.validation", 0.0)
    return complete(config)


def _old(config: Config, key: str, value: Any) -> None:
    """What was done before a key was there, where its default is another."""
    group, _, name = key.partition(".")
    if name not in config.get(group, {}):
        config[group] = {**config.get(group, {}), name: value}


def _tupled(value):
    if isinstance(value, dict):
        return {key: _tupled(item) for key, item in value.items()}
    return tuple(map(_tupled, value)) if isinstance(value, list) else value


def put(config: Config, key: str, value: Any) -> None:
    """Set the value of `a.b.c`."""
    *groups, name = key.split(".")
    for group in groups:
        config = config[group]
    config[name] = value


def differences(old: Config, new: Config) -> list[str]:
    """`key: old -> new` for each value in which two configs differ."""
    a, b = flat(old), flat(new)
    return [
        f"{key}: {a.get(key, 'absent')!r} -> {b.get(key, 'absent')!r}"
        for key in sorted(a.keys() | b.keys())
        if a.get(key, KeyError) != b.get(key, KeyError)
    ]
