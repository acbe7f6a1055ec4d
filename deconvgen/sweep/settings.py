"""Lists of settings: what an experiment varies, put together by plain functions.

A setting is a dict of config overrides, and RUNS of an experiment is a list of them:

>>> layers = choose("model.upsampler", ["conv_transpose", "nearest_conv"])
>>> starts = choose("model.initializer", ["dcgan", "orthogonal"])
>>> len(seeds(product(layers, starts), 3))
12

The key `config` names the config (and variant) itself, where an experiment compares
over several; a setting without it is one of the experiment's BASE.
"""

import fnmatch
import hashlib
import itertools
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from deconvgen.config import text
from deconvgen.core.errors import UserError

Setting = dict[str, Any]

LONGEST = 80
"""Letters of a run's name; a longer one ends in a hash."""


def choose(key: str, values: Iterable[Any]) -> list[Setting]:
    """One setting for each value of a key.

    >>> choose("model.upsampler", ["carafe", "nearest_conv"])
    [{'model.upsampler': 'carafe'}, {'model.upsampler': 'nearest_conv'}]
    """
    return [{key: value} for value in values]


def product(*lists: Sequence[Mapping[str, Any]]) -> list[Setting]:
    """Every combination of one setting from each list; the first list varies slowest.

    Settings of later lists win where two set the same key.

    >>> product(choose("a", [1, 2]), choose("b", [3]))
    [{'a': 1, 'b': 3}, {'a': 2, 'b': 3}]
    """
    return [_merged(parts) for parts in itertools.product(*lists)]


def together(*lists: Sequence[Mapping[str, Any]]) -> list[Setting]:
    """The lists side by side: the n-th settings of all of them in one.

    Raises `UserError` where the lists differ in length.

    >>> together(choose("a", [1, 2]), choose("b", [3, 4]))
    [{'a': 1, 'b': 3}, {'a': 2, 'b': 4}]
    """
    lengths = [len(settings) for settings in lists]
    if len(set(lengths)) > 1:
        raise UserError(f"together() wants lists of one length, not of {lengths}")
    return [_merged(parts) for parts in zip(*lists, strict=True)]


def chain(*lists: Iterable[Mapping[str, Any]]) -> list[Setting]:
    """The lists one after the other, each different setting once.

    >>> chain(choose("seed", [0, 1]), choose("seed", [1, 2]))
    [{'seed': 0}, {'seed': 1}, {'seed': 2}]
    """
    found: list[Setting] = []
    for setting in itertools.chain(*lists):
        if setting not in found:
            found.append(dict(setting))
    return found


def seeds(settings: Sequence[Mapping[str, Any]], count: int) -> list[Setting]:
    """Every setting with the seeds 0 to count - 1.

    >>> seeds(choose("ema", [0.9]), 2)
    [{'ema': 0.9, 'seed': 0}, {'ema': 0.9, 'seed': 1}]
    """
    return product(settings, choose("seed", range(count)))


def smoke(steps: int = 300, **values: Any) -> Setting:
    """What all runs of a size share that trains in seconds: few steps and images.

    `values` are set on top; a nested key has two underscores: `model__kernel_size=0`.

    >>> smoke(steps=7)["steps"]
    7
    """
    few = {"steps": steps, "batch_size": 32, "ema": 0.99, "eval.num_examples": 500}
    often = {"log_every": 20, "eval_every": 100, "checkpoint_every": 100}
    own = {key.replace("__", "."): value for key, value in values.items()}
    return few | often | {"sample_every": steps} | own


def widths(**features: tuple[int, ...]) -> list[Setting]:
    """The `model.features` of each config, by the config's name.

    >>> widths(gan=(32, 16))
    [{'config': 'gan', 'model.features': (32, 16)}]
    """
    return [{"config": c, "model.features": f} for c, f in features.items()]


def where(
    settings: Iterable[Mapping[str, Any]], keep: Callable[[Setting], bool]
) -> list[Setting]:
    """The settings that `keep` says yes to.

    >>> where(choose("a", [1, 2]), lambda setting: setting["a"] > 1)
    [{'a': 2}]
    """
    return [dict(setting) for setting in settings if keep(dict(setting))]


def overrides(setting: Mapping[str, Any]) -> list[str]:
    """The setting as `key=value` texts; `config` is left out.

    >>> overrides({"config": "vae", "model.features": (8, 4)})
    ['model.features=8,4']
    """
    return [f"{k}={text(v)}" for k, v in setting.items() if k != "config"]


def varying(settings: Sequence[Mapping[str, Any]]) -> list[str]:
    """The keys whose values are not the same in all settings, `seed` last.

    A setting that leaves a key as configured is unlike one that sets it to "".

    >>> varying([{"a": 1, "b": 2, "seed": 0}, {"a": 1, "b": 3, "seed": 1}])
    ['b', 'seed']
    """
    keys = list(dict.fromkeys(key for setting in settings for key in setting))
    value = lambda setting, key: text(setting[key]) if key in setting else None
    found = [k for k in keys if len({value(s, k) for s in settings}) > 1]
    return sorted(found, key=lambda key: key == "seed")


def name(setting: Mapping[str, Any]) -> str:
    """A folder's name for a setting: short, safe, and unlike any other setting's.

    `model.upsampler=nearest_conv, seed=1` becomes `upsampler=nearest_conv,seed=1`,
    whatever the order of the keys. What a file system may not like becomes `-`; then,
    or when it is long, a hash follows.

    >>> name({"seed": 1, "model.upsampler": "carafe"})
    'upsampler=carafe,seed=1'
    """
    setting = {k: setting[k] for k in sorted(setting, key=lambda k: (k == "seed", k))}
    exact = ",".join(f"{key}={text(value)}" for key, value in setting.items())
    parts = (f"{k.rpartition('.')[2]}={text(v)}" for k, v in setting.items())
    plain = ",".join(parts) or "base"
    safe = re.sub(r"[^A-Za-z0-9_.,=+-]+", "-", plain)
    ends = [key.rpartition(".")[2] for key in setting]
    if safe == plain and len(safe) <= LONGEST and len(set(ends)) == len(ends):
        return safe
    digest = hashlib.sha256(exact.encode()).hexdigest()[:8]
    return f"{safe[: LONGEST - 9]}-{digest}"


def _merged(parts: Iterable[Mapping[str, Any]]) -> Setting:
    return {key: value for part in parts for key, value in part.items()}


def matching(pattern: str, names: Sequence[str]) -> str | None:
    """The figure that a measure means; `*` in it is any extractor of features.

    The Frechet distance of Inception's features has a name of its own: `fid`. The mean
    of a figure over the steps of its learning curve is `area(figure)`.

    >>> matching("frechet_*", ["psnr", "frechet_classifier"])
    'frechet_classifier'
    """
    if under := re.fullmatch(r"area\((.+)\)", pattern):
        name = matching(under[1], names)
        return name and f"area({name})"
    alias = {"fid": "frechet_inception"}
    fits = lambda name: fnmatch.fnmatchcase(name, pattern)
    return next((n for n in names if fits(n) or fits(alias.get(n, n))), None)
