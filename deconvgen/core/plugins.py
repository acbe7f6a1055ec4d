"""What installed packages add: entry points of the group `deconvgen.plugins`.

A package that registers layers, starts, losses, data sets or tasks names the module
that does so in its pyproject.toml:

    [project.entry-points."deconvgen.plugins"]
    mine = "my_package.layers"

It is imported once a name is looked for that is not there, or names are listed.
"""

from deconvgen.core.errors import UserError, first_line

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
