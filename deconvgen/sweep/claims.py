"""What a publication found, as an experiment file says it before its runs."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from deconvgen.config import text


class Claim(NamedTuple):
    """One setting is better than another, by the primary measure of a config."""

    better: dict[str, Any]
    than: dict[str, Any]
    config: str = ""  # empty: the experiment's BASE

    def words(self) -> str:
        """`kernel_size 4 better than kernel_size 3`."""
        return f"{told(self.better)} better than {told(self.than)}"


def claim(
    better: Mapping[str, Any], than: Mapping[str, Any], config: str = ""
) -> Claim:
    """A claim of CLAIMS; a side means the best of the settings that have its values.

    >>> claim({"model.kernel_size": 4}, {"model.kernel_size": 3}, "gan").words()
    'kernel_size 4 better than kernel_size 3'
    """
    return Claim(dict(better), dict(than), config)


def told(setting: Mapping[str, Any]) -> str:
    """Values with the last words of their keys; a layer's or start's name alone.

    Where two keys end alike, they stay whole.

    >>> told({"model.upsampler": "carafe", "optimizer.b1": 0, "critic_optimizer.b1": 0})
    'carafe, optimizer.b1 0, critic_optimizer.b1 0'
    """
    alone = ("upsampler", "initializer")
    ends = [key.rpartition(".")[2] for key in setting]
    short = [k if ends.count(e) > 1 else e for k, e in zip(setting, ends, strict=True)]
    values = map(text, setting.values())
    pairs = zip(short, values, strict=True)
    return ", ".join(v if k in alone else f"{k} {v}" for k, v in pairs)


def matches(setting: Mapping[str, Any], side: Mapping[str, Any]) -> bool:
    """Whether a setting has the values of a claim's side."""
    return all(
        key in setting and text(setting[key]) == text(v) for key, v in side.items()
    )
