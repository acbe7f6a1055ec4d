"""All that is to be known of one GPU, in one command of some eight minutes.

    python benchmarks/gpu.py [--wheels=DIR] [--out=DIR] [--seconds=450] [--only=A,B]
    python benchmarks/gpu.py --toy     # every part at a tiny size, on a CPU

Writes RESULTS-gpu.md and RESULTS-gpu.json into the folder `--out` (this one, by
default) and keeps them up to date while it goes, so that one that was cut off leaves
what it had; parts of an earlier run that `--only` leaves out stay, with their date.
Every part is a process of its own: it gives the GPU's memory back, and one that hangs
is ended at its deadline. Seconds that a part leaves go to those behind it. What is
missing (PyTorch, say) is left out, and the page says so. Packages that are missing are
installed into a temporary folder: the wheels of `--wheels`, without an index, else
from where pip finds them.
"""

import argparse
import contextlib
import importlib
import importlib.util
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

from on_gpu.record import Record, lines, page  # noqa: E402

PARTS = {  # name: (title, seconds of 450), in the order of what is most wanted
    "device": ("The device and the versions", 35),
    "populations": ("Populations: many members of dcgan:demo at once", 110),
    "steps": ("The DCGAN-64 train step", 120),
    "scan": ("K steps in one call", 25),
    "layers": ("The ladder of layers, forward and backward", 35),
    "forms": ("The forms of the convolutions", 45),
    "sampling": ("Sampling", 25),
    "resume": ("Bitwise resume, determinism, pmap, and the CPU's figures", 55),
}
NEEDED = {
    "absl": "absl-py",
    "array_record": "array-record",
    "grain": "grain",
    "jaxtyping": "jaxtyping",
    "ml_collections": "ml-collections",
    "rich": "rich",
    "tensorflow_datasets": "tensorflow-datasets",
}
"""Imports beside those of JAX and Flax, and who brings them."""


def missing() -> list[str]:
    """The distributions that are not installed."""
    return [dist for name, dist in NEEDED.items() if not importlib.util.find_spec(name)]


def install(wheels: str) -> str:
    """Bring what is missing; says how that went."""
    wanted = missing()
    if not wanted:
        return "nothing had to be installed"
    site = tempfile.mkdtemp(prefix="site-")
    command = [sys.executable, "-m", "pip", "install", "-q", "--target", site]
    files = sorted(map(str, Path(wheels).glob("*.whl"))) if wheels else []
    if wheels:
        command += ["--no-index", "--no-deps", "--no-compile", *files]
    else:
        command += wanted
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=90)
        trouble = done.stderr[-600:] if done.returncode else ""
    except (subprocess.TimeoutExpired, OSError) as error:
        trouble = str(error)
    if wheels and trouble:  # pip takes all or none; most of them are plain Python
        for file in files:
            with zipfile.ZipFile(file) as packed:
                packed.extractall(site)
    sys.path.append(site)  # behind what is there already
    os.environ["PYTHONPATH"] = os.pathsep.join(
        filter(None, [os.environ.get("PYTHONPATH"), site])
    )
    importlib.invalidate_caches()
    lacking = missing()
    text = f"installed for {', '.join(wanted)}"
    text += f"; still missing: {', '.join(lacking)}" if lacking else ""
    return text + (f"; pip said: {trouble}" if trouble else "")


def environment(toy: bool) -> dict[str, str]:
    """Of the parts: the memory is asked for piece by piece, PyTorch wants some too."""
    own = {
        "PYTHONPATH": os.pathsep.join(
            filter(None, [str(HERE.parent), str(HERE), os.environ.get("PYTHONPATH")])
        ),
        "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
        "TF_CPP_MIN_LOG_LEVEL": "2",
        "PYTHONUNBUFFERED": "1",
    }
    quick = "--xla_backend_optimization_level=0"  # to compile, not to run
    small = {"JAX_PLATFORMS": "cpu", "XLA_FLAGS": quick} if toy else {}
    return os.environ | own | small


def kept(out: Path) -> dict[str, dict]:
    """The parts of an earlier run in that folder: those that are not run again stay."""
    path = out / "RESULTS-gpu.json"
    return json.loads(path.read_text()) if path.exists() else {}


def now() -> str:
    """The minute, and the revision of the code."""
    from deconvgen.runs.origin import revision

    return f"{time.strftime('%Y-%m-%d %H:%M')}, revision {revision()}"


class Page:
    """The two files, made anew whenever something is to be added."""

    def __init__(self, out: Path, began: float, head: list[str]):
        self.out, self.began, self.head = out, began, head
        self.parts = kept(out)

    def write(self) -> None:
        """Both files."""
        spent = time.monotonic() - self.began
        top = ["# One GPU: what `python benchmarks/gpu.py` found", *self.head]
        top.append(f"{spent:.0f} s so far, {time.strftime('%Y-%m-%d %H:%M')}.")
        parts = {name: self.parts[name] for name in PARTS if name in self.parts}
        text = "\n\n".join([*top, page(parts)])
        for name, content in (
            ("RESULTS-gpu.md", text),
            ("RESULTS-gpu.json", json.dumps(parts, indent=1)),
        ):
            temporary = self.out / f".{name}"
            temporary.write_text(content)
            temporary.rename(self.out / name)


def run(name: str, seconds: float, sheet: Page, toy: bool, folder: Path) -> None:
    """One part in a process of its own, its lines brought to the page as they come."""
    path, output = folder / f"{name}.jsonl", folder / f"{name}.log"
    title, _ = PARTS[name]
    part = {"title": title, "state": "running", "when": now(), "lines": []}
    sheet.parts[name] = part
    command = [sys.executable, __file__, f"--part={name}", f"--out={folder}"]
    command += [f"--seconds={seconds}", *(["--toy"] if toy else [])]
    began = time.monotonic()
    with output.open("w") as file:
        process = subprocess.Popen(
            command,
            stdout=file,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            env=environment(toy),
            start_new_session=True,
        )
        try:
            seen = -1
            while process.poll() is None and time.monotonic() - began < seconds + 2:
                time.sleep(0.2)
                if path.exists() and path.stat().st_size != seen:
                    seen = path.stat().st_size
                    part["lines"] = lines(path)
                    sheet.write()
        finally:  # its children too: compilers, trainers
            if process.poll() is None:
                part["state"] = "ended at its deadline"
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    spent = time.monotonic() - began
    part["lines"] = lines(path)
    if part["state"] == "running":
        code = process.returncode
        part["state"] = "done" if code == 0 else f"ended with exit status {code}"
        if code:
            part["output"] = output.read_text(errors="replace")[-3000:]
    part["state"] += f", {spent:.0f} of {seconds:.0f} s"
    sheet.write()
    print(f"{name}: {part['state']}", flush=True)


def part(name: str, record: Record) -> None:
    """Inside the part's process."""
    with record.trying(f"the part {name}"):
        importlib.import_module(f"on_gpu.{name}").main(record)


def main() -> int:
    """Install, run the parts, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--wheels", default="", help="folder of wheels to install from")
    parser.add_argument("--out", type=Path, default=HERE)
    parser.add_argument("--seconds", type=float, default=450)
    parser.add_argument("--only", default="", help="parts, with commas")
    parser.add_argument("--toy", action="store_true", help="tiny, on a CPU")
    parser.add_argument("--part", choices=PARTS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.part:
        path = options.out / f"{options.part}.jsonl"
        part(options.part, Record(path, options.seconds, options.toy))
        return 0
    began = time.monotonic()
    options.out.mkdir(parents=True, exist_ok=True)
    wanted = [n for n in options.only.split(",") if n] or list(PARTS)
    if unknown := set(wanted) - set(PARTS):
        parser.error(f"no part {', '.join(unknown)}; there are {', '.join(PARTS)}")
    installed = install(options.wheels)
    sheet = Page(options.out, began, [f"Command: `{' '.join(sys.argv)}`; {installed}."])
    sheet.write()
    names = [name for name in PARTS if name in wanted or name == "device"]
    shares = sum(PARTS[name][1] for name in names)
    with tempfile.TemporaryDirectory(prefix="gpu-") as folder:
        for place, name in enumerate(names):
            left = options.seconds - (time.monotonic() - began)
            later = sum(PARTS[n][1] for n in names[place + 1 :])
            limit = left - later * options.seconds / max(shares, 450)
            run(name, max(limit, 5), sheet, options.toy, Path(folder))
            rows = [line.get("cells", {}) for line in sheet.parts["device"]["lines"]]
            found = next((r["is"] for r in rows if r.get("what") == "platform"), "")
            if found in ("", "cpu") and not options.toy:
                print(f"no GPU for JAX (platform {found!r}); try --toy")
                return 1
    print(f"written: {options.out / 'RESULTS-gpu.md'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
