"""What helps JAX on a CPU and has to be set before JAX starts.

`prepare()` sets what the environment does not set already:

    compiled programs  kept in the user's cache folder, found there by the next run
    memory             kept by the process instead of given back after every step,
                       whose page faults cost a tenth of the step and more
    convolutions       run by Eigen, where XLA would give them to YNNPACK

Everything but the first is for the CPU alone. What a compiled program computes does
not depend on whether it came from the cache; it does depend on who runs the
convolutions (by rounding), so a run goes on with the setting it began with.
"""

import ctypes
import hashlib
import importlib.util
import mmap
import os
import platform
import resource
import sys
import time
import warnings
from contextlib import suppress
from importlib.metadata import entry_points
from pathlib import Path

FLAG = "xla_cpu_experimental_ynn_fusion_type"
UNUSED_DAYS = 30  # after which a compiled program is deleted


def prepare() -> None:
    """Set up the process; to be called before JAX is imported, else without effect."""
    if "jax" in sys.modules:
        return
    keep_compiled_programs()
    if on_cpu_only():
        keep_memory()
        convolve_by_eigen()


def configure() -> None:
    """The command line's settings of JAX, for a program that only imports deconvgen.

    A cache of compiled programs, memory that is kept, convolutions by Eigen: on a CPU
    a training step takes a tenth less, and a second start finds its programs. To be
    called before JAX is imported; warns where that comes too late. What the
    environment sets already stays (`XLA_FLAGS`, `JAX_COMPILATION_CACHE_DIR`, ...).

    >>> import deconvgen
    >>> deconvgen.configure()  # doctest: +SKIP
    """
    if "jax" in sys.modules:
        warnings.warn(
            "deconvgen.configure() comes too late and sets nothing: call it before "
            "JAX is imported, right after `import deconvgen`",
            RuntimeWarning,
            stacklevel=2,
        )
    prepare()


def on_cpu_only() -> bool:
    """Whether JAX will find no other device (told without importing it)."""
    asked = os.environ.get("JAX_PLATFORMS", "")
    if asked:
        return asked == "cpu"
    return not entry_points(group="jax_plugins") and not _installed("libtpu")


def cpus() -> int:
    """The CPU cores that this process may use."""
    known = hasattr(os, "sched_getaffinity")
    return len(os.sched_getaffinity(0)) if known else os.cpu_count() or 1


def allow_files() -> None:
    """Let the process have as many files open as it may: runs in training have many."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def keep_compiled_programs() -> Path | None:
    """The persistent compilation cache; None where there can be none.

    The folder is `DECONVGEN_CACHE`, or `deconvgen` in the user's cache folder, and
    in it one for each kind of processor, whose instructions the programs use.
    """
    if "JAX_COMPILATION_CACHE_DIR" in os.environ:
        return None
    try:
        home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        home = Path(os.environ.get("DECONVGEN_CACHE") or Path(home) / "deconvgen")
        folder = home / "compiled" / _processor()
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK):
            return None
        _delete_unused(folder)
    except (OSError, RuntimeError):  # RuntimeError: no home
        return None
    os.environ["JAX_COMPILATION_CACHE_DIR"] = str(folder)
    os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
    os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "-1")
    return folder


def keep_memory() -> bool:
    """Tell glibc's malloc to keep what was freed; False where that is not its place.

    One arena (M_ARENA_MAX), no mapping of large blocks (M_MMAP_MAX), no trimming
    (M_TRIM_THRESHOLD): see mallopt(3).
    """
    set_already = any(
        name.startswith("MALLOC_") or name in ("LD_PRELOAD", "GLIBC_TUNABLES")
        for name in os.environ
    )
    if set_already or platform.libc_ver()[0] != "glibc":
        return False
    mallopt = ctypes.CDLL(None).mallopt
    return all([mallopt(-8, 1), mallopt(-4, 0), mallopt(-1, -1)])


def convolve_by_eigen() -> bool:
    """Take single convolutions from YNNPACK, if this XLA knows the flag for it.

    XLA ends the process at a flag it does not know, so its library is searched for
    the names first, which takes some hundredths of a second.
    """
    flags = os.environ.get("XLA_FLAGS", "")
    if FLAG in flags or not _xla_knows(FLAG, "INDIVIDUAL_CONVOLUTION"):
        return False
    os.environ["XLA_FLAGS"] = f"{flags} --{FLAG}=-individual_convolution".strip()
    return True


def _installed(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


def _processor() -> str:
    """A name for what this processor can do."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        kind = next(line for line in lines if line.startswith(("flags", "Features")))
    except (OSError, StopIteration):
        kind = platform.processor()
    digest = hashlib.sha256(kind.encode()).hexdigest()[:8]
    return f"{platform.machine()}-{digest}"


def _delete_unused(folder: Path) -> None:
    oldest = time.time() - UNUSED_DAYS * 24 * 3600
    for entry in os.scandir(folder):
        stat = entry.stat()
        if entry.is_file() and max(stat.st_atime, stat.st_mtime) < oldest:
            Path(entry.path).unlink(missing_ok=True)


def _xla_knows(*names: str) -> bool:
    spec = importlib.util.find_spec("jaxlib")
    if spec is None or not spec.origin:
        return False
    for library in Path(spec.origin).parent.glob("libjax*.so"):
        with (
            library.open("rb") as file,
            mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as code,
        ):
            if all(code.find(name.encode()) >= 0 for name in names):
                return True
    return False
