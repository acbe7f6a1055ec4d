"""Widths are solved for to the nearest whole ones, and a run keeps those it has."""

import json
import math

import numpy as np
import pytest

from deconvgen import config
from deconvgen.core.errors import UserError
from deconvgen.runs import setup as runs
from deconvgen.runs import widths
from tests.tiny import SMALL

SHAPE = (16, 16, 1)
EXAMPLE = {"image": np.zeros((1, *SHAPE), "f4"), "mask": np.ones(1, "f4")}


def resolved(task, *overrides):
    name, *small = SMALL[task]
    loaded = config.load(f"{name}:smoke", (*small, "eval.extractor=random", *overrides))
    runs.check(loaded)
    return runs.describe(loaded, SHAPE)


@pytest.mark.parametrize("wanted", [0.0, 1.0, 99.0, 100.0, 5e3, 5e4, 1e9])
@pytest.mark.parametrize("start", [1, 10, 1000])
def test_the_nearest_of_all_is_found_with_few_counts(wanted, start):
    asked = []

    def count(k):
        asked.append(k)
        return None if k % 3 == 2 else 2.0 * k * k + k

    best = widths.nearest(count, wanted, start, 1000)
    fit = [k for k in range(1, 1001) if k % 3 != 2]
    assert best == min(fit, key=lambda k: abs(2.0 * k * k + k - wanted))
    assert len({*asked}) <= 25
    assert widths.nearest(lambda k: None, wanted, start, 20) is None


@pytest.mark.parametrize("task", ["gan", "autoencoder", "superres"])
def test_multiply_adds_are_as_near_as_whole_widths_allow(task):
    given = resolved(task, "model.upsampler=nearest_conv", "model.equal=multiply_adds")
    found = widths.solved(given, EXAMPLE)
    told, key = found.solved, found.solved.key
    plain = resolved(task)
    assert told.wanted == widths.multiply_adds(plain, EXAMPLE)
    assert told.reached == widths.multiply_adds(found, EXAMPLE)
    taken = told.taken
    assert np.size(found.model[key]) == len(taken) == len(told.given)
    for other in (max(taken) - 1, max(taken) + 1):
        scaled = [max(1, round(f * other / max(told.given))) for f in told.given]
        if other:
            near = widths.multiply_adds(widths._at(given, key, scaled), EXAMPLE)
            assert abs(near - told.wanted) >= abs(told.reached - told.wanted)
    if task == "gan":
        assert found.model.critic_features == (4, 8)  # as for the widths given
    else:
        assert key == ("features" if task == "superres" else "decoder_features")


def test_the_plain_layer_keeps_its_widths_and_equal_widths_are_left_alone():
    found = widths.solved(resolved("gan", "model.equal=multiply_adds"), EXAMPLE)
    assert found.solved.taken == found.solved.given == (8, 4)
    assert found.solved.wanted == found.solved.reached > 0
    plain = resolved("gan")
    assert widths.solved(plain, EXAMPLE) is plain and "solved" not in plain


def test_a_run_that_goes_on_keeps_its_widths(monkeypatch):
    given = resolved("gan", "model.upsampler=carafe", "model.equal=multiply_adds")
    first = widths.solved(given, EXAMPLE)
    monkeypatch.setattr(widths, "multiply_adds", lambda *_: math.nan)
    before = config.parse(json.loads(json.dumps(first.to_dict())), "config.json")
    assert widths.solved(given, EXAMPLE, before).to_dict() == first.to_dict()
    with pytest.raises(UserError, match="does not count"):
        widths.solved(given, EXAMPLE)


def test_what_cannot_be_is_told():
    with pytest.raises(UserError, match=r"unknown model\.equal 'width'; did you mean"):
        resolved("gan", "model.equal=width")
    lost = resolved("gan", "model.upsampler=max_unpool", "model.equal=multiply_adds")
    with pytest.raises(UserError, match=r"finds no widths .*max_unpool"):
        widths.solved(lost, EXAMPLE)
