"""What a process pays for its train steps: for the first one, and without our settings.

    python benchmarks/process.py [--part=start] [--turns=5] [--batch=64] [--record]

    start  seconds from the start of a process to the end of its first step of DCGAN-64,
           its programs compiled anew or found in the cache; PyTorch's eager step, where
           it is installed
    demo   the same of the step of `dcgan:demo`, without PyTorch's
    set    a step by what is set before JAX starts (`deconvgen.core.runtime`): nothing,
           as in a program that only imports the library, to all that the `deconvgen`
           command and `deconvgen.configure()` set

Every turn of each is a process of its own (`stepping.py`).
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import record
import theirs
from record import HERE
from stepping import SET
from tables import Spread
from timing import Timings

WHOSE = ("deconvgen", "Flax")
Told = dict[str, float]  # of one process, see `stepping.py`


def called(options: argparse.Namespace, cache: Path, *words: str) -> Told:
    """What a process of those words tells; its compiled programs are in `cache`."""
    own = {
        "JAX_COMPILATION_CACHE_DIR": str(cache),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
    }
    toy = ["--toy"] if options.toy else []
    command = [sys.executable, str(HERE / "stepping.py"), "--plain", *words, *toy]
    command += [f"--batch={options.batch}", f"--since={time.monotonic()}"]
    done = subprocess.run(command, env=os.environ | own, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def in_turns(
    names: list[str], turns: int, call: Callable[[str, int], Told]
) -> dict[str, list[Told]]:
    """`call(name, turn)` of each, each turn beginning with the next of them."""
    found: dict[str, list[Told]] = {name: [] for name in names}
    for turn in range(turns):
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            found[name].append(call(name, turn))
    return found


def timings(found: dict[str, list[Told]], what: str) -> Timings:
    """Of one of the things that the processes told."""
    return Timings({name: [t[what] for t in told] for name, told in found.items()})


def start(sheet: record.Sheet, options: argparse.Namespace, place: Path) -> None:
    """To the first step, compiled anew and found."""
    anew, kept = ", compiled anew", ", found in the cache"
    net = "demo" if options.part == "demo" else "step"
    for who in WHOSE:
        called(options, place / who, f"--who={who}", f"--net={net}")

    def call(name: str, turn: int) -> Told:
        who = name.partition(",")[0]
        fresh = f"{who}-{turn}" if name.endswith(anew) else who
        return called(options, place / fresh, f"--who={who}", f"--net={net}")

    names = [who + way for way in (kept, anew) for who in WHOSE]
    if theirs.torch and net == "step":
        names.append("PyTorch, eager")
    elif net == "step":
        sheet.note("PyTorch is left out: it is not installed.")
    times = timings(in_turns(names, options.turns, call), "first")
    ours = f"deconvgen{kept}"
    ratio = lambda name: times.faster(ours, name) if name != ours else ""
    rows = [[name, Spread.of(times.turns[name]), ratio(name)] for name in names]
    sheet.table(["process", "seconds to its first step", f"times {ours}"], rows)


def settings(sheet: record.Sheet, options: argparse.Namespace, place: Path) -> None:
    """A step by what is set."""

    def call(name: str, turn: int) -> Told:
        words = ("--who=deconvgen", f"--set={name}", f"--steps={options.steps}")
        return called(options, place, *words)

    found = in_turns([*SET], options.turns, call)
    times, faults = timings(found, "step"), timings(found, "faults")
    ratio = lambda name: times.faster(name, "nothing") if name != "nothing" else ""
    paid = lambda name: (times.milliseconds(name), Spread.of(faults.turns[name]))
    rows = [[name, *paid(name), ratio(name)] for name in SET]
    head = ["set", "ms a step", "page faults a step", "faster than with nothing by"]
    sheet.table(head, rows)


PARTS: dict[str, tuple[Any, str, str]] = {
    "start": (start, "From the start of a process to its first step of DCGAN-64", ""),
    "demo": (start, "From the start of a process to the first step of dcgan:demo", ""),
    "set": (
        settings,
        "A step of DCGAN-64 by what is set for JAX",
        "`nothing`: a program that only imports the library; `both`: the `deconvgen` "
        "command, and who calls `deconvgen.configure()`.",
    ),
}


def main() -> None:
    """Time and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--part", default="start", choices=PARTS)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--steps", type=int, default=12, help="of a process, for set")
    parser.add_argument("--toy", action="store_true", help="a tiny network")
    record.argument(parser)
    options = parser.parse_args()
    measure, title, about = PARTS[options.part]
    own = record.scripts("process", "stepping", "train_step", "theirs")
    sheet = record.Sheet(
        f"process.{options.part}.b{options.batch}",
        f"{title}, batch {options.batch}",
        (*record.STEP, *own),
        about,
    )
    with record.kept(options, sheet), tempfile.TemporaryDirectory() as place:
        measure(sheet, options, Path(place))


if __name__ == "__main__":
    main()
