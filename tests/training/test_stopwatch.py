"""Seconds by phase: the inner phase's are its own, and compiling is told apart."""

import time

import jax
import jax.numpy as jnp
import pytest

from deconvgen.sweep import spending
from deconvgen.training.stopwatch import PHASES, Stopwatch


def test_phases_add_up_to_the_whole_and_compiling_is_none_of_them():
    watch, began = Stopwatch(), time.perf_counter()
    with watch.listening(), watch.during("starting"):
        with watch.during("training"):
            jax.jit(lambda x: jnp.sin(x) @ jnp.cos(x.T) + jnp.linalg.inv(x))(jnp.eye(7))
            time.sleep(0.05)
        time.sleep(0.02)
    whole = time.perf_counter() - began
    jax.jit(lambda x: jnp.tan(x) + 1)(1.0)  # after it has listened
    seconds = watch.seconds
    assert sum(seconds.values()) == pytest.approx(whole, rel=0.02, abs=1e-3)
    assert seconds["training"] >= 0.05 and seconds["starting"] >= 0.02
    assert 0 < seconds["compiling"] < whole - 0.07 and not seconds["saving"]


def test_a_function_traced_inside_another_counts_once(monkeypatch):
    """An outer event of 3 s that ends with the inner ones of 1 s and 1 s."""
    watch, now = Stopwatch(), [0.0]
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])
    for at, seconds in ((1.5, 1.0), (2.9, 1.0), (3.0, 3.0), (5.0, 1.0)):
        now[0] = at
        watch.compiled(seconds)
    assert watch.seconds["compiling"] == pytest.approx(4.0)


def test_what_runs_spent_is_told_in_order():
    watch = Stopwatch()
    watch.seconds |= {"training": 6.0, "compiling": 3.0, "saving": 1.0}
    watch.compilations = 4
    shares = [spending.of({"spent": watch.share(2)}) for _ in range(2)]
    text = spending.told(spending.total([*shares, spending.of({})]))
    assert text.startswith("training 60 %, compiling 30 %, saving 10 %, ")
    assert text.endswith("of 10 s; 4 programs compiled")
    assert spending.told({}) == "" and set(PHASES) <= {*shares[0]}
