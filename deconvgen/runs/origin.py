"""Where a run's numbers come from: revision of the code, versions, device.

`origin.json` of a run folder lists them, once for each time they were others when
training went on.
"""

import hashlib
import platform
import re
import subprocess
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import Any

import jax

from deconvgen.config import HERE
from deconvgen.core import files
from deconvgen.runs import code

NAME = "origin.json"
ROOMS = ("deconvgen", "configs")
PACKAGES = ("jax", "flax", "optax", "numpy")


@lru_cache(maxsize=1)
def revision() -> str:
    """The commit of the checkout, with + where files differ; else the version."""
    try:
        version = metadata.version("deconvgen")
    except metadata.PackageNotFoundError:  # a checkout on the path
        version = "unknown"

    def git(*words: str) -> str:
        command = ["git", "-C", str(HERE), *words]
        done = subprocess.run(command, capture_output=True, text=True, timeout=20)
        return done.stdout.strip() if done.returncode == 0 else ""

    try:
        root = git("rev-parse", "--show-toplevel")
        if not root or Path(root).resolve() != HERE.parent.resolve():
            return version
        tree = git("ls-tree", "-r", "--full-tree", "HEAD", "--", *ROOMS)
        return git("rev-parse", "--short=12", "HEAD") + "+" * (not same(tree))
    except (OSError, subprocess.SubprocessError):
        return version


def same(tree: str) -> bool:
    """Whether the files are those that `git ls-tree -r` lists, by what is in them.

    `git status` goes by sizes and dates where it can, which a copied checkout may have
    of another revision.
    """
    root, listed = HERE.parent, {}
    for line in tree.splitlines():
        about, _, name = line.partition("\t")
        listed[name] = about.split()[2]
    found = {
        path.relative_to(root).as_posix()
        for room in ROOMS
        for path in (root / room).rglob("*.py")
    }
    return found <= listed.keys() and all(
        (root / name).is_file() and _blob((root / name).read_bytes()) == blob
        for name, blob in listed.items()
    )


def _blob(content: bytes) -> str:
    """The name that git gives to a file of this content."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


@lru_cache(maxsize=1)
def processor() -> str:
    """What the CPU calls itself."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(x.split(":", 1)[1].strip() for x in lines if x[:10] == "model name")
    except (OSError, StopIteration, IndexError):
        return platform.processor() or platform.machine()


def origin() -> dict[str, str]:
    """Of what is computed now, by this process."""
    first = jax.devices()[0]
    device = processor() if first.platform == "cpu" else first.device_kind
    number = jax.device_count()
    versions = [f"python {platform.python_version()}"]
    versions += [f"{name} {metadata.version(name)}" for name in PACKAGES]
    made = {
        "revision": revision(),
        "device": f"{number} x {device}" if number > 1 else device,
        "versions": ", ".join(versions),
    }
    plain = re.fullmatch("[0-9a-f]{12}", made["revision"])  # git knows its code
    return made if plain else made | {"code": code.digest()}


def note(workdir: Path) -> None:
    """Write into a run folder where its next numbers come from."""
    known, now = read(workdir), origin()
    if not known or known[-1] != now:
        files.write_json(workdir / NAME, {"origins": [*known, now]}, indent=2)


def read(workdir: Path) -> list[dict[str, Any]]:
    """What is noted in a run folder, oldest first; older runs say nothing."""
    try:
        return list(files.read_json(workdir / NAME).get("origins", []))
    except (FileNotFoundError, files.Damaged):
        return []
