"""A run is pinned to what made it: its config and its data.

The config of a run folder is in its config.json and in every checkpoint. What a
checkpoint says of what made the run wins. Its data are pinned by their place and a
digest (`data.identity`, see `deconvgen.data.pipeline.dataset`); of a folder of images,
data.json in the run folder lists the files.
"""

import os
from pathlib import Path
from typing import Any

import numpy as np
from ml_collections import ConfigDict

from deconvgen import config as configs
from deconvgen.config import Config
from deconvgen.core import files
from deconvgen.core.errors import UserError
from deconvgen.core.terminal import say
from deconvgen.data import folder as folders
from deconvgen.training import checkpoint
from deconvgen.training.optim import make_schedule

CONFIG, DATA = "config.json", "data.json"


def absolute(config: Config) -> Config:
    """A copy whose paths say the same from wherever they are read."""
    config = ConfigDict(config.to_dict())
    values = configs.flat(config)
    for key, row in configs.rows(config.task).items():
        if not row.is_place or key not in values:
            continue
        named = row.range == "files"  # modules among them
        whole = lambda name, named=named: (
            name
            if not name
            or name.startswith("pretrained:")
            or (named and not configs.is_file(name))
            else os.path.abspath(os.path.expanduser(name))
        )
        found = values[key]
        found = tuple(map(whole, found)) if named else whole(found)
        configs.put(config, key, found)
    return config


def saved(workdir: Path) -> Config:
    """The config of a run folder: its config.json, or the newest checkpoint's.

    Where the two disagree on what a run may not change, the checkpoint is right. What
    it says in `imports` has been imported. Raises `UserError` where there is neither.
    """
    config = _saved(workdir)
    configs.imported(config.imports)
    return config


def _saved(workdir: Path) -> Config:
    path = workdir / CONFIG
    try:
        own = configs.read(path)
        shape = own.data.get("image_shape")
        if not (isinstance(shape, tuple) and [*map(type, shape)] == [int] * 3):
            raise files.Damaged(f"{path} is not whole: it has no data.image_shape")
    except UserError as error:
        if (found := _newest(workdir)) is None:
            raise
        why = str(error) if path.exists() else f"{path} is gone"
        say(f"{why}: the config is taken from checkpoint {found[0]}")
        return found[1]
    if (found := _newest(workdir)) is None:
        return own
    step, made = found
    wrong, _ = sorted_changes(made, own)
    if not wrong:
        return own
    say(
        f"{path} is not what checkpoint {step} was trained with, which is taken "
        f"({'; '.join(wrong)})"
    )
    for key, value in configs.flat(own).items():
        row = configs.row(made.task, key)
        if row.resume is not None and key in configs.flat(made):
            configs.put(made, key, value)
    return made


def begun(workdir: Path) -> Config | None:
    """The config of the newest checkpoint of a folder; None where none tells."""
    found = _newest(workdir)
    return found[1] if found else None


def _newest(workdir: Path) -> tuple[int, Config] | None:
    """Step and config of the newest checkpoint that tells."""
    for step in reversed(checkpoint.steps(workdir)):
        told = checkpoint.read_meta(path := checkpoint.folder(workdir, step))
        if isinstance(told.get("config"), dict):
            return step, configs.parse(told["config"], f"{path / checkpoint.META}")
    return None


def sorted_changes(old: Config, new: Config) -> tuple[list[str], dict[str, list[Any]]]:
    """How two configs differ: in what a run may not change, as texts, and in what it
    may, as `{key: [old, new]}`; their data, histories and the account of solved widths
    left aside."""
    a, b = (configs.flat(absolute(config)) for config in (old, new))
    wrong, fine = [], {}
    for key in sorted(a.keys() | b.keys()):
        if key == "history" or key.startswith(("data.identity", "solved.")):
            continue
        values = [each.get(key, "absent") for each in (a, b)]
        if values[0] == values[1]:
            continue
        if configs.row(new.task, key).resume is not None:
            fine[key] = values
        else:
            wrong.append(f"{key}: {values[0]!r} -> {values[1]!r}")
    return wrong, fine


def changes(workdir: Path, old: Config, new: Config, step: int) -> dict[str, list[Any]]:
    """What changes as a run at this step goes on with another config.

    Raises `UserError` for what may not, for other data, and for fewer steps than it
    has made; says what there is to know of the rest.
    """
    wrong, fine = sorted_changes(old, new)
    other = other_data(workdir, old, identity(new))
    if "data.folder" in fine and (other or not identity(old)):
        was, now = fine.pop("data.folder")
        wrong.append(f"data.folder: {was!r} -> {now!r}")
    if wrong:
        raise UserError(
            f"{workdir} holds a run with another config ({'; '.join(wrong)}): "
            "give the same config, or another --workdir"
        )
    if other:
        raise UserError(f"{other}: put them back, or choose another --workdir")
    if new.steps < step:
        raise UserError(
            f"{workdir} is at step {step} already, steps={new.steps} is behind it"
        )
    for key, (was, now) in fine.items():
        notes = [*filter(None, [configs.row(new.task, key).resume])]
        notes += _rates(new, was, now, step) if key == "steps" else []
        tail = f": {'; '.join(notes)}" if notes else ""
        say(f"from step {step} on: {key}={now!r} instead of {was!r}{tail}")
    return fine


def _rates(config: Any, was: int, now: int, step: int) -> list[str]:
    """What more steps make of learning rates that follow a schedule to its end."""
    told = []
    for name in ("optimizer", "critic_optimizer"):
        if name not in config:
            continue
        own = config[name]
        rest = (own.warmup_steps, own.step_every, own.step_factor)
        schedules = [
            make_schedule(own.schedule, own.learning_rate, steps, *rest)
            for steps in (was, now)
        ]
        rates = [float(np.asarray(schedule(step))) for schedule in schedules]
        if rates[0] != rates[1]:
            told.append(
                f"{name}.schedule={own.schedule} is stretched to it, which makes "
                f"{rates[1]:.3g} of a learning rate of {rates[0]:.3g}"
            )
    return told


def identity(config: Any) -> dict[str, Any]:
    """What a config says of its data beyond their names; empty of an older run."""
    found = config.data.get("identity", {})
    return found.to_dict() if isinstance(found, ConfigDict) else dict(found)


def other_data(workdir: Path, config: Any, found: dict[str, Any]) -> str:
    """How data differ from those of a run, in a sentence without its end; "" where
    they do not, or where the run is older than what it would be told by."""
    plain = lambda told: {
        k: list(v) if isinstance(v, tuple) else v for k, v in told.items()
    }
    known, found = plain(identity(config)), plain(found)
    place = found.get("folder", found.get("name", "the data set"))
    unlike = {k for k in known if known[k] != found.get(k)} - {"folder", "images"}
    if not unlike:
        return ""
    if "sha256" not in unlike or "sha256" not in found:
        told = [f"{k} {known[k]!r} -> {found.get(k)!r}" for k in sorted(unlike)]
        return f"{workdir} is of other data than {place} ({'; '.join(told)})"
    files_differ = _files(workdir, place, config.data.get("validation", 0.0))
    return f"{workdir} is of other images than {place} has now{files_differ}"


def same_file(workdir: Path, config: Config) -> bool:
    """Whether config.json is this config already."""
    try:
        return not configs.differences(configs.read(workdir / CONFIG), config)
    except UserError:
        return False


def note_data(workdir: Path, config: Any) -> None:
    """List the files of a folder of images beside the config that is pinned to them."""
    known = identity(config)
    if "folder" in known:
        sizes = folders.read(Path(config.data.folder), config.data.validation).sizes()
        listed = {"sha256": known["sha256"], "files": sizes}
        files.write_json(workdir / DATA, listed)


def _files(workdir: Path, place: str, validation: float) -> str:
    """` (2 new, .x.png. first; ...)`: how a folder's files are not those listed."""
    try:
        old = files.read_json(workdir / DATA, {"files": dict})["files"]
        new = folders.read(Path(place), validation).sizes()
    except (OSError, UserError):
        return ""
    groups = {
        "new": sorted(new.keys() - old.keys()),
        "gone": sorted(old.keys() - new.keys()),
        "of another size": sorted(n for n in old.keys() & new if old[n] != new[n]),
    }
    told = [
        f"{len(names)} {words}, {names[0]!r} first"
        for words, names in groups.items()
        if names
    ]
    return f" ({'; '.join([f'{len(old)} then, {len(new)} now', *told])})"
