"""Experiments: files that declare what to run, and the plan that comes of one.

An experiment is a Python file with

    QUESTION    one sentence, ending in a question mark
    BASE        the config, `name:variant`, of every run that names no other
    RUNS        the settings, from the functions of `deconvgen.sweep`; or, by size,
                a dict of such lists
    MEASURES    figures of the evaluation, the most telling one first: each config is
                answered by the first that its runs have. Which way they should go,
                `deconvgen list measures` says; {figure: "min", "max" or "real"} does
                for figures of one's own.
    SIZES       {size: settings that all its runs share}; one that holds `config` is
                for the runs of that config alone
    PRIMARY, TEST, DESIGN
                which measure answers, by which test, of how many seeds: see
                `deconvgen.sweep.design`
    FINDING, SOURCE, CLAIMS
                what a publication found, and what would show it: `sweep.claim`s
"""

import shlex
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from ml_collections import ConfigDict

from deconvgen import config as configs
from deconvgen.core import files
from deconvgen.core.errors import UserError, unknown
from deconvgen.metrics import measures as table
from deconvgen.sweep import settings as sweep
from deconvgen.sweep.design import Design, declared

PLAN = "sweep.json"
PARTS = {
    "QUESTION": (str, "a sentence"),
    "BASE": (str, "the name of a config"),
    "RUNS": (list | tuple | dict, "a list of settings, or a dict of such lists"),
    "MEASURES": (dict | list | tuple, "a list of figures"),
}


class Trial(NamedTuple):
    """One run of a sweep.

    >>> Trial("x", {"seed": 1}, "dcgan:smoke", ["seed=1"]).command("runs/x")
    'deconvgen train --config=dcgan:smoke --config.seed=1 --workdir=runs/x'
    """

    name: str  # of its folder
    setting: dict[str, Any]  # what the experiment says of it; the seed included
    config: str  # name:variant
    overrides: list[str]  # key=value, the setting's and those of the size

    @property
    def group(self) -> str:
        """What the runs that differ in nothing but the seed have in common."""
        return sweep.name({k: v for k, v in self.setting.items() if k != "seed"})

    @property
    def seed(self) -> int:
        """That it is trained with, as far as the sweep says; the command line wins."""
        own = f"seed={self.setting.get('seed', 0)}"
        told = [own, *(text for text in self.overrides if text.startswith("seed="))]
        return _seed(told[-1])

    def command(self, workdir: Path | str) -> str:
        """The command that makes this run alone."""
        flags = [f"--config.{text}" for text in self.overrides]
        words = ["deconvgen", "train", f"--config={self.config}", *flags]
        return shlex.join([*words, f"--workdir={workdir}"])


@lru_cache(maxsize=4096)
def _seed(text: str) -> int:
    return configs.override(ConfigDict({"seed": 0}), [text]).seed


class Plan(NamedTuple):
    """A sweep as declared: what a sweep folder's `sweep.json` holds.

    >>> Plan("mine", "Which?", {"psnr": "max"}, "full", [], []).measures
    {'psnr': 'max'}
    """

    name: str
    question: str
    measures: dict[str, str]  # figure -> min, max or real
    size: str
    common: list[str]  # overrides from the command line, of all runs
    trials: list[Trial]
    design: Design | None = None  # None where none was named before the first run


FIELDS = {"name": str, "question": str, "measures": dict, "size": str}
FIELDS |= {"common": list, "trials": list}
"""What is in a sweep.json, in the order of `Plan`."""
OF_TRIAL = {"name": str, "setting": dict, "config": str, "overrides": list}
"""And in each of its trials, in that of `Trial`."""
OF_DESIGN = {"primary": dict, "test": str, "seeds": int, "tells": dict, "power": float}
"""And in its design."""


def load(name: str, size: str = "full", common: Iterable[str] = ()) -> Plan:
    """The plan of an experiment: its bare name or path, at one of its sizes.

    Raises `UserError` for a file that lacks a part or has it of the wrong kind, an
    unknown size, or two runs that are the same.
    """
    path = configs.find(name, "experiments")
    file = configs.module(path)
    for part, (kind, words) in PARTS.items():
        found = getattr(file, part, None)
        if found is None:
            raise UserError(f"{path} is no experiment: it lacks {part}")
        if not isinstance(found, kind):
            raise UserError(f"{path}: {part} should be {words}, not {found!r}")
    sizes = getattr(file, "SIZES", {"full": []})
    if not isinstance(sizes, dict):
        raise UserError(f"{path}: SIZES should be a dict of lists, not {sizes!r}")
    if size not in sizes:
        raise unknown("size", size, sizes)
    if not file.MEASURES:
        raise UserError(f"{path}: MEASURES names no figure")
    measures = _directed(file.MEASURES)
    settings = file.RUNS
    if isinstance(settings, dict):
        if size not in settings:
            raise unknown("size of RUNS", size, settings)
        settings = settings[size]
    _settings(settings, f"{path}: RUNS")
    _settings(sizes[size], f"{path}: SIZES[{size!r}]")
    shared, common = sizes[size], list(common)
    trials = [_trial(setting, file.BASE, shared, common) for setting in settings]
    seen: dict[tuple[str, int], str] = {}
    for trial in trials:
        if twin := seen.get(key := (trial.group, trial.seed)):
            told = twin if twin == trial.name else f"{twin}, as {trial.name},"
            raise UserError(f"{path}: the run {told} is there twice")
        seen[key] = trial.name
    if not trials:
        raise UserError(f"{path} has no runs at size {size!r}")
    plan = Plan(path.stem, file.QUESTION, measures, size, common, trials)
    return plan._replace(design=_design(file, str(path), plan))


def _design(file: Any, where: str, plan: Plan) -> Design | None:
    seeds: dict[str, set[int]] = {}
    for trial in plan.trials:
        seeds.setdefault(trial.group, set()).add(trial.seed)
    configs = list(dict.fromkeys(trial.config for trial in plan.trials))
    keys = sweep.varying([trial.setting for trial in plan.trials])
    counts = {group: len(found) for group, found in seeds.items()}
    keys = [key for key in keys if key not in ("seed", "config")]
    return declared(file, where, plan.measures, plan.size, configs, counts, keys)


def _directed(figures: Iterable[str]) -> dict[str, str]:
    """{figure: which way it should go}, as the table of measures says if not they."""
    if isinstance(figures, dict):
        found = figures
    else:
        rows = {name: table.asked(name) for name in figures}
        found = {name: row.better if row else "" for name, row in rows.items()}
    for name, way in found.items():
        if not way:
            told = "'min', 'max' or 'real'"
            raise UserError(
                f"MEASURES has no direction for {name!r}: give {told} to it"
            )
        if way not in table.WAYS:
            raise unknown(f"mode of measure {name}", way, table.WAYS)
    return dict(found)


def _settings(found: Any, where: str) -> None:
    """Raise a `UserError` unless `found` is a list of dicts with texts for keys."""
    if not isinstance(found, list | tuple):
        raise UserError(f"{where} should be a list of settings, not {found!r}")
    for setting in found:
        if not isinstance(setting, dict) or not all(
            isinstance(k, str) for k in setting
        ):
            raise UserError(
                f"{where} should list settings, each a dict of config keys; "
                f"one is {setting!r}"
            )


def _trial(
    setting: sweep.Setting, base: str, shared: list[sweep.Setting], common: list[str]
) -> Trial:
    config = setting.get("config", base)
    whole: sweep.Setting = {}
    for more in shared:
        if more.get("config", config) == config:
            whole |= more
    whole |= setting
    for change in common:
        whole |= _split(change)
    return Trial(sweep.name(setting), dict(setting), config, sweep.overrides(whole))


def _split(change: str) -> sweep.Setting:
    key, equals, value = change.partition("=")
    if not equals:
        raise UserError(f"override {change!r} should read key=value")
    return {key: value}


def renamed(plan: Plan, folder: Path) -> Plan:
    """The plan with the names that the folder's runs of the same settings go by.

    An earlier version named runs by the order of their keys.
    """
    if not (folder / PLAN).exists():
        return plan
    names = {sweep.name(trial.setting): trial.name for trial in read(folder).trials}
    own = lambda trial: trial._replace(name=names.get(trial.name, trial.name))
    return plan._replace(trials=[own(trial) for trial in plan.trials])


def save(plan: Plan, folder: Path) -> Plan:
    """Write the plan into a sweep folder, and return it.

    Runs that an earlier plan of the same folder has begun stay in it. Raises
    `UserError` where the folder holds another experiment, size or other overrides.
    """
    path = folder / PLAN
    if path.exists():
        old = read(folder)
        for part in ("name", "size", "common"):
            was, now = getattr(old, part), getattr(plan, part)
            if was != now:
                raise UserError(
                    f"{folder} holds a sweep with {part} {was!r}, not {now!r}: "
                    "choose another --workdir"
                )
        before = {t.name: t for t in old.trials if place(folder, t).is_dir()}
        if before:
            plan = plan._replace(design=settled(old.design, plan.design, folder))
        for trial in plan.trials:
            was = before.pop(trial.name, None)
            if was and (was.config, set(was.overrides)) != (
                trial.config,
                set(trial.overrides),
            ):
                different = set(was.overrides) ^ set(trial.overrides)
                raise UserError(
                    f"{folder}: the run {trial.name} is declared otherwise now "
                    f"({', '.join(sorted(different)) or trial.config}): "
                    "choose another --workdir"
                )
        plan = plan._replace(trials=[*plan.trials, *before.values()])
    told = plan._asdict() | {"trials": [t._asdict() for t in plan.trials]}
    told |= {"design": plan.design._asdict() if plan.design else None}
    files.write_json(path, told, indent=1)
    return plan


def settled(old: Design | None, new: Design | None, folder: Path) -> Design | None:
    """What was named before the first run; it cannot be chosen by the runs any more."""
    if old and new and old != new:
        parts = [f for f in Design._fields if getattr(old, f) != getattr(new, f)]
        raise UserError(
            f"{folder}: its runs have begun by another design ({', '.join(parts)}): "
            "choose another --workdir"
        )
    return old


def read(folder: Path) -> Plan:
    """The plan of a sweep folder."""
    path = folder / PLAN
    try:
        told = files.read_json(path, FIELDS)
    except FileNotFoundError:
        raise UserError(f"{folder} is no sweep folder: it has no {PLAN}") from None
    trials = []
    for number, trial in enumerate(told["trials"], 1):
        trial = files.shaped(trial, f"{path}, trial {number}", OF_TRIAL)
        trials.append(Trial(*(trial[field] for field in OF_TRIAL)))
    plan = Plan(*(told[field] for field in FIELDS))._replace(trials=trials)
    if design := told.get("design"):  # an earlier version had none
        design = files.shaped(design, f"{path}, design", OF_DESIGN)
        plan = plan._replace(design=Design(*(design[field] for field in OF_DESIGN)))
    return plan


def place(folder: Path, trial: Trial) -> Path:
    """The run folder of a trial."""
    return folder / "runs" / trial.name
