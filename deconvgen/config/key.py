"""A config key: its default, and the range that its values are held to."""

import re
from typing import Any, NamedTuple

from deconvgen.core.errors import UserError, unknown
from deconvgen.core.files import is_a
from deconvgen.core.registry import known

BOUNDS = re.compile(
    r"(?P<least>-?\d+) (or more|to (?P<most>\d+))(, below (?P<below>\d+))?"
)
KINDS = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}
MANY = {int: "whole numbers", float: "numbers", str: "names"}


class Key(NamedTuple):
    """A row of the table of config keys.

    `range` is what the key takes beyond values like its default:

    - "1 or more", "0 to 9", "0 or more, below 1": numbers, or each number of a tuple;
    - ("min", "max"): one of these;
    - "norm": a name that the registry of that kind has; "upsampler,": several with
      commas, or one; "segmentation loss+": a sum of them;
    - "path", "files": places, which a run keeps as absolute ones;
    - "": anything.

    `changes` says what another value does: to the operations of a "training" step; to
    its "start" alone; to the "numbers" of averages and of steps; to the "figures" of
    evaluations and to nothing that is trained; or to "nothing" but what is written.

    >>> config.Key(1, "1 or more", "images").check("num", 0)  # UserError
    Traceback (most recent call last):
    ...
    deconvgen.core.errors.UserError: config key 'num' should be 1 or more, not 0
    """

    default: Any
    range: str | tuple[Any, ...]
    about: str
    changes: str = "training"
    resume: str | None = None  # what to know of a change on resume; None: refused

    @property
    def is_place(self) -> bool:
        """Whether it names files or folders."""
        return self.range in ("path", "files")

    def names(self) -> tuple[Any, ...]:
        """What it takes, where these are names; of registries that are imported."""
        if isinstance(self.range, tuple):
            return self.range
        return tuple(known.get(self.range.rstrip(",+"), ()))

    def has(self, name: str) -> bool:
        """Whether it is one of `names`, or one that the registry makes of them."""
        if isinstance(self.range, tuple):
            return name in self.range
        return name in known.get(self.range.rstrip(",+"), ())

    def expected(self) -> str:
        """The range in words."""
        names = [str(name) for name in self.names()]
        if isinstance(self.range, tuple):
            return f"{', '.join(names[:-1])} or {names[-1]}"
        plain = self.range.rstrip(",+")
        more = {",": ", or one a block", "+": ", or a sum"}.get(self.range[-1:], "")
        if self.is_place:
            return {"path": "a path", "files": "files and modules"}[plain]
        if not plain:
            return KINDS.get(type(self.default), "anything")
        if BOUNDS.fullmatch(plain):
            return plain + more
        short = 0 < len(names) < 8
        return (", ".join(names) if short else f"{plain} by name") + more

    def check(self, key: str, value: Any) -> None:
        """Raise a `UserError` in one sentence for a value that it does not take."""
        default, name = self.default, f"config key {key!r}"
        if value == default:
            return
        kind, listed = type(default), isinstance(value, tuple | list)
        if isinstance(default, tuple):
            kind = str if self.is_place else type((*default, 0.0)[0])
            if not listed or (default and not value):
                raise UserError(f"{name} should list {MANY[kind]}, not {value!r}")
        elif listed and self.range[-1:] != ",":
            raise UserError(f"{name} should be {self.expected()}, not {value!r}")
        for one in value if listed else (value,):
            if kind in KINDS and not is_a(one, kind):
                raise UserError(f"{name} should be {KINDS[kind]}, not {value!r}")
            if not self._fits(one):
                raise UserError(f"{name} should be {self.expected()}, not {value!r}")
            for part in self._parts(one):
                if isinstance(part, str) and not self.has(part):
                    raise unknown(key, part, self.names())

    def _fits(self, value: Any) -> bool:
        """Whether a number is in the range, if it has bounds; NaN never is."""
        if isinstance(self.range, tuple):
            return isinstance(value, str) or value in self.range
        if not (found := BOUNDS.fullmatch(self.range.rstrip(","))):
            return True
        least, most, below = map(found.group, ("least", "most", "below"))
        inside = value >= int(least) and not (most and value > int(most))
        return inside and not (below and value >= int(below))

    def _parts(self, value: Any) -> list[Any]:
        """The names in a value, where there are names to compare with."""
        if not self.names():
            return []
        if self.range[-1:] == ",":
            return [part.strip() for part in value.split(",")]
        if self.range[-1:] == "+":  # what is not a sum, `losses.mixture` tells
            ends = (re.search(r"[a-z_]\w*$", part.strip()) for part in value.split("+"))
            return [found[0] for found in ends if found]
        return [value]
