"""What installed packages add: entry points of the group `deconvgen.plugins`.

A package that registers layers, starts, losses, data sets or tasks names the module
that does so in its pyproject.toml:

    [project.entry-points."deconvgen.plugins"]
    mine = "my_package.layers"

It is imported once a name is looked for that is not there, or names are listed.
"""

import importlib
import importlib.util
import sys
from pathlib import Path
from typing import Any

from deconvgen.core.errors import UserError, first_line, near_match

GROUP = "deconvgen.plugins"
_state = {"loaded": False}


def discover() -> None:
    """Import every plugin; the first time only. A `UserError` names one that fails."""
    if _state["loaded"]:
        return
    _state["loaded"] = True  # before they are imported, since they look names up
    from importlib.metadata import entry_points  # late: it takes its time

    for point in entry_points(group=GROUP):
        try:
            point.load()
        except (Exception, SystemExit) as error:
            raise UserError(
                f"the plugin {point.name} ({point.value}) cannot be imported: "
                f"{type(error).__name__}: {first_line(error)}"
            ) from error


def named_object(spec: str) -> Any:
    """What "MODULE:NAME" or "FILE.py:NAME" names; the folder one is in is looked into.

    Raises `UserError` where there is none.
    """
    where, _, name = spec.rpartition(":")
    if not where or not name:
        raise UserError(f"{spec!r} should read MODULE:NAME or FILE.py:NAME")
    try:
        if where.endswith(".py"):
            path = Path(where).expanduser()
            found = importlib.util.spec_from_file_location(path.stem, path)
            if found is None or found.loader is None or not path.is_file():
                raise UserError(f"there is no {path}")
            module = importlib.util.module_from_spec(found)
            found.loader.exec_module(module)
        else:
            here = str(Path.cwd())
            if here not in sys.path:
                sys.path.append(here)
            module = importlib.import_module(where)
    except UserError:
        raise
    except (Exception, SystemExit) as error:
        raise UserError(
            f"{where} cannot be imported: {type(error).__name__}: {first_line(error)}"
        ) from error
    thing: Any = module
    for part in name.split("."):
        if not hasattr(thing, part):
            raise UserError(f"{where} has no {part}{near_match(part, dir(thing))}")
        thing = getattr(thing, part)
    return thing
