"""Install each extra alone in a fresh environment, then all together, and import what
they bring.

    python tools/extras.py [--together | --oldest] [EXTRA ...]

By default every extra that fits any machine (`SKIPPED` are not), each on top of one
environment that has the package alone; with `--together` those named in one. With
`--oldest` the package alone, with the oldest version that pyproject.toml allows of each
thing it needs, which trains, evaluates, draws and audits. Prints a line each and exits
with 1 where one fails. Takes minutes, and the network.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
import venv
from pathlib import Path

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
SKIPPED = ("cuda", "tpu", "fid", "bench", "prepare")  # hardware, PyTorch, TensorFlow
CHECK = """
import importlib, importlib.metadata, re, sys
import deconvgen.cli.main
plain = lambda name: re.sub("[-_.]+", "-", name).lower()
found = importlib.metadata.packages_distributions()
for wanted in sys.argv[1:]:
    names = [m for m, d in found.items() if plain(wanted) in map(plain, d)]
    names = [m for m in names if m.isidentifier() and not m.startswith("_")]
    assert names, f"{wanted} brings no module"
    for name in names:
        importlib.import_module(name)
    print(wanted, importlib.metadata.version(wanted), end="; ")
"""


def required(extra: str) -> list[str]:
    """The names of the packages of an extra, those of extras in it among them."""
    names = []
    for line in EXTRAS[extra]:
        name, _, inner = re.split(r"[<>=!~; ]", line)[0].partition("[")
        if name == "deconvgen":
            inner = inner.rstrip("]").split(",")
            names += [n for each in inner for n in required(each)]
        else:
            names.append(name)
    return names


def oldest() -> list[str]:
    """What the package needs, each pinned to the oldest version that will do."""
    return [re.sub(r">=([\w.]+).*", r"==\1", line) for line in PROJECT["dependencies"]]


def environment(folder: Path, base: Path | None = None) -> Path:
    """A fresh one, which sees the packages of `base`; returns its Python."""
    venv.create(folder, with_pip=True)
    if base is not None:
        site = next((folder / "lib").glob("python*/site-packages"))
        shown = next((base / "lib").glob("python*/site-packages"))
        (site / "base.pth").write_text(f"{shown}\n")
    return folder / "bin" / "python"


def works(python: Path, wanted: list[str], *commands: list[str]) -> str:
    """What is wrong with what is wanted of pip in an environment, or ""."""
    pip = ["-m", "pip"]
    installs = ([*pip, "install", "--quiet", *wanted], [*pip, "check"])
    said = ""
    for words in (*installs, *commands):
        done = subprocess.run(
            [python, *words],
            cwd=python.parents[1],
            env={k: v for k, v in os.environ.items() if k != "PYTHONPATH"},
            capture_output=True,
            text=True,
        )
        if done.returncode:
            lines = (done.stderr or done.stdout).strip().splitlines()
            return lines[-1] if lines else f"exit code {done.returncode}"
        said = done.stdout.strip()
    print("  " + (said.strip().rstrip("; ") or "nothing else"))
    return ""


def install(python: Path, extras: list[str]) -> str:
    """What is wrong with the package and these extras in an environment, or ""."""
    package = f"{ROOT}[{','.join(extras)}]" if extras else str(ROOT)
    names = [name for extra in extras for name in required(extra)]
    return works(python, [package], ["-c", CHECK, *names])


def old() -> int:
    """Try the oldest versions; returns how many tries fail: 0 or 1."""
    command = ["-m", "deconvgen.cli"]
    commands = [
        [*command, "train", "--config=dcgan:smoke", "--workdir=run"],
        [*command, "evaluate", "--workdir=run"],
        [*command, "sample", "--workdir=run", "--num=16"],
        [*command, "audit", "--upsampler=conv_transpose", "--out=audit"],
        ["-c", CHECK, *(re.split("[=]", line)[0] for line in oldest())],
    ]
    with tempfile.TemporaryDirectory(prefix="oldest-") as folder:
        python = environment(Path(folder))
        wrong = works(python, [str(ROOT), *oldest()], *commands)
    print(f"the oldest versions\n  {'FAILS: ' + wrong if wrong else 'work'}")
    return bool(wrong)


def main(words: list[str]) -> int:
    """Try the extras that are named; returns how many fail."""
    if words == ["--oldest"]:
        return old()
    named = [word for word in words if word != "--together"]
    named = named or [extra for extra in EXTRAS if extra not in SKIPPED]
    sets = [] if "--together" in words else [[extra] for extra in named]
    folder, failed = Path(tempfile.mkdtemp(prefix="extras-")), 0
    try:
        base = folder / "base"
        for extras in [[], *sets, named]:
            name = "+".join(extras) or "the package alone"
            print(name, flush=True)
            place = base if not extras else folder / name
            wrong = install(environment(place, base if extras else None), extras)
            failed += bool(wrong)
            print(f"  FAILS: {wrong}" if wrong else "  works", flush=True)
            if extras:
                shutil.rmtree(place)
    finally:
        shutil.rmtree(folder)
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]) > 0)
