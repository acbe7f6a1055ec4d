"""Lists of settings, made of one another."""

from itertools import product as pairs

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deconvgen import config, sweep
from deconvgen.core.errors import UserError
from deconvgen.sweep import chain, choose, product, seeds, smoke, together, where

KEYS = st.sampled_from(["a", "b.c", "b.d", "seed"])
VALUES = st.one_of(st.integers(0, 9), st.booleans(), st.text("xy/_ ,", max_size=3))
SETTINGS = st.dictionaries(KEYS, VALUES, max_size=3)


def test_choose_makes_one_setting_a_value():
    assert choose("a", [1, 2]) == [{"a": 1}, {"a": 2}]


def test_smoke_samples_at_the_end_and_takes_nested_keys_and_other_values():
    made = smoke(40, model__features=(8, 4), ema=0.9)
    assert made["steps"] == made["sample_every"] == 40
    assert made["model.features"] == (8, 4) and made["ema"] == 0.9
    assert set(made) - {"model.features"} == set(smoke())


@given(st.lists(SETTINGS, max_size=3), st.lists(SETTINGS, max_size=3))
@settings(max_examples=50, deadline=None)
def test_product_is_every_pair_with_the_later_winning(one, two):
    assert product(one, two) == [a | b for a, b in pairs(one, two)]


def test_product_of_nothing_is_the_one_empty_setting():
    assert product() == [{}]
    assert product(choose("a", [1, 2]), []) == []


def test_together_goes_side_by_side_and_wants_one_length():
    sides = together(choose("a", [1, 2]), choose("b", [3, 4]))
    assert sides == [{"a": 1, "b": 3}, {"a": 2, "b": 4}]
    with pytest.raises(UserError, match=r"one length, not of \[1, 2\]"):
        together(choose("a", [1]), choose("b", [3, 4]))


def test_chain_keeps_the_order_and_each_setting_once():
    assert chain(choose("a", [1, 2]), choose("a", [2, 3])) == choose("a", [1, 2, 3])


def test_seeds_and_where():
    runs = where(seeds(choose("a", [1, 2]), 3), lambda s: s["a"] + s["seed"] < 3)
    assert [(s["a"], s["seed"]) for s in runs] == [(1, 0), (1, 1), (2, 0)]


def test_nothing_is_shared_between_settings():
    base = choose("a", [1])
    product(base, choose("b", [1]))[0]["a"] = 9
    chain(base)[0]["a"] = 9
    where(base, bool)[0]["a"] = 9
    assert base == [{"a": 1}]


@given(st.lists(SETTINGS, min_size=2, max_size=6))
@settings(max_examples=100, deadline=None)
def test_names_are_safe_and_unlike_for_unlike_settings(found):
    names = {}
    for setting in found:
        name = sweep.name(setting)
        assert 0 < len(name) <= sweep.LONGEST
        assert not set(name) & set("/\\ :*?\"<>|'$") and not name.startswith(".")
        told = sorted((k, sweep.text(v)) for k, v in setting.items())
        assert names.setdefault(name, told) == told


def test_a_long_name_is_cut_and_told_apart_by_a_hash():
    one = sweep.name({"model.upsampler": "x" * 200})
    two = sweep.name({"model.upsampler": "x" * 201})
    assert one != two and len(one) == len(two) == sweep.LONGEST


def test_keys_that_end_alike_are_told_apart():
    assert sweep.name({"a.x": 1}) == "x=1"
    assert sweep.name({"a.x": 1, "b.x": 2}) != sweep.name({"a.x": 1, "c.x": 2})


@pytest.mark.parametrize(
    "key, value",
    [
        ("steps", 7),
        ("model.residual", True),
        ("model.features", (8, 4)),
        ("model.features", (8,)),
        ("optimizer.learning_rate", 1e-4),
        ("model.upsampler", "nearest_conv"),
        ("model.last_upsampler", ""),
    ],
)
def test_overrides_come_back_as_the_values_they_were(key, value):
    (text,) = sweep.overrides({"config": "dcgan", key: value})
    found = config.override(config.load("dcgan:smoke"), [text])
    for part in key.split("."):
        found = found[part]
    assert found == value and type(found) is type(value)


def test_varying_keys_with_the_seed_last():
    runs = product(choose("seed", [0, 1]), choose("a", [1, 2]), choose("b", [3]))
    assert sweep.varying(runs) == ["a", "seed"]
    assert sweep.varying([{}, {"a": 1}]) == ["a"]
