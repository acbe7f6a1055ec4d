"""What a benchmark found, kept in a file: on which machine, by which code, how spread.

`python benchmarks/NAME.py --record` writes `records/NAME....json`, from which
`results.py` writes RESULTS.md. A benchmark names what its figures depend on, files and
folders of this repository; their digest tells later whether they still are what they
were (`deconvgen.runs.code`: comments, docstrings and layout do not count).
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import Any

from tables import Cell, Spread, table
from timing import gemm_probe, interleave

from deconvgen import config
from deconvgen.core import files, runtime
from deconvgen.runs import code, origin

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
RECORDS = HERE / "records"
LAYERS = ("deconvgen/core", "deconvgen/ops", "deconvgen/nn")
"""What a layer's speed depends on."""
CONFIGS = ("config=dcgan:64", "config=dcgan:demo")
"""The configs that are timed: what they say counts, not what else is in their files."""
STEP = (
    *LAYERS,
    *(f"deconvgen/{room}" for room in ("config", "losses", "models", "tasks")),
    "deconvgen/training",
    *CONFIGS,
)
"""What a train step's speed depends on."""
RUN = (*(f"deconvgen/{room}" for room in code.ROOMS), *CONFIGS)
"""What the speed of a run's commands depends on."""
PACKAGES = ("jax", "jaxlib", "flax", "numpy")
VECTORS = ("avx", "avx2", "fma", "avx512f", "avx512_bf16", "amx_bf16", "asimd", "sve")


@dataclass
class Sheet:
    """Tables and sentences, printed as they are found."""

    name: str  # of the file
    title: str
    depends: Sequence[str]  # files and folders, from the root; config=NAME
    about: str = ""  # what was done, in a sentence or two
    tables: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def table(
        self, head: Sequence[str], rows: Sequence[Sequence[Cell]], title: str = ""
    ) -> None:
        """A table more; a `Spread` in it is kept as such."""
        kept = [list(row) for row in rows]
        self.tables.append({"title": title, "head": list(head), "rows": kept})
        print(f"{title}\n\n" * bool(title) + table(head, rows) + "\n", flush=True)

    def note(self, text: str) -> None:
        """A sentence under the tables."""
        self.notes.append(text)
        print(text, flush=True)


def scripts(*names: str) -> tuple[str, ...]:
    """The files of those benchmarks, and what times them."""
    return tuple(f"benchmarks/{name}.py" for name in (*names, "timing"))


def argument(parser: argparse.ArgumentParser) -> None:
    """The option `--record`."""
    told = "keep what is found: in benchmarks/records/, or in FOLDER"
    parser.add_argument("--record", nargs="?", const="", metavar="FOLDER", help=told)


@contextmanager
def kept(options: argparse.Namespace, sheet: Sheet) -> Iterator[Sheet]:
    """The sheet, written at the end where `--record` asks for it.

    A toy is not for the records of this repository.
    """
    if options.record is None:
        yield sheet
        return
    if not options.record and getattr(options, "toy", False):
        raise SystemExit("--toy times nothing worth a record: give --record=FOLDER")
    began, before = time.time(), others()
    rates = probed()
    yield sheet
    rates += probed()
    seconds = time.time() - began
    share = (others() - before) / seconds / (os.cpu_count() or 1)
    made = {
        **asdict(sheet),
        "command": command(options.record),
        "date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(began)),
        "seconds": round(seconds),
        "machine": machine() | {"others": share, "gemm": asdict(Spread.of(rates))},
        "versions": versions(),
        "revision": revision(sheet.depends),
        "code": digest(tuple(sheet.depends)),
    }
    path = Path(options.record or RECORDS) / f"{sheet.name}.json"
    files.write_json(path, made, indent=1)
    print(f"recorded: {path}; next: python benchmarks/results.py")


def read(path: Path) -> dict[str, Any]:
    """A record, with its spreads."""

    def spread(found: dict[str, Any]) -> Any:
        return Spread(**found) if found.keys() == {"median", "low", "high"} else found

    return json.loads(path.read_text("utf-8"), object_hook=spread)


def command(place: str) -> str:
    """The words of this process, less the place of the record."""
    words = [w for w in sys.argv[1:] if w != place and not w.startswith("--record")]
    name = f"benchmarks/{Path(sys.argv[0]).name}"
    return " ".join(["python", name, *words, "--record"])


def machine() -> dict[str, Any]:
    """Of the CPU: its name, the cores that are ours, its vector instructions."""
    import jax

    text = Path("/proc/cpuinfo")
    known = text.read_text().split() if text.exists() else []
    device = jax.devices()[0]
    accelerator = {} if device.platform == "cpu" else {"device": device.device_kind}
    return {
        "processor": origin.processor(),
        "cores": runtime.cpus(),
        "vectors": [name for name in VECTORS if name in known],
        **accelerator,
    }


def others() -> float:
    """CPU seconds that this machine has given to others than us and our children.

    0 where the system does not tell.
    """
    text = Path("/proc/stat")
    if not text.exists():
        return 0.0
    ticks = [int(each) for each in text.read_text().split("\n", 1)[0].split()[1:9]]
    busy = sum(ticks[:3]) + sum(ticks[5:])  # less idle, and waiting for disks
    return busy / os.sysconf("SC_CLK_TCK") - sum(os.times()[:4])


def versions() -> dict[str, str]:
    """Of Python and the packages that count; PyTorch's where it was used."""
    used = (*PACKAGES, *(["torch"] if "torch" in sys.modules else []))
    return {
        "Python": platform.python_version(),
        **{name: metadata.version(name) for name in used},
    }


def probed(turns: int = 5) -> list[float]:
    """GFLOP/s of a large matrix product now, turn by turn."""
    probe, gflop = gemm_probe()
    seconds = interleave({"GEMM": probe}, turns).turns["GEMM"]
    return [gflop / each for each in seconds]


def spec(name: str) -> str:
    """The config that an entry `config=NAME` stands for; empty for a file or folder."""
    return name.partition("config=")[2]


def revision(depends: Sequence[str]) -> str:
    """The commit, with + where those files differ from it; else the version."""
    found = origin.revision()
    places = {"configs" if spec(name) else name for name in depends}
    command = ["git", "-C", str(ROOT), "status", "--porcelain", "--", *places]
    done = subprocess.run(command, capture_output=True, text=True)
    return found.rstrip("+") + "+" if done.stdout else found


def digest(depends: Sequence[str]) -> str:
    """Of those files, folders and configs as they are now, in twelve digits."""
    found = {}
    for name in depends:
        if named := spec(name):
            values = config.load(named).to_dict()
            found[name] = json.dumps(values, sort_keys=True).encode()
            continue
        place = ROOT / name
        for path in [place] if place.is_file() else sorted(place.rglob("*")):
            if path.suffix in (".py", *code.BYTES):
                inside = path.relative_to(ROOT).as_posix()
                found[f"{inside}:"] = one(inside, path.read_bytes()).encode()
    return code.of(found)


@lru_cache(maxsize=1024)
def one(name: str, content: bytes) -> str:
    """Of one file."""
    return code.of({name: content})
