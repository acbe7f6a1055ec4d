"""What a run costs, as it measures itself."""

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
