"""What is set before JAX starts, and that it changes no result."""

import os
import subprocess
import sys

import pytest

from deconvgen.core import runtime

PROGRAM = """
import hashlib
from deconvgen.core import runtime
runtime.prepare()
import jax, numpy as np
from deconvgen.ops.convolution.transposed import conv_transpose
x = np.random.default_rng(0).normal(size=(8, 16, 16, 32)).astype("float32")
w = np.random.default_rng(1).normal(size=(4, 4, 32, 16)).astype("float32")
step = jax.jit(jax.grad(lambda w, x: (conv_transpose(x, w, 2) ** 2).sum(), (0, 1)))
print(hashlib.sha256(b"".join(np.asarray(g).tobytes() for g in step(w, x))).hexdigest())
"""


@pytest.fixture
def bare(monkeypatch, tmp_path):
    for name in list(os.environ):
        if name.startswith(("JAX_", "XLA_", "MALLOC_", "DECONVGEN_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("DECONVGEN_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_a_cached_program_computes_the_same_bits(bare):
    digests = []
    for _ in range(2):
        ran = subprocess.run(
            [sys.executable, "-c", PROGRAM], capture_output=True, text=True
        )
        assert ran.returncode == 0, ran.stderr
        digests.append(ran.stdout)
    assert digests[0] == digests[1]
    assert list(bare.rglob("*-cache"))


def test_nothing_is_touched_once_jax_runs(bare):
    before = dict(os.environ)
    runtime.prepare()
    assert dict(os.environ) == before
    assert not bare.exists()


def test_a_program_of_ones_own_is_set_up_before_jax_and_told_where_it_is_not(bare):
    program = "import deconvgen, sys, os; deconvgen.configure(); "
    shown = "print('jax' in sys.modules, 'JAX_COMPILATION_CACHE_DIR' in os.environ)"
    command = [sys.executable, "-W", "error", "-c", program + shown]
    ran = subprocess.run(command, capture_output=True, text=True)
    assert ran.stdout.split() == ["False", "True"], ran.stderr
    with pytest.warns(RuntimeWarning, match="before JAX is imported"):
        runtime.configure()


def test_the_users_own_settings_stay(bare, monkeypatch):
    mine = {
        "JAX_COMPILATION_CACHE_DIR": "/mine",
        "XLA_FLAGS": f"--{runtime.FLAG}=-individual_dot",
        "MALLOC_ARENA_MAX": "2",
    }
    for name, value in mine.items():
        monkeypatch.setenv(name, value)
    assert runtime.keep_compiled_programs() is None
    assert not runtime.convolve_by_eigen()
    assert not runtime.keep_memory()
    assert {name: os.environ[name] for name in mine} == mine


def test_no_cache_where_there_is_no_room_for_one(bare, monkeypatch):
    bare.write_text("a file where the folder would be")
    assert runtime.keep_compiled_programs() is None
    assert "JAX_COMPILATION_CACHE_DIR" not in os.environ


def test_programs_that_nobody_uses_are_deleted(bare, monkeypatch):
    monkeypatch.setattr(os, "environ", dict(os.environ))
    folder = runtime.keep_compiled_programs()
    old, new = folder / "old-cache", folder / "new-cache"
    for file in (old, new):
        file.touch()
    os.utime(old, (0, 0))
    del os.environ["JAX_COMPILATION_CACHE_DIR"]
    runtime.keep_compiled_programs()
    assert new.exists() and not old.exists()


def test_a_flag_is_set_only_where_xla_knows_it(bare, monkeypatch):
    monkeypatch.setattr(runtime, "FLAG", "xla_cpu_no_such_flag")
    assert not runtime.convolve_by_eigen()
    assert "XLA_FLAGS" not in os.environ


@pytest.mark.parametrize("platforms, alone", [("cpu", True), ("cuda,cpu", False)])
def test_accelerators_are_left_alone(bare, monkeypatch, platforms, alone):
    monkeypatch.setenv("JAX_PLATFORMS", platforms)
    assert runtime.on_cpu_only() is alone
