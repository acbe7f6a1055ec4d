"""What a run costs, as it measures itself."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from deconvgen.training import cost


def touched(mib):
    return np.ones(mib * 2**17).sum()


def test_the_peak_of_a_run_is_not_that_of_an_earlier_one():
    touched(300)
    whole = cost.peak_memory()["peak_memory_mib"]
    before = cost.begin_peak()
    if before:
        pytest.skip("this system cannot forget a process's peak")
    touched(50)
    own = cost.peak_memory(before)["peak_memory_mib"]
    assert own < whole - 200
    touched(300)
    assert cost.peak_memory(before)["peak_memory_mib"] > own + 200


def test_a_peak_that_cannot_be_forgotten_is_told_only_where_it_is_higher(monkeypatch):
    monkeypatch.setattr(cost, "_on_device", lambda: 70.0)  # as on a GPU
    before = cost.begin_peak()
    assert before == 70.0 and cost.peak_memory(before) == {}
    monkeypatch.setattr(cost, "_on_device", lambda: 90.0)
    assert cost.peak_memory(before) == {"peak_memory_mib": 90.0}


@pytest.mark.parametrize("flatly", [True, False])
def test_what_a_device_does_not_count_the_cpu_does(flatly, monkeypatch):
    """As of a GPU: JAX's lowered programs are not counted behind a plugin."""

    def step(x, w):
        y = jax.lax.conv_general_dilated(x, w, (2, 2), "SAME")
        return jax.lax.scan(lambda y, _: (jnp.tanh(y), None), y, None, length=3)[0]

    shapes = [jax.ShapeDtypeStruct(s, "bfloat16") for s in ((2, 3, 8, 8), (5, 3, 3, 3))]
    lowered = jax.jit(step).lower(*shapes)
    known = cost.flops(lowered), cost.bytes_moved(lowered)
    assert known[0] > 2 * 2 * 5 * 3 * 4 * 4 and known[1] > 0

    def refuses(self):
        raise NotImplementedError

    owner = type(lowered._lowering if flatly else lowered)
    answer = refuses if flatly else lambda self: None
    monkeypatch.setattr(owner, "cost_analysis", answer)
    assert (cost.flops(lowered), cost.bytes_moved(lowered)) == known

    def no_cpu(kind):
        raise RuntimeError(f"Unknown backend {kind}")

    monkeypatch.setattr(jax, "devices", no_cpu)
    assert np.isnan(cost.flops(lowered))
