"""Pack a run's best checkpoint into the package, as `pretrained:NAME`.

    python tools/pack_checkpoint.py --workdir=runs/dcgan --name=dcgan-fashion \\
        --command="deconvgen train --config=dcgan --workdir=runs/dcgan"

The averaged parameters alone, in half precision; the figures that go with them are
those of the rounded weights, evaluated here.
"""

import argparse
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from deconvgen.core import files
from deconvgen.runs import origin, pretrained, run
from deconvgen.training import log


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
    figures = run.load(pretrained.PREFIX + options.name).evaluate()
    print(json.dumps(pretrained.note_figures(folder, figures), indent=2))


if __name__ == "__main__":
    main()
