"""What the settings of a sweep, and the keys they differ in, are called in a report."""

from collections.abc import Mapping, Sequence
from typing import Any

from deconvgen import sweep


def shorts(keys: Sequence[str]) -> dict[str, str]:
    """{key: its last words}, as few as tell it from the other keys.

    `model.norm` is `norm`, but next to `critic.norm` it stays `model.norm`.
    """
    found = {}
    for key in keys:
        words = key.split(".")
        ends = [".".join(words[i:]) for i in range(len(words))][::-1]
        taken = lambda end, key=key: any(
            other != key and f".{other}".endswith(f".{end}") for other in keys
        )
        found[key] = next((end for end in ends if not taken(end)), key)
    return found


def shown(value: Any) -> str:
    """A level's name, for people."""
    text = sweep.text(value)
    return text if text else "-"


def labels(settings: Sequence[sweep.Setting], keys: Sequence[str]) -> list[str]:
    """A name for each setting by its values of the keys; alike only for like settings.

    A value goes without its key where every value of the key says what it is: a word,
    and one that no other key has. Where that leaves two settings with one name, as it
    can where some lack a key, all values have their keys with them.
    """
    names = shorts(keys)
    levels = {key: {shown(s[key]) for s in settings if key in s} for key in keys}
    telling = {key for key in keys if _tells(key, settings, levels)}
    found = [_label(setting, names, telling) for setting in settings]
    unlike: dict[str, set[str]] = {}
    for setting, label in zip(settings, found, strict=True):
        told = [f"{key}={sweep.text(setting[key])}" for key in keys if key in setting]
        unlike.setdefault(label, set()).add(",".join(told))
    if any(len(each) > 1 for each in unlike.values()):
        return [_label(setting, names, set()) for setting in settings]
    return found


def _tells(
    key: str, settings: Sequence[sweep.Setting], levels: Mapping[str, set[str]]
) -> bool:
    values = [s[key] for s in settings if key in s]
    words = all(isinstance(v, str) and v not in ("", "none") for v in values)
    others = set().union(*(found for k, found in levels.items() if k != key))
    last = key.rpartition(".")[2].startswith("last")
    return words and not last and not levels[key] & others


def _label(setting: sweep.Setting, names: Mapping[str, str], telling: set[str]) -> str:
    words = [
        shown(setting[key]) if key in telling else f"{name} {shown(setting[key])}"
        for key, name in names.items()
        if key in setting
    ]
    return ", ".join(words) or "as configured"
