"""A user's mistake, told in one sentence: what, what was expected, the near match."""

from collections.abc import Iterable
from difflib import get_close_matches


class Exit(Exception):
    """What ends the command line with one sentence and the exit code `code`."""

    code = 2


class UserError(Exit):
    """Something the user can mend. The command line prints it and exits with 2."""


class Above(Exit):
    """A figure is above what was asked for: the command line exits with 3."""

    code = 3


class Diverged(UserError):
    """A loss or a parameter is no longer finite."""


KNOBS = (
    "Likely knobs: a smaller optimizer.learning_rate, optimizer.clip=1, "
    "optimizer.warmup_steps, another loss, or dtype=float32"
)
"""What to try after `Diverged`."""


class UnknownName(UserError, KeyError):
    """A name that nothing goes by."""

    __str__ = Exception.__str__  # KeyError would put the sentence into quotes


def first_line(error: BaseException) -> str:
    """What an error says, in a line of 300 letters at most."""
    return (str(error).strip() or type(error).__name__).splitlines()[0][:300]


def near_match(name: str, names: Iterable[str]) -> str:
    """`"; did you mean 'x'?"`, or nothing where no name is close to `name`."""
    close = get_close_matches(str(name), list(names), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def unknown(kind: str, name: str, names: Iterable[str]) -> UnknownName:
    """The error for a `name` that is none of `names`."""
    names = sorted(names)
    listed = ", ".join(names) or "none at all"
    return UnknownName(
        f"unknown {kind} {name!r}{near_match(name, names)} (there is: {listed})"
    )
