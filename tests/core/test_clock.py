"""Times of calls, and the rate that a moment is told by."""

import jax.numpy as jnp

from deconvgen.core import clock


def test_the_median_turn_counts_and_short_calls_are_repeated(monkeypatch):
    now, calls = [0.0], []

    def call():
        calls.append(1)
        now[0] += 5.0 if len(calls) in (1, 4) else 0.002  # the first one compiles
        return jnp.zeros(1)

    monkeypatch.setattr(clock.time, "perf_counter", lambda: now[0])
    assert abs(clock.milliseconds(call, turns=3, least=0.0055) - 2) < 1e-6
    assert len(calls) == 2 + 3 * 3


def test_the_rate_of_products_is_that_of_their_time(monkeypatch):
    monkeypatch.setattr(clock, "milliseconds", lambda call: call().size * 0 + 2.0)
    assert clock.gemm_gflops(100) == 2 * 100**3 / 2e6
    monkeypatch.undo()
    assert 0.01 < clock.gemm_gflops(64) < 1e6
