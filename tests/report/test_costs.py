"""Quality beside cost, and equal widths beside equal multiply-adds."""

import numpy as np
from ml_collections import ConfigDict

from deconvgen import config
from deconvgen.report import costs
from deconvgen.report.part import parts
from deconvgen.report.results import Result
from deconvgen.report.study import Study
from deconvgen.report.write import markdown
from deconvgen.sweep.plan import Plan, Trial

COST = {"nearest_conv": 1.2e6, "conv_transpose": 4e5, "carafe": 2e6}
LEVEL = {"nearest_conv": 21.0, "conv_transpose": 20.0, "carafe": 19.0}


def result(layer, seed, wanted=0.0):
    setting = {"model.upsampler": layer, "seed": seed}
    overrides = [f"model.upsampler={layer}", f"seed={seed}"]
    trial = Trial(f"{layer},{seed}", setting, "autoencoder", overrides)
    made = ConfigDict(config.load("autoencoder", overrides).to_dict())
    cost = {"parameters_model": 9, "milliseconds_sample": 0.5}
    cost["multiply_adds_sample"] = COST[layer]
    if wanted:
        made.model.equal = "multiply_adds"
        record = {"given": (16, 32), "taken": (8, 16), "wanted": wanted}
        made.solved = record | {"reached": 0.99 * wanted}
    value = LEVEL[layer] + np.random.default_rng(seed).normal() / 10
    last = {"psnr": value if not wanted else 40 - value}
    none = ("psnr", "max")
    return Result(
        trial, None, "finished", "", 9, 9, last, last, 9, [], cost, 0.0, none, [], made
    )


def study(wanted=0.0, layers=tuple(LEVEL)):
    found = [result(layer, seed, wanted) for layer in layers for seed in range(5)]
    plan = Plan("mine", "Which?", {"psnr": "max"}, f"size{wanted}", [], [])
    return Study(plan, found, parts(plan, found), [])


def test_quality_has_its_interval_its_costs_and_a_star_on_the_front():
    (part,) = study().parts
    table = costs.quality_and_cost(part)
    assert table.head[:3] == ["setting", "PSNR ↑", "parameters"]
    best, cheap, worst = table.rows
    assert best[0] == "nearest_conv" and best[1].startswith("21.") and " to " in best[1]
    assert best[3] == "1.2M ★" and cheap[3] == "400k ★" and worst[3] == "2M"
    assert best[4] == "0.5000 ★" and not cheap[4].endswith(costs.MARK)
    assert "Quality and cost" in markdown(study())


def test_equal_widths_and_equal_multiply_adds_stand_side_by_side():
    wide, even = study(), study(1e6, ["nearest_conv", "conv_transpose"])
    assert "widths taken" in costs.quality_and_cost(even.parts[0]).head
    ((name, table),) = costs.side_by_side([wide, even])
    assert name == "autoencoder" and costs.side_by_side([wide, wide]) == []
    assert [row[0] for row in table.rows] == ["nearest_conv", "conv_transpose"]
    assert [row[1] for row in table.rows] == ["1", "2"]
    assert [row[4] for row in table.rows] == ["2", "1"]
    assert {row[-1] for row in table.rows} == {"8,16"}
    assert "1M multiply-adds" in table.caption and "within 1.0 %" in table.caption


def test_runs_without_costs_have_no_such_table():
    found = [result("carafe", seed)._replace(cost={}) for seed in range(5)]
    plan = Plan("mine", "Which?", {"psnr": "max"}, "full", [], [])
    assert costs.quality_and_cost(parts(plan, found)[0]) is None


def test_a_cost_is_the_median_of_an_even_number_of_seeds_too():
    spent = {"milliseconds_sample": 1.0}, {"milliseconds_sample": 3.0}
    found = [result("carafe", seed)._replace(cost=c) for seed, c in enumerate(spent)]
    (part,) = parts(Plan("mine", "Which?", {"psnr": "max"}, "", [], []), found)
    table = costs.quality_and_cost(part)
    assert table.rows[0][table.head.index("ms to sample")].startswith("2.0")
