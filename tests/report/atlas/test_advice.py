"""What the atlas recommends, and what it says of it."""

import json

import numpy as np
import pytest

from deconvgen.core.errors import UserError
from deconvgen.report.atlas import advise as advice
from deconvgen.report.atlas import rows as table
from deconvgen.report.atlas.cells import cells
from tests.report.atlas.made import made, named


@pytest.mark.parametrize(
    "text", ["", "{", "row,seed\nx,1.5\n", "row\nx\n", "\xff"], ids=repr
)
def test_a_file_of_something_else_is_told_of(text, tmp_path):
    path = tmp_path / "atlas"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(UserError, match=r"is not readable|is empty|is no text|lacks"):
        advice.load(path)
    if "x" in text or text == "\xff":
        with pytest.raises(UserError, match="is no file of rows"):
            table.read(path)


def test_of_nothing_but_lost_runs_the_advice_is_a_sentence():
    rows = [{k: v for k, v in row.items() if k != "psnr"} for row in made(5)]
    with pytest.raises(
        UserError, match=r"no run of autoencoder .* has a finite figure"
    ):
        advice.advise("autoencoder", atlas=cells(rows))


def test_costs_that_nobody_knows_are_no_reason_to_leave_a_layer_out():
    rows = made()
    for row in rows:
        if row["upsampler"] == "conv_transpose":
            del row["multiply_adds_sample"]
    atlas = cells(rows)
    (about,) = atlas["tasks"].values()
    found = advice.advise("autoencoder", atlas=atlas)
    assert [named(c) for c in found] == [named(about["cells"][0])] and not found[1:]
    told = advice.told("autoencoder", about["cells"], atlas)
    assert told.count("unknown multiply-adds") == 2
    with pytest.raises(UserError, match="cheapest takes 200k"):
        advice.advise("autoencoder", 10.0, atlas)


def test_few_seeds_are_not_judged_and_the_advice_says_so():
    atlas = cells(made(2))
    assert not any(c["judged"] for c in atlas["tasks"]["autoencoder"]["cells"])
    found = advice.advise("autoencoder", atlas=atlas)
    assert "2 seeds: no verdict" in advice.told("autoencoder", found, atlas)
    alone = cells(made(1))
    found = advice.advise("autoencoder", 3e5, atlas=alone)
    assert "1 seed: no verdict" in advice.told("autoencoder", found, alone)


def test_advice_is_the_best_then_what_is_near_and_cheaper():
    """Not: what scatters so much that no test tells it from the best."""
    rows = made()
    rows = [
        r | {"psnr": r["psnr"] + 0.3 * (r["upsampler"][:4] == "near")} for r in rows
    ]
    draw = np.random.default_rng(1)
    for row in rows:
        if row["upsampler"] == "depth_to_space":
            row["psnr"] = 19.0 + 4 * draw.normal()
    atlas = cells(rows)
    (about,) = atlas["tasks"].values()
    wild = next(c for c in about["cells"] if c["upsampler"] == "depth_to_space")
    assert not wild["told"] and wild["judged"]
    about["tells"] = 0.5  # so that 0.3 is near
    for c in about["cells"]:  # and no test tells the cheap one
        c["told"] = c["told"] and c["upsampler"] != "conv_transpose"
    best, cheap = "nearest_conv:default", "conv_transpose:default"
    found = advice.advise("autoencoder", atlas=atlas)
    assert [named(c) for c in found] == [best, cheap]
    words = advice.told("autoencoder", found, atlas)
    assert "--config.model.upsampler=nearest_conv" in words
    assert words.count("the best that was judged") == 1
    for budget, kept in ((1.5e5, [cheap]), (4e5, [best, cheap]), (9e9, [best, cheap])):
        within = advice.advise("autoencoder", budget, atlas)
        assert [named(c) for c in within] == kept
    with pytest.raises(UserError, match="cheapest takes 100k"):
        advice.advise("autoencoder", 10.0, atlas)
    for ask in (advice.advise, lambda t, atlas: advice.named(t, "", atlas)):
        with pytest.raises(UserError, match="did you mean 'autoencoder'"):
            ask("autoencodr", atlas=atlas)


def test_of_many_that_are_near_the_cheapest_is_kept():
    rows, price_of = [], lambda k: 1e5 * (k + 1)
    draw = np.random.default_rng(0)
    for k in range(8):
        for row in made(5)[:5]:
            start = {"upsampler": f"layer{k}", "multiply_adds_sample": price_of(k)}
            start |= {"row": f"autoencoder/layer{k}:x/{row['seed']}"}
            rows.append(row | start | {"psnr": 20 + 0.01 * k + draw.normal() / 1e3})
    atlas = cells(rows)
    (about,) = atlas["tasks"].values()
    about["tells"] = 1.0
    for cell in about["cells"]:
        cell["told"] = False
    found = [c["upsampler"] for c in advice.advise("autoencoder", atlas=atlas)]
    assert found == ["layer7", "layer3", "layer2", "layer1", "layer0"]
    within = advice.advise("autoencoder", 5.5e5, atlas)
    assert within[0]["upsampler"] == "layer4"


def test_a_budget_below_the_best_goes_by_the_best_within_it():
    """Which the test tells from the best of all, as it does all others there."""
    rows = made()
    for row in rows:
        row["psnr"] += 5 * (row["upsampler"] == "nearest_conv")
    atlas = cells(rows)
    assert advice.advise("autoencoder", 1.5e5, atlas)[0]["told"]
    found = advice.advise("autoencoder", 1.5e5, atlas)
    assert [named(c) for c in found] == ["conv_transpose:default"]


@pytest.mark.parametrize(
    "lacking", ["mean", "difference_low", "judged", "tells", "cells"]
)
def test_an_atlas_that_lacks_a_field_is_told_of(lacking, tmp_path):
    atlas = cells(made(5))
    (about,) = atlas["tasks"].values()
    about.pop(lacking, None), about.get("cells", [{}])[0].pop(lacking, None)
    (tmp_path / "atlas.json").write_text(json.dumps(atlas))
    with pytest.raises(UserError, match=f"lacks '{lacking}'"):
        advice.load(tmp_path / "atlas.json")


@pytest.mark.parametrize("gap, told", [(0.0, "not told apart"), (1.0, "told apart")])
def test_the_advice_says_of_each_whether_it_is_told_apart(gap, told):
    rows = made()
    for row in rows:
        row["psnr"] += gap * (row["upsampler"] == "nearest_conv")
    atlas = cells(rows)
    (about,) = atlas["tasks"].values()
    words = advice.told("autoencoder", about["cells"][:2], atlas).splitlines()
    (line,) = [line for line in words if line.endswith("told apart")]
    assert line.split(": ")[-1] == told
