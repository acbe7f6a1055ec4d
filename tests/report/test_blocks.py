"""Comparisons over seeds: against R's and SciPy's Tukey, and by simulation."""

import sys

import numpy as np
import pytest
from scipy import stats

from deconvgen.core.errors import UserError
from deconvgen.report import blocks, power, spread


def table(y):
    """{setting: {seed: value}} of an array [settings, seeds]."""
    return {
        f"s{i}": dict(enumerate(row)) for i, row in enumerate(np.asarray(y).tolist())
    }


def test_without_seeds_in_common_it_is_scipy_s_tukey():
    y = np.random.default_rng(0).standard_normal((4, 6)) + np.arange(4)[:, None]
    apart = {f"s{i}": dict(enumerate(row.tolist(), 10 * i)) for i, row in enumerate(y)}
    found = blocks.compare(apart, "min")
    want = stats.tukey_hsd(*y)
    best = int(found.best[1])
    ends = want.confidence_interval()
    for key, gap in found.against.items():
        i = int(key[1])
        assert gap.p == pytest.approx(want.pvalue[i, best], abs=1e-6)
        assert gap.difference == pytest.approx(want.statistic[i, best])
        assert (gap.low, gap.high) == pytest.approx(
            (ends.low[i, best], ends.high[i, best]), rel=1e-4
        )


def test_seeds_are_blocks():
    """Of two settings it is the paired t-test, whatever the seeds add to both."""
    rng = np.random.default_rng(1)
    y = rng.standard_normal((2, 7)) + [[0.0], [1.5]] + 9 * rng.standard_normal(7)
    (gap,) = blocks.compare(table(y), "min").against.values()
    assert gap.p == pytest.approx(stats.ttest_rel(*y).pvalue, rel=1e-4)
    want = stats.ttest_rel(y[1], y[0]).confidence_interval()
    assert (gap.low, gap.high) == pytest.approx(tuple(want), rel=1e-4)


def test_a_missing_run_is_made_up_for_by_its_seed():
    """Its seed was a bad one for all: without it, the setting looks good."""
    y = np.add.outer([0.0, 0.1, 5.0], [0, 0, 0, 0, 0, 90.0])
    y += 0.01 * np.random.default_rng(0).standard_normal(y.shape)
    given = table(y)
    del given["s1"][5]
    found = blocks.compare(given, "min")
    assert found.order == ["s0", "s1", "s2"] and found.against["s1"].told
    assert found.against["s1"].difference == pytest.approx(0.1, abs=0.02)


def test_under_five_seeds_there_are_differences_and_no_verdict():
    found = blocks.compare(table([[0, 1, 2, 3.1], [9, 8, 7, 6], [1, 2, 1, 2]]), "max")
    assert found.best == "s1" and not found.judged and not found.bars
    assert found.against["s0"].difference == pytest.approx(-5.975)
    for gap in found.against.values():
        assert np.isnan([gap.p, gap.low, gap.high]).all() and not gap.told
    assert power.needed(found, 5.0) >= 5


def test_a_setting_short_of_seeds_gets_no_verdict_among_others_that_have_them():
    given = table(np.add.outer([0.0, 3.0], np.arange(6)) + np.eye(2, 6) / 9)
    given["lucky"] = {0: -50.0}
    found = blocks.compare(given, "min")
    assert found.order == ["s0", "s1", "lucky"] and found.few == ["lucky"]
    assert found.against["s1"].told and np.isnan(found.against["lucky"].p)


def test_where_logarithms_are_compared_every_difference_is_a_factor():
    draw = np.random.default_rng(0).standard_normal((5, 6))
    given = table(np.exp(0.1 * draw + np.arange(5)[:, None]))
    given |= {"few": {s: 2 * given["s0"][s] for s in (1, 4)}, "none": {0: -1.0}}
    found = blocks.compare(given, "min")
    assert found.logged and found.few == ["few", "none"]
    assert found.against["s1"].difference == pytest.approx(np.e, rel=0.2)
    assert found.against["few"].difference == pytest.approx(2)
    assert np.isnan(found.against["none"].difference)


@pytest.mark.parametrize("value", [1.0, 0.9, 0.1, 19.3, 0.0, -7.7, 3e-9])
@pytest.mark.parametrize("judge", [True, False])
def test_equal_settings_are_equal_in_their_own_order(value, judge):
    """As of modes that all cover: least squares left 2.22e-16 between them."""
    given = table(np.full((7, 5), value))
    given["s7"] = dict.fromkeys(range(5), value - 1)
    found = blocks.compare(given, "max", judge=judge)
    assert found.order == [f"s{i}" for i in range(8)]
    assert {found.means[f"s{i}"] for i in range(7)} == {value}
    gaps = [gap.difference for gap in found.against.values()]
    assert gaps[:-1] == [0.0] * 6 and not np.signbit(gaps[:-1]).any()


def test_equal_differences_are_no_certainty():
    """Of a discrete measure, or equal but for the rounding of float32."""
    steps = np.float32([0.1, 0.2, 0.3, 0.5, 0.7])
    for other in (steps + np.float32(0.7), steps * np.float32(1 + 1e-7)):
        found = blocks.compare(table([steps, other]), "min")
        assert not any(gap.told for gap in found.against.values())


def test_levels_are_compared_in_the_mean_over_what_they_share():
    rng = np.random.default_rng(2)
    places = [("a", "x"), ("a", "y"), ("b", "x"), ("b", "y"), ("b", "z")]
    value = {"a": 0.0, "b": 1.0, "x": 0, "y": 10, "z": 500}
    given = {
        f"{one}{two}": dict(enumerate(value[one] + value[two] + rng.normal(0, 0.1, 6)))
        for one, two in places
    }
    groups = {"a": {"x": "ax", "y": "ay"}, "b": {"x": "bx", "y": "by", "z": "bz"}}
    found = blocks.compare(given, "min", groups)
    assert found.order == ["a", "b"] and found.crossed == 2
    assert found.against["b"].difference == pytest.approx(1, abs=0.1)
    assert found.against["b"].freedom == 4 * 5  # the error is that of all settings


def test_bars_that_do_not_overlap_are_told_apart():
    y = np.random.default_rng(3).standard_normal((6, 8)) + np.arange(6)[:, None] * 0.7
    found = blocks.compare(table(y), "min")
    _, high = found.bars[found.best]
    for key, gap in found.against.items():
        assert gap.told == (found.bars[key][0] > high)


def test_spreads_are_each_setting_s_own():
    rng = np.random.default_rng(4)
    sds = np.array([1.0, 1.0, 6.0, 2.0])
    y = sds[:, None] * rng.standard_normal((4, 4000)) + 9 * rng.standard_normal(4000)
    found = spread.spreads(table(y))
    assert list(found.values()) == pytest.approx(sds, rel=0.1)


@pytest.mark.parametrize(
    "sds, change, want",
    [
        ([1, 1, 1, 1, 1], lambda y: y, "pooled"),
        ([1, 1, 1, 1, 12], lambda y: y, "apart"),
        ([0.1] * 5, lambda y: np.exp(y + np.arange(5)[:, None]), "log"),
    ],
)
def test_unlike_spreads_are_not_pooled(sds, change, want):
    y = np.random.default_rng(5).standard_normal((5, 12)) * np.array(sds)[:, None]
    found = blocks.compare(table(change(y)), "min")
    assert found.spread == want and found.logged == (want == "log")
    if want == "log":  # the values are e times each other
        gap = found.against["s1"]
        assert gap.low < gap.difference < gap.high
        assert gap.difference == pytest.approx(np.e, rel=0.15)


@pytest.mark.parametrize("change", [float, np.exp])
def test_many_settings_keep_their_own_spread_drawn_toward_the_usual_one(change):
    rng = np.random.default_rng(5)
    sds = np.exp(rng.normal(0, 0.5, 30))
    sds[[3, 4]] = 30, 0.3
    y = sds[:, None] * rng.standard_normal((30, 8)) + rng.standard_normal(8)
    y[0] -= 9
    found = blocks.compare(table(np.vectorize(change)(y / 9)), "min")
    assert found.spread == "drawn" + " log" * (change is np.exp) and not found.bars
    gaps = found.against
    assert gaps["s3"].freedom == 7 and not gaps["s3"].told  # wild: its own alone
    assert 7 < gaps["s4"].freedom < 29 * 7 and gaps["s4"].told
    error = {key: np.log(g.difference if change is np.exp else np.exp(g.difference))
             / g.t for key, g in gaps.items()}  # fmt: skip
    assert error["s4"] > 0.3 / 9 / np.sqrt(8) and error["s3"] > 20 / 9 / np.sqrt(8)


def test_many_settings_that_are_alike_are_pooled():
    y = np.random.default_rng(0).standard_normal((20, 6))
    found = blocks.compare(table(y), "min")
    assert found.spread == "pooled" and found.freedom == 19 * 5


def test_without_statsmodels_one_is_told_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "statsmodels.regression.linear_model", None)
    with pytest.raises(UserError, match=r"pip install 'deconvgen\[report\]'"):
        blocks.compare(table([[1, 2], [3, 4]]), "min")


def simulated(sweeps, settings, seeds, shift=0.0, sds=1.0):
    """How many of simulated sweeps tell anything, and how much of what there is.

    Half of a run's variance is its seed's; the first setting is better by `shift`.
    """
    rng = np.random.default_rng(0)
    told = []
    for _ in range(sweeps):
        y = np.reshape(sds, (-1, 1)) * rng.standard_normal((settings, seeds))
        y = y + rng.standard_normal(seeds)
        y[0] -= shift
        found = blocks.compare(table(y), "min")
        right = found.best == "s0" or not shift
        told.append([right and gap.told for gap in found.against.values()])
    return np.any(told, axis=1).mean(), np.mean(told)


CHANCE = {200: 0.095, 4000: 0.06}
"""What at most 5 % is seen as in so many sweeps, but for one test run in 200."""


@pytest.mark.parametrize("settings, seeds", [(4, 5), (14, 6)])
def test_under_no_difference_at_most_five_per_cent_say_there_is_one(settings, seeds):
    assert simulated(200, settings, seeds)[0] <= CHANCE[200]


@pytest.mark.parametrize("settings, seeds", [(4, 5), (14, 5)])
def test_four_standard_deviations_are_found(settings, seeds):
    assert simulated(60, settings, seeds, shift=4.0)[1] >= 0.95


@pytest.mark.slow
@pytest.mark.parametrize(
    "settings, seeds, sds",
    [
        (2, 5, 1),
        (3, 5, 1),
        (8, 12, 1),
        (15, 10, 1),
        (6, 6, [1, 1, 1, 1, 1, 6]),
        (44, 10, 1),
        (44, 10, np.geomspace(0.4, 2.5, 44)),
    ],
)
def test_the_same_in_the_long_form(settings, seeds, sds):
    assert simulated(4000, settings, seeds, sds=sds)[0] <= CHANCE[4000]
    if sds == 1:
        assert simulated(1000, settings, seeds, shift=4.0)[1] >= 0.95


@pytest.mark.parametrize("settings, seeds", [(2, 5), (8, 12)])
def test_the_power_is_what_simulation_finds(settings, seeds):
    y = np.random.default_rng(6).standard_normal((settings, seeds))
    design = blocks.compare(table(y), "min")
    exact = design._replace(error=np.sqrt(2 / seeds))  # standard deviations of 1
    least = power.tells(exact)
    rng, found = np.random.default_rng(7), []
    for _ in range(150):
        y = rng.standard_normal((settings, seeds))
        y[0] -= least
        y[2:] += 99  # not in the way; the error is pooled over them too
        gap = blocks.compare(table(y), "min").against["s1"]
        found.append(gap.told and gap.difference > 0)
    assert np.mean(found) == pytest.approx(0.8, abs=0.1)
    assert power.needed(exact, least * 1.01) <= seeds < power.needed(exact, least / 1.3)


@pytest.mark.parametrize("settings, seeds", [(2, 6), (12, 10), (40, 6)])
def test_what_a_design_tells_needs_the_seeds_that_it_has(settings, seeds):
    """Of many settings too: no power is missing between (SciPy's is that of t)."""
    y = np.random.default_rng(8).standard_normal((settings, seeds))
    found = blocks.compare(table(y), "min")
    least = power.tells(found)
    assert power.needed(found, 1.001 * least) == seeds
    count, freedom = settings, (settings - 1) * (seeds - 1)
    powers = [power.found(t, count, freedom) for t in np.linspace(0, 9, 91).tolist()]
    assert np.all(np.diff(powers) >= 0) and powers[-1] > 0.97 > powers[30]


def test_seeds_of_spreads_of_their_own_are_reckoned_with_their_freedom():
    rng = np.random.default_rng(9)
    sds = np.exp(rng.normal(0, 0.8, (30, 1)))
    found = blocks.compare(table(sds * rng.standard_normal((30, 6)) + 9), "min")
    assert found.spread == "drawn" and found.freedom < 29 * 5 / 2
    least = power.tells(found)
    assert power.needed(found, 1.001 * least) == 6
    pooled = found._replace(spread="pooled")
    assert power.needed(pooled, 0.5 * least) < power.needed(found, 0.5 * least)
