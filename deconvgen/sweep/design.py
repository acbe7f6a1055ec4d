"""What an experiment settles before it runs: its primary measure, test and design.

PRIMARY     the measure that answers, one of MEASURES; or {config: measure}
TEST        "tukey": every setting with every other; "tukey(KEY)": the values of
            one key, each in the mean over the other keys
DESIGN      {size: {"seeds": 12, "tells": 0.3, "power": 0.8}}: the seeds of each
            setting; and, where one has an idea of it, the difference in PRIMARY
            that is to be found ({measure: difference} for several), how surely
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from deconvgen.core.errors import UserError, unknown

ENOUGH = 5
"""Seeds of a setting, below which a report gives no verdict on it."""
NAMES = ("PRIMARY", "TEST", "DESIGN")
KEYS = {"seeds": int, "tells": (int, float, dict), "power": float}


class Design(NamedTuple):
    """What is recorded of it in the sweep folder."""

    primary: dict[str, str]  # config, or "" for all -> measure
    test: str
    seeds: int
    tells: dict[str, float]  # primary measure -> the difference to be found
    power: float

    def measure(self, config: str) -> str:
        """The primary measure of a config, `name:variant`; empty where it has none."""
        names = (config, config.partition(":")[0], "")
        return next((self.primary[n] for n in names if n in self.primary), "")

    @property
    def key(self) -> str:
        """The key whose values the test compares; empty for whole settings."""
        return self.test[len("tukey(") : -1]

    def words(self) -> str:
        """In a sentence, before the sweep starts."""
        primary = ", ".join(
            f"{measure} ({config})" if config else measure
            for config, measure in self.primary.items()
        )
        of = f"the values of {self.key}" if self.key else "all settings"
        text = f"primary measure: {primary}; test: Tukey's, of {of}; "
        text += f"{self.seeds} seed{'s' * (self.seeds != 1)}"
        if self.tells:
            told = ", ".join(f"{v:g} ({m})" for m, v in self.tells.items())
            text += f", to tell {told} with power {self.power:g}"
        if self.seeds < ENOUGH:
            text += f": the report will give no verdict, which takes {ENOUGH}"
        return text


def declared(
    file: Any, where: str, measures: Mapping[str, str], size: str,
    configs: Sequence[str], seeds: Mapping[str, int], keys: Sequence[str],
) -> Design | None:  # fmt: skip
    """The design in an experiment file; None for a file that names none.

    `configs` are those of its runs, `seeds` how many each setting has, `keys` what it
    varies. Raises `UserError` for parts that are missing, unknown or contradict them.
    """
    have = [name for name in NAMES if hasattr(file, name)]
    if not have:
        return None
    if lacking := [name for name in NAMES if name not in have]:
        raise UserError(f"{where} names {have[0]} but no {' and no '.join(lacking)}")
    primary, test, design = (getattr(file, name) for name in NAMES)
    primary = {"": primary} if isinstance(primary, str) else primary
    if not isinstance(primary, dict) or not primary:
        raise UserError(f"{where}: PRIMARY should be a measure, or a dict of them")
    for measure in primary.values():
        if measure not in measures:
            raise unknown("measure of PRIMARY", measure, measures)
    found = Design(dict(primary), test, 0, {}, 0.8)
    for config in configs:
        if not found.measure(config):
            raise UserError(f"{where}: PRIMARY has no measure for the config {config}")
    asked = {name for c in configs for name in (c, c.partition(":")[0], "")}
    found = found._replace(primary={c: m for c, m in primary.items() if c in asked})
    match = re.fullmatch(r"tukey(?:\((.+)\))?", test) if isinstance(test, str) else None
    if match is None:
        raise UserError(
            f'{where}: TEST should be "tukey" or "tukey(KEY)", not {test!r}'
        )
    if match[1] and match[1] not in keys:
        raise unknown("key of TEST", match[1], keys)
    if not isinstance(design, dict) or not all(
        isinstance(d, dict) for d in design.values()
    ):
        raise UserError(f"{where}: DESIGN should be a dict of dicts, one for each size")
    if size not in design:
        raise unknown("size of DESIGN", size, design)
    return _sized(found, design[size], f"{where}: DESIGN[{size!r}]", seeds)


def _sized(
    found: Design, own: Mapping[str, Any], where: str, seeds: Mapping[str, int]
) -> Design:
    for key, value in own.items():
        if key not in KEYS:
            raise unknown("part of DESIGN", key, KEYS)
        if not isinstance(value, KEYS[key]) or isinstance(value, bool):
            raise UserError(f"{where}: {key} cannot be {value!r}")
    count = own.get("seeds", 0)
    for setting, number in seeds.items():
        if number != count:
            raise UserError(
                f"{where} says seeds {count}, but the setting {setting} has {number}"
            )
    power = own.get("power", found.power)
    told: Any = own.get("tells", {})
    if not isinstance(told, dict):
        told = dict.fromkeys(found.primary.values(), told)
    tells: dict[str, Any] = dict(told)
    for measure, value in tells.items():
        if not isinstance(value, int | float):
            raise UserError(f"{where}: tells cannot be {value!r}")
        if measure not in found.primary.values():
            raise unknown("primary measure of tells", measure, found.primary.values())
    if not 0 < power < 1 or not all(value > 0 for value in tells.values()):
        raise UserError(f"{where}: power lies between 0 and 1, tells above 0")
    return found._replace(seeds=count, tells=tells, power=power)
