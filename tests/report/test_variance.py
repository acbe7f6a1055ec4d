"""Shares of the variance, against the analysis of variance by hand and by its table."""

import itertools

import numpy as np
import pytest
from scipy import stats

from deconvgen.report import variance


def design(y):
    """Rows, seeds and values of an array [a, b, seeds]."""
    places = list(itertools.product(*map(range, y.shape)))
    rows = [{"a": str(a), "b": str(b)} for a, b, _ in places]
    return rows, [s for *_, s in places], [y[p] for p in places]


def test_shares_of_a_complete_design_are_those_of_the_analysis_of_variance():
    rng = np.random.default_rng(1)
    y = rng.standard_normal((3, 4, 5)) + 2 * rng.standard_normal(5)
    y += np.arange(3)[:, None, None] + 0.3 * np.arange(4)[None, :, None] ** 2
    found = {s.name: s for s in variance.shares(*design(y))}
    c = y - y.mean()
    total = (c**2).sum()
    a, b = 20 * (c.mean((1, 2)) ** 2).sum(), 15 * (c.mean((0, 2)) ** 2).sum()
    cells, seeds = 5 * (c.mean(2) ** 2).sum(), 12 * (c.mean((0, 1)) ** 2).sum()
    rest = total - cells - seeds
    assert found["a"].share == pytest.approx(a / total)
    assert found["b"].share == pytest.approx(b / total)
    assert found["a x b"].share == pytest.approx((cells - a - b) / total)
    assert found["seed"].share == pytest.approx(seeds / total)
    assert found["the rest"].share == pytest.approx(rest / total)
    assert found["a"].p == pytest.approx(stats.f.sf(a / 2 / (rest / 44), 2, 44))
    assert sum(s.share for s in found.values()) == pytest.approx(1)


def test_a_factor_without_effect_has_no_share_though_combinations_are_missing():
    pairs = [(a, b) for a, b in ("00", "01", "11", "12", "20") for _ in "xx"]
    rows = [{"a": a, "b": b} for a, b in pairs]
    found = variance.shares(rows, [0, 1] * 5, [float(a) for a, _ in pairs])
    shares = {s.name: s.share for s in found}
    assert shares["b"] == pytest.approx(0, abs=1e-9) and shares["a"] > 0.5


def test_one_seed_leaves_interplay_and_chance_in_one():
    rows = [{"a": a, "b": b} for a in "01" for b in "012"]
    found = variance.shares(rows, [0] * 6, [0.0, 1.0, 2.0, 3.0, 4.5, 4.0])
    assert [s.name for s in found] == ["a", "b", "a x b or chance"]
    assert sum(s.share for s in found) == pytest.approx(1)
    assert all(np.isnan(s.p) for s in found)
    one_at_a_time = [{"a": a, "b": b} for a, b in ("00", "10", "20", "01")]
    assert variance.shares(one_at_a_time, [0] * 4, [0.0, 1.0, 2.0, 3.0]) == []


def test_few_seeds_have_shares_and_no_p():
    y = np.random.default_rng(2).standard_normal((2, 3, 4))
    assert all(np.isnan(s.p) for s in variance.shares(*design(y)))


def test_one_bad_level_does_not_pass_for_a_factor():
    """Without it, the other factor is what matters."""
    y = 0.1 * np.random.default_rng(3).standard_normal((4, 3, 6))
    y += np.array([0, 0, 0, 9.0])[:, None, None] + np.arange(3)[None, :, None]
    rows, seeds, values = design(y)
    factor, level, rest = variance.lone(rows, seeds, values)
    assert (factor, level) == ("a", "3")
    assert {s.name: s.share for s in rest}["b"] > 0.9
    even = y.copy()
    even[3] -= 9
    even += 9 * np.arange(4)[:, None, None]
    assert variance.lone(*design(even)) is None


def test_the_rounding_of_equal_values_goes_with_nothing():
    noise = 1e-7 * np.random.default_rng(0).integers(-1, 2, (3, 2, 5))
    for y in (0.7 * (1 + noise), np.full((3, 2, 5), 0.1), np.zeros((3, 2, 5))):
        assert variance.shares(*design(y)) == []
    assert variance.shares(*design(1e-9 * np.random.default_rng(1).random((3, 2, 5))))
