"""Settings over several configs, against Agarwal et al.'s definitions."""

import numpy as np
import pytest
from scipy import stats

from deconvgen.report.across import standings
from tests.report.test_part import part_of, result


def part(config, values, mode="max"):
    """A part of settings a, b, c with these values [settings, seeds]."""
    runs = [
        result(
            {"model.upsampler": name, "seed": s, "config": config}, {"psnr": float(v)}
        )
        for name, row in zip("abc", values, strict=True)
        for s, v in enumerate(row)
    ]
    return part_of({"psnr": mode}, *runs)


def test_the_probability_of_improvement_is_mann_whitney_s():
    rng = np.random.default_rng(0)
    one, two = rng.standard_normal((2, 3, 6)) + np.array([0, 1, 1.5])[:, None]
    found = {s.setting: s for s in standings([part("x", one), part("y", -two, "min")])}
    u = lambda y, i, j: stats.mannwhitneyu(y[i], y[j]).statistic / 36
    want = np.mean([u(y, 0, j) for y in (one, two) for j in (1, 2)])
    assert found["a"].wins.mean == pytest.approx(want)
    assert found["a"].wins.low < want < found["a"].wins.high
    assert sum(s.wins.mean for s in found.values()) == pytest.approx(1.5)
    scores = [found[name].score.mean for name in "abc"]
    assert scores == sorted(scores) and [*found][-1] == "a"


def test_one_wild_run_does_not_decide():
    y = np.tile(np.arange(6.0), (3, 1)) + np.array([[0], [3], [6]])
    wild = y.copy()
    wild[0, 0] = 1e3
    best = standings([part("x", wild), part("y", y)])[0]
    assert best.setting == "c"


def test_no_standing_of_one_config_or_of_few_seeds():
    y = np.random.default_rng(1).standard_normal((3, 5))
    assert standings([part("x", y)]) == []
    assert standings([part("x", y), part("y", y[:, :4])]) == []
