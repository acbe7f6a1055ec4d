"""Which runs count: none twice, and no factor level that stands for another."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from deconvgen import config as configs
from deconvgen.core.errors import UserError
from deconvgen.report.results import Result
from deconvgen.report.words import plural


def counted(results: Sequence[Result]) -> tuple[list[Result], list[str]]:
    """The runs that count, and what is said of the others.

    A run is left out that another one repeats: the same in all, or, with fewer steps,
    the beginning of a longer one of the same seed.
    """
    groups: dict[str, list[Result]] = {}
    for r in results:
        if r.state == "finished" and r.config is not None:
            groups.setdefault(_but_steps(r), []).append(r)
    twins: set[str] = set()
    starts: set[str] = set()
    for group in groups.values():
        group = sorted(group, key=lambda r: -r.steps)
        for i, r in enumerate(group):
            kept = [o for o in group[:i] if o.trial.name not in twins | starts]
            if any(o.steps == r.steps for o in kept):
                twins.add(r.trial.name)
            elif any(begins(r, o) for o in kept):
                starts.add(r.trial.name)
    told = []
    if starts:
        told.append(
            f"{plural(len(starts), 'run')} not counted: the beginning of a longer run "
            "of the same setting and seed."
        )
    if twins:
        told.append(f"{plural(len(twins), 'run')} not counted: the same as another.")
    return [r for r in results if r.trial.name not in twins | starts], told


def _but_steps(result: Result) -> str:
    return json.dumps(result.config.to_dict() | {"steps": 0}, sort_keys=True)


def begins(short: Result, long: Result) -> bool:
    """Whether the short run is the beginning of the long one.

    It is where both evaluated the same figures at the steps that they share; where they
    share none, if no schedule depends on the number of steps.
    """
    late = {e["step"]: e for e in long.evals}
    pairs = [(e, late[e["step"]]) for e in short.evals if e["step"] in late]
    if not pairs:
        groups = [v for v in long.config.to_dict().values() if isinstance(v, dict)]
        return all(v.get("schedule", "constant") == "constant" for v in groups)
    return all(
        math.isclose(value, other[name], rel_tol=1e-4, abs_tol=1e-6)
        for one, other in pairs
        for name, value in one.items()
        if isinstance(value, int | float)
        and isinstance(other.get(name), int | float)
        and "seconds" not in name
    )


def spelled(result: Result, keys: Sequence[str]) -> dict[str, Any]:
    """A run's value of each key, spelled out.

    What its setting does not say is its config's; a `last_...` that is left empty is
    like the others, and has their value.
    """
    return {key: _value(result, key) for key in keys}


def _value(result: Result, key: str) -> Any:
    value = _set(result, key)
    group, dot, name = key.rpartition(".")
    if value in ("", None) and name.startswith("last_"):
        others = _set(result, f"{group}{dot}{name.removeprefix('last_')}")
        return others.split(",")[-1] if isinstance(others, str) else others
    return "" if value is None else value


def _set(result: Result, key: str) -> Any:
    setting = result.trial.setting
    return setting[key] if key in setting else _configured(result, key)


def _configured(result: Result, key: str) -> Any:
    found: Any = result.config
    if found is None:
        try:
            found = configs.load(result.trial.config, result.trial.overrides)
        except UserError:
            return None
    for word in key.split("."):
        if not isinstance(found, Mapping) and not hasattr(found, "get"):
            return None
        found = found.get(word)
    return list(found) if isinstance(found, tuple) else found
