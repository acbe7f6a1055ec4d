"""What a few seeds can tell: the statistics of a report against their definitions."""

import itertools

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


def test_paired_uses_the_seeds_that_both_have():
    a, b = {0: 1.0, 1: 2.5, 2: 3.0, 5: 9.0}, {2: 1.0, 1: 2.0, 0: 0.8, 7: 4.0}
    difference, p = statistics.paired(a, b)
    want = stats.ttest_rel([1.0, 2.5, 3.0], [0.8, 2.0, 1.0])
    assert p == pytest.approx(want.pvalue)
    assert difference.n == 3 and difference.mean == pytest.approx(2.7 / 3)


def test_paired_without_spread_or_pairs():
    assert np.isnan(statistics.paired({0: 1.0, 1: 2.0}, {0: 0.0, 1: 1.0})[1])
    assert statistics.paired({0: 1.0, 1: 2.0}, {0: 1.0, 1: 2.0})[1] == 1.0
    assert np.isnan(statistics.paired({0: 1.0}, {0: 2.0})[1])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=6))
@settings(max_examples=60, deadline=None)
def test_holm_rejects_what_its_steps_reject(ps):
    """Against the procedure: compare the i-th smallest with alpha / (m - i)."""
    for alpha in (0.01, 0.05, 0.3):
        rejected = set()
        for i, k in enumerate(sorted(range(len(ps)), key=lambda k: ps[k])):
            if ps[k] * (len(ps) - i) >= alpha:
                break
            rejected.add(k)
        corrected = statistics.holm(ps)
        assert {k for k, q in enumerate(corrected) if q < alpha} == rejected


def test_holm_leaves_out_what_is_not_known():
    assert statistics.holm([0.01, float("nan"), 0.04])[::2] == [0.02, 0.04]


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


def test_shares_of_a_complete_design_are_those_of_the_analysis_of_variance():
    rng = np.random.default_rng(1)
    y = rng.standard_normal((3, 4, 5))  # factor a, factor b, seeds
    y += np.arange(3)[:, None, None] + 0.3 * np.arange(4)[None, :, None] ** 2
    places = list(itertools.product(range(3), range(4), range(5)))
    rows = [{"a": str(a), "b": str(b)} for a, b, _ in places]
    found = {s.name: s for s in statistics.shares(rows, [y[p] for p in places])}
    centred = y - y.mean()
    total = (centred**2).sum()
    a = 20 * (centred.mean((1, 2)) ** 2).sum()
    b = 15 * (centred.mean((0, 2)) ** 2).sum()
    within = ((y - y.mean(2, keepdims=True)) ** 2).sum()
    assert found["a"].share == pytest.approx(a / total)
    assert found["b"].share == pytest.approx(b / total)
    assert found["seeds"].share == pytest.approx(within / total)
    assert found["a x b"].share == pytest.approx((total - a - b - within) / total)
    p = stats.f.sf(a / 2 / (within / 48), 2, 48)
    assert found["a"].p == pytest.approx(p)


def test_a_factor_without_effect_has_no_share_though_combinations_are_missing():
    rows = [{"a": a, "b": b} for a, b in ("00", "01", "11", "12", "20") for _ in "xx"]
    found = statistics.shares(rows, [float(row["a"]) for row in rows])
    shares = {s.name: s.share for s in found}
    assert shares["b"] == pytest.approx(0, abs=1e-9) and shares["a"] > 0.5


def test_the_ranking_minds_the_direction():
    table = {"x": {0: 1.0, 1: 2.0}, "y": {0: 3.0, 1: 3.0}, "none": {}}
    assert statistics.ranking(table, "min") == ["x", "y"]
    assert statistics.ranking(table, "max") == ["y", "x"]


def test_equal_differences_are_no_certainty():
    """Of a discrete measure, or equal but for the rounding of float32."""
    steps = [float(np.float32(x)) for x in (0.1, 0.2, 0.3)]
    ups = [float(np.float32(x) + np.float32(0.7)) for x in steps]
    a, b = dict(enumerate(ups)), dict(enumerate(steps))
    assert np.isnan(statistics.paired(a, b)[1])
    near = {s: v * (1 + 1e-8) for s, v in b.items()}
    assert statistics.paired(near, b)[1] == 1.0
    assert statistics.paired({0: 0.0, 1: 0.0}, {0: 0.0, 1: 0.0})[1] == 1.0


def test_a_setting_short_of_seeds_is_not_the_best():
    table = {"lucky": {1: 0.0}, "good": {0: 1.0, 1: 1.1}, "bad": {0: 2.0, 1: 2.3}}
    assert statistics.ranking(table, "min") == ["good", "bad", "lucky"]
    versus = statistics.against_best(table, "min")
    assert np.isfinite(versus["bad"].p) and np.isnan(versus["lucky"].p)


def test_one_seed_leaves_interplay_and_seeds_in_one():
    rows = [{"a": a, "b": b} for a in "01" for b in "012"]
    found = statistics.shares(rows, [0.0, 1.0, 2.0, 3.0, 4.5, 4.0])
    assert [s.name for s in found] == ["a", "b", "a x b or seeds"]
    assert sum(s.share for s in found) == pytest.approx(1)
    assert all(np.isnan(s.p) for s in found)
    one_at_a_time = [{"a": a, "b": b} for a, b in ("00", "10", "20", "01")]
    assert statistics.shares(one_at_a_time, [0.0, 1.0, 2.0, 3.0]) == []
