"""Pack a run's best checkpoint into the package, as `pretrained:NAME`.

    python tools/pack_checkpoint.py --workdir=runs/gan --name=dcgan-fashion \\
        --command="deconvgen train --config=gan --workdir=runs/gan"

The averaged parameters alone, in half precision; the figures that go with them are
those of the rounded weights, evaluated here. The figure that chose the checkpoint has a
standard error beside it, over the test images.
"""

import argparse
import json
import math
from datetime import UTC, datetime
from functools import reduce
from pathlib import Path
from statistics import fmean
from typing import Any

from deconvgen.core import files
from deconvgen.metrics import sums
from deconvgen.runs import origin, pretrained, run
from deconvgen.training import evaluate, log


def made(workdir: Path, command: str) -> dict[str, Any]:
    """How the run came about, for its card: when, where, by which code, how long."""
    path = workdir / log.METRICS
    at, records = path.stat().st_mtime, log.read(path)
    origins = files.read_json(workdir / origin.NAME)["origins"]
    return {
        "command": command,
        "date": datetime.fromtimestamp(at, UTC).date().isoformat(),
        "minutes": round(max(each.get("seconds", 0) for each in records) / 60, 1),
        **{key: origins[-1][key] for key in ("revision", "device", "versions")},
    }


def errors(loaded: run.Run, figures: dict[str, Any]) -> dict[str, float]:
    """The standard error of the figure that chose, where its deviation is not known.

    Over the test images, by the jackknife: each fiftieth of them left out in turn
    (Efron and Stein 1981).
    """
    config, spread = loaded.config, loaded.spread
    name = config.monitor.metric
    if f"{name}_sd" in figures:
        return {}
    data = loaded.dataset("test")
    size = max(1, math.ceil(figures["num_examples"] / 50))
    step = evaluate.make_step(loaded.task, spread, config.seed)
    state, parts = spread.put_state(loaded.state), []
    for index, batch in enumerate(data.eval_batches(size)):
        found = spread.local(step(state, spread.put_batch(batch), 0, index * size))
        parts.append({k: v for k, v in found.items() if name in sums.results({k: v})})
    without = lambda i: reduce(sums.add, parts[:i] + parts[i + 1 :])
    values = [sums.results(without(i))[name] for i in range(len(parts))]
    squares = sum((value - fmean(values)) ** 2 for value in values)
    return {f"{name}_se": (squares * (1 - 1 / len(values))) ** 0.5}


def main() -> None:
    """Pack, load again, evaluate, note the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workdir", required=True)
    parser.add_argument("--name", required=True)
    parser.add_argument("--command", required=True, help="that made the run")
    parser.add_argument("--checkpoint", default="best")
    parser.add_argument("--dtype", default="float16", choices=("float16", "float32"))
    options = parser.parse_args()
    loaded = run.load(options.workdir, options.checkpoint)
    folder = pretrained.HERE / options.name
    card = made(Path(options.workdir), options.command)
    pretrained.pack(loaded.config, loaded.state, folder, card, options.dtype)
    packed = run.load(pretrained.PREFIX + options.name)
    figures = packed.evaluate()
    figures |= errors(packed, figures)
    print(json.dumps(pretrained.note_figures(folder, figures), indent=2))


if __name__ == "__main__":
    main()
