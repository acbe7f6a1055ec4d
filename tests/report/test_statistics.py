"""Plain summaries of seeds, against their definitions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from deconvgen.report import statistics


def test_the_interval_is_student_s():
    x = [1.0, 2.0, 4.0]
    low, high = stats.t.interval(0.95, 2, np.mean(x), stats.sem(x))
    found = statistics.interval(x)
    assert found.n == 3 and found.mean == pytest.approx(7 / 3)
    assert (found.low, found.high) == pytest.approx((low, high))


def test_one_seed_has_no_interval_and_none_no_mean():
    assert np.isnan(statistics.interval([1.0]).low)
    assert np.isnan(statistics.interval([]).mean)


def test_an_interval_covers_the_mean_as_often_as_it_says():
    rng = np.random.default_rng(0)
    found = [statistics.interval(x) for x in rng.standard_normal((2000, 3))]
    covered = np.mean([f.low < 0 < f.high for f in found])
    assert covered == pytest.approx(0.95, abs=0.015)


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1))
@settings(max_examples=60, deadline=None)
def test_the_pareto_front_is_what_nothing_beats(points):
    named = dict(enumerate(points))
    front = statistics.pareto(named)
    on = {named[k] for k in front}
    for point in points:
        beaten = any(
            o != point and o[0] <= point[0] and o[1] <= point[1] for o in points
        )
        assert beaten != (point in on)
    assert [named[k] for k in front] == sorted(on)


def test_the_ranking_minds_the_direction():
    table = {"x": {0: 1.0, 1: 2.0}, "y": {0: 3.0, 1: 3.0}, "none": {}}
    assert statistics.ranking(table, "min") == ["x", "y"]
    assert statistics.ranking(table, "max") == ["y", "x"]


def test_a_setting_short_of_seeds_is_not_the_best():
    table = {"lucky": {1: 0.0}, "good": {0: 1.0, 1: 1.1}, "bad": {0: 2.0, 1: 2.3}}
    assert statistics.ranking(table, "min") == ["good", "bad", "lucky"]
