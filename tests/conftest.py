"""Shape annotations are checked while the tests run; they are free in production."""

import atexit
import gc
import os
import shutil
import tempfile
import zlib
from collections import Counter, defaultdict
from typing import runtime_checkable

# Before JAX starts: equal programs are compiled once a session, by subprocesses too
# (and by pytest-xdist's workers, which have this process's environment).
# Tiny models take longer to compile than to run, so XLA shall not optimize much, and
# take its older way of fusing, which compiles in half the time.
if "PYTEST_XDIST_WORKER" not in os.environ:
    _quick = "--xla_backend_extra_options=xla_cpu_disable_new_fusion_emitters=true"
    _compiled = tempfile.mkdtemp(prefix="deconvgen-compiled-")
    atexit.register(shutil.rmtree, _compiled, ignore_errors=True)
    os.environ |= {
        "DECONVGEN_CACHE": _compiled,
        "JAX_COMPILATION_CACHE_DIR": _compiled,
        "JAX_DISABLE_MOST_OPTIMIZATIONS": "1",
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
        "OPENBLAS_NUM_THREADS": "1",  # its threads spin, for others' cores too
        "XLA_FLAGS": f"{os.environ.get('XLA_FLAGS', '')} {_quick}".strip(),
    }

import pytest
from flax.linen.linear import PromoteDtypeFn
from jaxtyping import install_import_hook

# A field of Flax's convolutions has this protocol, which the checker asks isinstance.
runtime_checkable(PromoteDtypeFn)

install_import_hook("deconvgen", "beartype.beartype")


MANY = 4


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Of a test with many cases, in a folder, a sixth runs always, all with the slow.

    Which ones, their names decide: the same everywhere, and others for other layers.
    Files of few tests come first: theirs take long, and no worker shall wait for one.
    """
    cases, files = defaultdict(list), Counter()
    for item in items:
        file, _, rest = item.nodeid.partition("::")
        files[file] += 1
        if file.count("/") > 1:
            cases[file, rest.partition("[")[0]].append(item)
    for same in cases.values():
        same.sort(key=lambda item: zlib.crc32(item.nodeid.encode()))
        for item in same[-(-len(same) // 6) :] if len(same) >= MANY else ():
            item.add_marker("slow")
    items.sort(key=lambda item: files[item.nodeid.partition("::")[0]])


def pytest_collection_finish():
    """What is imported by now stays: it need not be searched for garbage each time."""
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """An experiment file that trains in seconds."""
    from tests.sweeps import FILE  # which imports the package, and the hook is first

    path = tmp_path_factory.mktemp("experiment") / "mine.py"
    path.write_text(FILE)
    return path


@pytest.fixture(scope="module", autouse=True)
def caches():
    """Gone after each file: programs of a whole session take gigabytes."""
    yield
    import jax

    jax.clear_caches()
