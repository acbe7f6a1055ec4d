"""Sweep folders put together: those of one experiment are one study."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from deconvgen.core.errors import UserError
from deconvgen.report import results
from deconvgen.report.part import Part, parts
from deconvgen.report.results import Result
from deconvgen.sweep.plan import Plan, Trial

STATES = ("to do", "begun", "failed", "finished")
"""From the least that is known of a run to the most."""


class Study(NamedTuple):
    """An experiment with all that is known of its runs.

    >>> [len(study.results) for study in studies(["sweeps/mine"])]  # doctest: +SKIP
    """

    plan: Plan
    results: list[Result]
    parts: list[Part]
    commands: list[str]  # that made the folders


def studies(folders: Sequence[str | Path]) -> list[Study]:
    """One study for each experiment, size and `model.equal` of the folders, in order.

    >>> [study.plan.question for study in studies(["sweeps/mine"])]  # doctest: +SKIP
    """
    groups: dict[tuple[str, ...], list[str | Path]] = {}
    for folder in folders:
        plan, _ = results.collect(folder)
        equal = (text for text in plan.common if text.startswith("model.equal="))
        groups.setdefault((plan.name, plan.size, *equal), []).append(folder)
    found = []
    for group in groups.values():
        plan, runs = gather(group)
        found.append(Study(plan, runs, parts(plan, runs), said(group)))
    return found


def gather(folders: Sequence[str | Path]) -> tuple[Plan, list[Result]]:
    """The runs of one experiment from one or several sweep folders.

    Of a run that two folders have, the one that is further on. Raises `UserError` where
    the folders' runs were not declared alike: their figures are not of one kind.
    """
    plan, found = results.collect(folders[0])
    best = {r.trial.name: r for r in found}
    for folder in folders[1:]:
        other, more = results.collect(folder)
        if plan.design and other.design and plan.design != other.design:
            raise UserError(
                f"the runs of {folder} were begun by another design than those of "
                f"{folders[0]}: report them one by one"
            )
        if not other.design:  # named for a part of the runs is not named
            plan = plan._replace(design=None)
        trials = [r.trial for r in more]
        if unlike := differences([r.trial for r in best.values()], trials):
            raise UserError(
                f"the runs of {folder} are not declared as those of {folders[0]} "
                f"({', '.join(unlike)}): report them one by one"
            )
        for r in more:
            old = best.get(r.trial.name)
            if old is None or known(r) > known(old):
                best[r.trial.name] = r
    return plan, list(best.values())


def known(result: Result) -> tuple[int, int]:
    """How far on a run is: by its state, then by its step."""
    return STATES.index(result.state), result.step


def differences(one: Sequence[Trial], two: Sequence[Trial]) -> list[str]:
    """What two folders' runs have otherwise, as `key=value` texts or configs.

    A run that both have shall be the same; runs of one config shall share whatever
    neither experiment varies, the overrides of the size and of the command line.
    """
    named = {trial.name: trial for trial in one}
    unlike: set[str] = set()
    for trial in two:
        other = named.get(trial.name)
        if other and other.config != trial.config:
            unlike |= {other.config, trial.config}
        elif other:
            unlike |= set(other.overrides) ^ set(trial.overrides)
    varied = {key for trial in (*one, *two) for key in trial.setting}
    for config in {t.config for t in one} & {t.config for t in two}:
        sides = [_shared(config, trials, varied) for trials in (one, two)]
        unlike |= sides[0] ^ sides[1]
    return sorted(unlike)


def _shared(config: str, trials: Sequence[Trial], varied: set[str]) -> set[str]:
    texts = [text for t in trials if t.config == config for text in t.overrides]
    return {text for text in texts if text.partition("=")[0] not in varied}


def said(folders: Sequence[str | Path]) -> list[str]:
    """The commands that made the folders, each once."""
    lines: dict[str, None] = {}
    for folder in folders:
        path = Path(folder).expanduser() / "commands.txt"
        if path.is_file():
            lines |= dict.fromkeys(path.read_text("utf-8", "replace").splitlines())
    return list(lines)
