"""The atlas: rows of runs, cells with intervals, advice, a page, a row again."""

import json
import math
import re

import numpy as np
import pytest

from deconvgen import config
from deconvgen.core.errors import UserError
from deconvgen.nn.upsample import fits, upsamplers
from deconvgen.report.atlas import advise as advice
from deconvgen.report.atlas import rows as table
from deconvgen.report.atlas.cells import cells, extent, measured
from deconvgen.report.atlas.page import page
from deconvgen.report.atlas.reproduce import Again, reproduce
from deconvgen.report.study import studies
from deconvgen.sweep.run import sweep
from tests.report.atlas.made import PRICES, made, named


def held(text):
    """The atlas in a page."""
    found = re.search(r'id="data">(.*?)</script>', text, re.S)
    atlas = json.loads(found[1].replace("<\\/", "</"))
    for about in atlas["tasks"].values():
        says = {"extent": extent(about), "measured": measured(about)}
        assert {name: about.pop(name) for name in says} == says
    return atlas


def flat(found):
    """The names and values in nested lists and objects, in their order."""
    if isinstance(found, dict):
        return [each for k, v in found.items() for each in (k, *flat(v))]
    return (
        [v for one in found for v in flat(one)] if isinstance(found, list) else [found]
    )


def test_the_atlas_that_comes_along_is_of_its_rows():
    made = advice.load()
    for now, then in zip(flat(cells(table.read())), flat(made), strict=True):
        assert now == (pytest.approx(then, 1e-6) if isinstance(then, float) else then)
    assert held((table.HERE / "atlas.html").read_text("utf-8")) == made


def test_rows_survive_their_file(tmp_path):
    table.write(made(2), tmp_path / "atlas.csv")
    assert table.read(tmp_path / "atlas.csv") == made(2)
    name = "autoencoder/nearest_conv:default/1"
    assert table.find(made(2), name)["seed"] == 1
    with pytest.raises(UserError, match="did you mean"):
        table.find(made(2), name.replace("nearest", "neerest"))


def test_a_spreadsheet_s_mark_is_no_part_of_a_name(tmp_path):
    table.write(made(2), tmp_path / "atlas.csv")
    text = (tmp_path / "atlas.csv").read_text("utf-8")
    (tmp_path / "atlas.csv").write_text(text, "utf-8-sig")
    assert table.read(tmp_path / "atlas.csv") == made(2)


@pytest.mark.parametrize("key", ["size", "config", "data", "measure"])
def test_rows_that_were_not_trained_alike_make_no_atlas(key):
    rows = made(5)
    rows[7] = rows[7] | {key: "other"}
    with pytest.raises(UserError, match=f"cannot be compared: their {key} differ"):
        cells(rows)


def test_rows_that_nothing_tells_apart_make_no_atlas():
    more = [row | {"row": row["row"].replace("/1", ",kernel=5/1")} for row in made(2)]
    with pytest.raises(UserError, match="are both seed 1 of"):
        cells([*made(2), *more])


def test_rows_of_one_setting_that_were_trained_otherwise_make_no_atlas():
    rows = made(6)
    rows[5] = rows[5] | {"overrides": '["steps=60000", "seed=5"]'}
    with pytest.raises(UserError, match=r"trained otherwise \(steps=60000\)"):
        cells(rows)


def test_runs_without_a_figure_make_no_cell_better():
    """Half of one cell diverged, and all of another: both are there, and not judged."""
    rows = made()
    for row in rows:
        if row["row"].startswith("autoencoder/conv_transpose:bilinear"):
            row["psnr"] = 30.0
            if row["seed"] > 4:
                del row["psnr"]
        if row["upsampler"] == "depth_to_space":
            del row["psnr"]
    atlas = cells(rows)
    (about,) = atlas["tasks"].values()
    kept = [(named(c), c["place"], c["lost"], c["seeds"]) for c in about["cells"]]
    assert [each[1:] for each in kept[:2]] == [(1, 0, 10), (2, 0, 10)]
    assert kept[2:] == [
        ("conv_transpose:bilinear", None, 5, 5),
        ("depth_to_space:icnr", None, 10, 0),
    ]
    assert not any(c["judged"] or c["told"] or c["front"] for c in about["cells"][2:])
    assert about["cells"][3]["mean"] is None
    found = advice.advise("autoencoder", atlas=atlas)
    assert "conv_transpose:bilinear" not in map(named, found)
    said = advice.told("autoencoder", found, atlas)
    assert "conv_transpose, started by bilinear, has the better mean, 30.0" in said
    assert "no verdict: 5 seeds, and 5 runs lost." in said
    assert extent(about) == "4 layers and starts, 10 seeds"
    json.dumps(atlas, allow_nan=False)


def test_a_better_mean_of_few_seeds_has_no_place_and_is_told_of():
    rows = [
        row | {"psnr": row["psnr"] + 9 * (row["upsampler"] == "depth_to_space")}
        for row in made()
        if row["upsampler"] != "depth_to_space" or row["seed"] < 4
    ]
    atlas = cells(rows)
    (about,) = atlas["tasks"].values()
    assert [c["place"] for c in about["cells"]] == [1, 2, 3, None]
    assert not about["cells"][3]["front"] and extent(about).endswith("4 to 10 seeds")
    found = advice.advise("autoencoder", atlas=atlas)
    said = advice.told("autoencoder", found, atlas)
    assert "depth_to_space, started by icnr, has the better mean, 2" in said
    assert "no verdict: 4 seeds." in said


def test_what_is_planned_and_has_not_run_is_known():
    shared = {"config": "autoencoder", "overrides": '["model.kernel_size=0"]'}
    rows = [row | shared for row in made(5)]
    (about,) = cells(rows)["tasks"].values()
    assert extent(about) == "4 of 44 layers and starts, 5 of 10 seeds"
    assert len(about["planned"]["missing"]) == 40 and about["alike"] == [
        "model.kernel_size=0"
    ]
    words = advice.told(
        "autoencoder", about["cells"], {"tasks": {"autoencoder": about}}
    )
    assert "--config.model.kernel_size=0 --workdir" in words
    (other,) = cells(made(5))["tasks"].values()  # of no config that the atlas has
    assert extent(other) == "4 layers and starts, 5 seeds"


def test_the_best_is_once_itself_where_factors_are_compared():
    rows = made()
    for row in rows:
        row["psnr"] = np.exp(3 * (row["psnr"] - 17) * (1 + row["seed"] / 10))
    (about,) = cells(rows)["tasks"].values()
    assert about["logged"] and about["cells"][0]["difference"] == 1
    (plain,) = cells(made())["tasks"].values()
    assert not plain["logged"] and plain["cells"][0]["difference"] == 0


def test_a_row_without_its_figure_is_not_trained_again(tmp_path):
    rows = made(2)
    del rows[0]["psnr"]
    with pytest.raises(UserError, match="no finite figure"):
        reproduce(rows[0], rows, tmp_path / "again")
    assert not (tmp_path / "again").exists()


def test_rows_of_later_sweeps_join_and_replace():
    early, late = made(2), [row | {"revision": "def"} for row in made(3)]
    joined = table.merged(early, late)
    assert [row["revision"] for row in joined] == ["def"] * 12
    assert table.merged(late, early)[0]["revision"] == "abc"
    assert [row["seed"] for row in joined[:3]] == [0, 1, 2]


def test_a_sweep_of_other_steps_does_not_replace_rows():
    """Nor one at equal multiply-adds: runs of both would be compared as one sweep."""
    late = [row | {"overrides": '["steps=600"]'} for row in made(2)[:1]]
    with pytest.raises(UserError, match=r"trained otherwise \(steps=600\)"):
        table.merged(made(2), late)


def test_cells_rank_judge_and_price():
    (task,) = cells(made())["tasks"].values()
    names = [named(c) for c in task["cells"]]
    assert {*names[:2]} == {"nearest_conv:default", "conv_transpose:default"}
    assert [c["told"] for c in task["cells"]] == [False, False, True, True]
    assert [c["place"] for c in task["cells"]] == [1, 2, 3, 4]
    assert all(c["low"] < c["mean"] < c["high"] for c in task["cells"])
    assert 0 < task["tells"] < 0.5 and task["seeds"] == 10
    level = {named(c): c["mean"] for c in task["cells"]}
    dear = level["nearest_conv:default"] > level["conv_transpose:default"]
    front = {"conv_transpose:default"} | ({"nearest_conv:default"} if dear else set())
    assert {named(c) for c in task["cells"] if c["front"]} == front


def test_a_device_is_a_task_of_its_own():
    on_gpu = [
        row | {"row": "autoencoder@gpu" + row["row"][len("autoencoder") :]}
        for row in made(5)
    ]
    atlas = cells([*made(5), *on_gpu])
    assert [*atlas["tasks"]] == ["autoencoder", "autoencoder@gpu"]
    names = {advice.named("autoencoder", d, atlas) for d in ("", "cpu")}
    assert names == {"autoencoder"}
    assert advice.named("autoencoder", "GPU", atlas) == "autoencoder@gpu"
    with pytest.raises(UserError, match="on cpu alone, not on gpu"):
        advice.named("autoencoder", "gpu", cells(made(5)))
    devices = ("AMD EPYC", "2 x NVIDIA H100 80GB HBM3", "TPU v4")
    assert [table.kind(each) for each in devices] == ["cpu", "gpu", "tpu"]


def test_the_page_holds_its_data_and_a_card_a_layer(tmp_path):
    atlas = cells(made())
    text = page(atlas, tmp_path)
    assert held(text) == json.loads(json.dumps(atlas))
    assert text.count("<section") == len(PRICES) == text.count("data:image/png")
    assert "http" not in text.replace("http://www.w3.org", "")


def test_a_row_again_is_equal_within_or_outside():
    again = lambda now: Again("row", "psnr", 20.0, now, 19.5, 20.5, True)
    assert again(20.0).equal and again(20.0).within
    assert not again(20.3).equal and again(20.3).within
    assert "OUTSIDE" in again(19.0).words() and not again(19.0).within
    alone = Again("row", "psnr", 20.0, 19.0, math.nan, math.nan, True)
    assert alone.words().endswith("not equal, and no other seed to judge by")
    assert not alone.within and alone._replace(now=20.0).words().endswith("; equal")


FILE = """
from deconvgen.sweep import choose, product, seeds
QUESTION = "Which?"
BASE = "autoencoder:smoke"
RUNS = seeds(choose("model.upsampler", ["conv_transpose"]), 2)
MEASURES = {"psnr": "max"}
SIZES = {"full": [{"steps": 2, "eval_every": 2, "log_every": 1, "batch_size": 8,
    "checkpoint_every": 2, "sample_every": 2, "eval.num_examples": 16,
    "eval.batch_size": 16, "model.features": (4, 4), "model.latent": 4}]}
"""


@pytest.mark.slow
def test_from_a_sweep_to_a_row_trained_again(tmp_path):
    (tmp_path / "tiny.py").write_text(FILE)
    sweep(str(tmp_path / "tiny.py"), tmp_path / "sweep", timing=False, jobs=1)
    found = table.rows(studies([tmp_path / "sweep"]))
    assert [row["row"][-2:] for row in found] == ["/0", "/1"]
    assert all(row["revision"] and row["device"] and row["versions"] for row in found)
    assert all(row["code"] for row in found)
    again = reproduce(found[1], found, tmp_path / "again")
    assert again.equal and again.same_code
    (few, _) = table.rows(studies([tmp_path / "sweep"]), atlas=False)
    assert few["row"] == f"tiny.full/{found[0]['row']}" and len(few) < len(found[0])
    changed = found[1] | {"digest": "other"}
    with pytest.raises(UserError, match="no longer is"):
        reproduce(changed, found, tmp_path / "more")


def test_the_atlas_has_every_layer_that_needs_no_encoder():
    file = config.module(config.folder("experiments") / "atlas.py")
    alone = {
        name
        for name, layer in upsamplers.items()
        if not layer.needs_indices and not getattr(layer, "needs_guide", False)
    }
    assert {*file.LAYERS} == {n for n in alone if not n.startswith("test")}
    assert all(fits(start, layer) for layer, start in file.LAYERS.items())
