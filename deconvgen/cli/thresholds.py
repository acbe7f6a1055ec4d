"""What every command of measures takes besides: --json, --out, --fail-above."""

import json
import math
from collections.abc import Iterable, Mapping
from numbers import Real
from typing import Any

from deconvgen.cli.parser import Flag, place
from deconvgen.core.errors import Above, UserError, near_match


def thresholds(text: str) -> dict[str, float]:
    """The kind of KEY=VALUE,KEY=VALUE."""
    found = {}
    for part in text.split(","):
        key, _, value = part.partition("=")
        try:
            found[key.strip()] = float(value)
        except ValueError:
            raise ValueError("KEY=NUMBER, as period_db=3, say") from None
    return found


OUT = Flag("out", "A folder for a page with the pictures.", kind=place)
JSON = Flag("json", "Print everything as JSON, and nothing else.", False)
FAIL_ABOVE = Flag(
    "fail-above",
    "KEY=VALUE[,...]: exit with 3 where a figure is above its value.",
    None,
    thresholds,
)
MEASURES = (OUT, JSON, FAIL_ABOVE)


def plain(value: Any) -> Any:
    """A value of JSON: numbers that are not finite are null."""
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    return None if isinstance(value, float) and not math.isfinite(value) else value


def tell(record: Mapping[str, Any], as_json: bool, lines: Iterable[str]) -> None:
    """The record as JSON, or lines for a person."""
    if as_json:
        print(json.dumps(plain(record), indent=2))
        return
    from deconvgen.core.terminal import Terminal  # late: help starts nothing

    console = Terminal(soft_wrap=True)
    for line in lines:
        console.print(line)


def hold(
    wanted: Mapping[str, float] | None, figures: Mapping[str, Mapping[str, Any]]
) -> None:
    """Raise `Above` (exit code 3) where a figure of a set is above its threshold.

    NaN is above every threshold; a figure that no set has, or that is a text, is a
    mistake of the user.
    """
    above = []
    known = {key for record in figures.values() for key in record}
    for key, most in (wanted or {}).items():
        if key not in known:
            raise UserError(f"--fail-above: there is no figure {key}"
                            f"{near_match(key, known)}")  # fmt: skip
        given = {n: record[key] for n, record in figures.items() if key in record}
        for name, value in given.items():
            if not isinstance(value, Real):
                raise UserError(f"--fail-above: {key} is no number but {value!r:.40}")
            if not value <= most:
                above.append(f"{key} of {name} is {value:.4g}, above {most:g}")
    if above:
        raise Above("; ".join(above))
