"""A publication's claim against recorded rows: reproduced, the opposite, or open."""

import json

import numpy as np
import pytest

from deconvgen.core.errors import UserError
from deconvgen.report import blocks
from deconvgen.report import findings as report
from deconvgen.sweep.claims import claim, matches
from deconvgen.sweep.plan import load


def recorded(name, level, size="study", spread=0.02):
    """Rows of a whole study, by the level of each setting."""
    plan, draw, found = load(name, size), np.random.default_rng(0), []
    for trial in plan.trials:
        setting = {k: v for k, v in trial.setting.items() if k != "seed"}
        measure = plan.design.measure(trial.config)
        value = level(trial.setting) + spread * draw.normal()
        row = {"experiment": name, "size": size, "config": trial.config}
        row |= {"row": f"{name}.{size}/{trial.name}", "data": "images"}
        row |= {"setting": json.dumps(setting), "seed": trial.seed}
        row |= {"measure": measure, "mode": plan.measures[measure], measure: value}
        found.append(row | {f"{measure}_real": 1.0})
    return found


def kernels(gap):
    return lambda s: 1.5 + gap * (s["model.kernel_size"] % 2)


@pytest.mark.parametrize(
    "gap, spread, verdict",
    [
        (0.3, 0.02, report.YES),
        (-0.3, 0.02, report.OPPOSITE),
        (0.0, 0.02, report.NO),  # what was planned to be told is excluded
        (0.0, 0.5, report.OPEN),
    ],
)
def test_a_claim_is_reproduced_excluded_or_open(gap, spread, verdict):
    found = report.finding(
        "kernel_size", recorded("kernel_size", kernels(gap), spread=spread)
    )
    assert found.verdict == verdict and found.source == "Odena et al. 2016"
    first = found.effects[0]
    assert first.difference.low < -gap < first.difference.high and first.seeds == 10
    assert first.words().startswith("gan, kernel_size 4 better than kernel_size 3: ")


@pytest.mark.parametrize("distance, verdict", [(0.05, report.OPEN), (0.5, report.NO)])
def test_what_is_nearer_than_the_design_finds_had_nothing_to_gain(distance, verdict):
    """Real images have 1, and no kernel does anything; 0.1 was to be found."""
    rows = recorded("icnr", lambda s: 1.0 + distance, spread=0.005)
    for row in rows:
        row[f"{row['measure']}_real"] = 1.0
    assert report.finding("icnr", rows).verdict == verdict


def atlas(**tasks):
    """{task: {layer: told, or None where it was not judged}}."""
    made = {
        task: {
            "seeds": 5,
            "cells": [
                {"upsampler": layer, "judged": told is not None, "told": bool(told)}
                for layer, told in layers.items()
            ],
        }
        for task, layers in tasks.items()
    }
    return {"tasks": made}


@pytest.mark.parametrize(
    "tasks, verdict, why",
    [
        ({"a": {"x": False}}, report.NONE, "atlas.py"),
        ({"a": {"x": False, "y": True}, "b": {"x": True, "y": False}}, report.YES, ""),
        ({"a": {"x": False, "y": True}, "b": {"x": False}}, report.OPEN, "more: x"),
        ({"a": {"x": False}, "b": {"x": True, "y": False}}, report.OPEN, "judged in 1"),
        ({"a": {"x": True, "y": False}, "b": {"x": None, "y": True, "z": None}},
         report.OPEN, "z (judged in 0)"),
    ],
)  # fmt: skip
def test_no_single_winner_is_of_what_was_judged(tasks, verdict, why):
    says, found, because = report.single_winner(atlas(**tasks))
    assert found == verdict and why in because and "single" in says


def test_before_all_runs_are_there_nothing_is_said():
    rows = recorded("kernel_size", kernels(0.3))
    part = report.finding("kernel_size", [r for r in rows if r["seed"] != 7])
    assert part.verdict == report.NONE == report.finding("kernel_size", []).verdict
    only = report.finding("kernel_size", [r for r in rows if r["config"] == "gan"])
    assert only.verdict == "reproduced (2 of 4), not run yet (2 of 4)"


def test_of_several_settings_that_a_side_means_the_best_counts():
    rate = {3e-4: 0.1, 1e-3: 0.5, 3e-3: 0.3}
    level = lambda s: (
        rate[s["optimizer.learning_rate"]]
        + (0.2 * (s["model.initializer"] == "bilinear"))
    )
    found = report.finding("segmentation_start", recorded("segmentation_start", level))
    assert found.verdict == report.YES
    for effect in found.effects:
        best = json.loads(effect.better)["optimizer.learning_rate"]
        assert best == json.loads(effect.than)["optimizer.learning_rate"] == 1e-3


@pytest.mark.parametrize("short", [3, 4])
def test_a_side_that_lacks_figures_has_too_few_seeds(short):
    """Not: the gap to whatever is best then, nor a KeyError where it is the best."""
    rows = recorded("kernel_size", kernels(0.3))
    for row in rows:
        kernel = json.loads(row["setting"])["model.kernel_size"]
        if kernel == short and row["seed"] > 3:
            del row[row["measure"]]
    effects = report.finding("kernel_size", rows).effects
    said = [e for e in effects if f"kernel_size {short}" in e.claim.words()]
    assert said and {(e.verdict, e.seeds) for e in said} == {(report.FEW, 4)}


def test_rows_that_hide_each_other_are_refused():
    rows = recorded("kernel_size", kernels(0.3))
    again = rows[0] | {"row": "kernel_size.study/gan@gpu/x"}
    with pytest.raises(UserError, match=f"both seed {rows[0]['seed']} of"):
        report.finding("kernel_size", [*rows, again])


def test_every_claim_means_settings_of_its_study():
    names = report.names()
    assert len(names) >= 8
    for name in names:
        found = report.finding(name, recorded(name, lambda s: 1.0))
        assert all(e.better and e.than and e.better != e.than for e in found.effects)
        assert found.says and found.source and load(name, "study").design.tells


def test_all_settings_against_one():
    table = {k: {s: m + s % 3 / 9 for s in range(6)} for k, m in zip("abc", (1, 2, 4))}
    found = blocks.compare(table, "min", base="b")
    assert {k: round(c.difference, 6) for k, c in found.against.items()} == {
        "a": -1,
        "c": 2,
    }
    assert matches({"x": 1, "y": True}, {"y": "true"}) and not matches({}, {"y": 1})
    assert claim({"model.upsampler": "a"}, {"b.c": 2}).words() == "a better than c 2"
