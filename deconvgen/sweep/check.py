"""Before a sweep: every run built, without computing it."""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from deconvgen import config as configs
from deconvgen.core import files
from deconvgen.core.errors import UserError
from deconvgen.runs import code, rehearsal
from deconvgen.runs import setup as runs
from deconvgen.sweep import settings as sweep
from deconvgen.sweep.plan import Trial

BUILDING = (ArithmeticError, AssertionError, AttributeError, LookupError)
BUILDING += (RuntimeError, TypeError, ValueError)
"""What building a model may raise where its settings make no sense."""


def check(
    trials: Iterable[Trial], tell: Callable[[int, int, Trial], None] | None = None
) -> list[str]:
    """Build what every run would train, without computing it.

    Seeds share their check, and settings that differ in how they start share that of
    their steps. `tell` hears which of how many settings comes next. Raises a
    `UserError` that names the run: an unknown key, a value of the wrong kind or out of
    range, an initializer that does not fit, sizes that do not divide, an `init_from`
    that is not there, a `monitor.metric` that the evaluation does not give. Returns
    the figures that the evaluations will give.
    """
    groups: dict[str, tuple[Trial, Any]] = {}
    for trial in trials:
        if trial.group not in groups:
            with _naming(trial):
                config = configs.load(trial.config, trial.overrides)
                runs.check(config)
            groups[trial.group] = (trial, config)
    examples: dict[str, Any] = {}
    programs: dict[str, list[str]] = {}
    for number, (trial, config) in enumerate(groups.values(), 1):
        if tell:
            tell(number, len(groups), trial)
        with _naming(trial):
            _rehearse(config, examples, programs)
    return list(dict.fromkeys(name for names in programs.values() for name in names))


def _rehearse(
    config: Any, examples: dict[str, Any], programs: dict[str, list[str]]
) -> None:
    runs.source(config)
    key = json.dumps(config.to_dict()["data"])
    if key not in examples:
        dataset = runs.dataset(config, runs.watched(config))
        examples[key] = dataset, next(dataset.eval_batches(1))
    dataset, example = examples[key]
    config = runs.resolve(config, dataset)
    program = rehearsal.program(config)
    if program in programs:
        runs.shape(config, example)
    else:
        programs[program] = rehearsal.rehearse(config, example)


CHECKED = "checked.json"
"""Which code has checked which settings of a sweep folder."""


def unchecked(folder: Path, trials: Iterable[Trial]) -> list[Trial]:
    """Those of settings that the code as it is has not checked in this folder."""
    known = _checked(folder)
    return [trial for trial in trials if _digest(trial) not in known]


def note(folder: Path, trials: Iterable[Trial]) -> None:
    """Keep that they are checked: a sweep that goes on need not do it again."""
    settings = _checked(folder) | {_digest(trial) for trial in trials}
    told = {"code": code.digest(), "settings": sorted(settings)}
    files.write_json(folder / CHECKED, told)


def _checked(folder: Path) -> set[str]:
    try:
        found = files.read_json(folder / CHECKED, {"code": str, "settings": list})
    except (OSError, UserError):
        return set()
    return set(found["settings"]) if found["code"] == code.digest() else set()


def _digest(trial: Trial) -> str:
    """Of what it is but for its seed."""
    rest = sorted(text for text in trial.overrides if not text.startswith("seed="))
    told = json.dumps([trial.config, rest])
    return hashlib.sha256(told.encode()).hexdigest()[:12]


def unmeasured(measures: Iterable[str], figures: Iterable[str]) -> list[str]:
    """The measures that none of the figures goes by; none where no figure is known."""
    have = list(figures)
    return [m for m in measures if have and sweep.matching(m, have) is None]


@contextmanager
def _naming(trial: Trial) -> Iterator[None]:
    try:
        yield
    except UserError as error:
        raise UserError(f"run {trial.name}: {error}") from error
    except BUILDING as error:
        raise UserError(
            f"run {trial.name} cannot be built: {type(error).__name__}: {error}"
        ) from error
