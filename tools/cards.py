"""The cards of the shipped checkpoints: what each draws, how it was made, its figures.

`tools/site.py` puts them into docs/pretrained.
"""

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from deconvgen.core.numbers import number
from deconvgen.metrics.confidence import around
from deconvgen.metrics.measures import ARROWS, find
from deconvgen.runs import pretrained
from deconvgen.runs.sampling import draw

SHOWN = {"superres": "superres"}
"""The kind of sample that shows a task best, where it is not the first."""
GROUPS = ("quality", "task")
BESIDE = ("_sd", "_se", "_std", "_real", *pretrained.BESIDE)
LEAST = {"_sd": 0.0, "_se": -math.inf}
"""What a figure cannot be less than, by what is beside it: a distance is 0 or more."""
HEAD = """\
# Checkpoints to start from

They come with the package: `deconvgen list pretrained` lists them, and wherever a run
folder is asked for, `pretrained:NAME` is one of them.

```
deconvgen sample --workdir=pretrained:dcgan-fashion-classes --out=samples.png
deconvgen train --config=dcgan:demo --config.init_from=pretrained:dcgan-fashion-classes
```

Each is the averaged weights of a run in half precision; the figures are those of the
rounded weights, of test images alone, by one seed. An interval is over draws of the
images, not of seeds; of superres-photos over patches, all of the same four photographs.
"""
MADE = {
    "date": "trained",
    "minutes": "minutes of training, evaluations included",
    "device": "on",
    "versions": "versions",
    "revision": "revision",
    "step": "steps",
    "parameters": "parameters kept",
    "bytes": "bytes of the weights",
}


def figures(told: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Of each measure of quality: its title, its value, what to hold it against."""
    for name, value in told.items():
        measure = find(name)
        if not measure or measure.group not in GROUPS or name.endswith(BESIDE):
            continue
        if "*" in measure.key and name.count("_") > 1:
            continue  # of a class, or of a part of the images
        against = []
        for suffix, least in LEAST.items():
            if (error := told.get(name + suffix)) is not None:
                low, high = around(float(value), error, least)
                against.append(f"95 %: {number(low)} to {number(high)}")
        for suffix, what in pretrained.BESIDE.items():
            if (other := told.get(name + suffix)) is not None:
                against.append(f"{what}: {number(other)}")
        title = f"{measure.title} {ARROWS.get(measure.better, '')}".rstrip()
        yield title, f"{number(value)} {measure.unit}".rstrip(), "; ".join(against)


def card(folder: Path, name: str) -> str:
    """A section of the page; draws its picture."""
    config, found = pretrained.find(name)
    kind = SHOWN.get(config.task, "grid")
    draw(f"pretrained:{name}", kind, num=48, out=str(folder / f"{name}.png"))
    about = found.meta
    rows = [("data", f"{config.data.name}, seed {config.seed}", "")]
    rows += [
        (title, str(about[key]), "") for key, title in MADE.items() if key in about
    ]
    rows += figures(about["figures"])
    lines = [f"| {' | '.join(row)} |" for row in [("", "", ""), ("---",) * 3, *rows]]
    return (
        f"## {name}\n\n{pretrained.told(config, found)}.\n\n![{name}]({name}.png)\n\n"
        f"```\n{about['command']}\n```\n\n" + "\n".join(lines) + "\n\n"
        f"*Of {about['figures']['num_examples']} test images.*\n"
    )


def cards(folder: Path) -> None:
    """The page of all of them."""
    parts = [card(folder, name) for name in pretrained.names()]
    (folder / "index.md").write_text("\n".join([HEAD, *parts]))
