"""The atlas: rows of runs, cells with intervals, advice, a page, a row again."""

import json
import re

import numpy as np
import pytest

from deconvgen import config
from deconvgen.core.errors import UserError
from deconvgen.nn.upsample import fits, upsamplers
from deconvgen.report.atlas import advise as advice
from deconvgen.report.atlas import rows as table
from deconvgen.report.atlas.cells import cells, price
from deconvgen.report.atlas.page import page
from deconvgen.report.atlas.reproduce import Again, reproduce
from deconvgen.report.study import studies
from deconvgen.sweep.run import sweep

LEVELS = {"nearest_conv:default": 20.0, "conv_transpose:default": 20.02}
LEVELS |= {"conv_transpose:bilinear": 18.0, "depth_to_space:icnr": 17.0}
PRICES = {"nearest_conv": 4e5, "conv_transpose": 1e5, "depth_to_space": 2e5}


def made(seeds=10):
    draw = np.random.default_rng(0)
    found = []
    for name, level in LEVELS.items():
        layer, start = name.split(":")
        for seed in range(seeds):
            found.append(
                {
                    "row": f"autoencoder/{name}/{seed}",
                    "experiment": "atlas",
                    "size": "smoke",
                    "setting": "{}",
                    "code": "c" * 12,
                    "task": "autoencoder",
                    "data": "fashion_mnist_small",
                    "upsampler": layer,
                    "initializer": start,
                    "seed": seed,
                    "config": "autoencoder:smoke",
                    "overrides": "[]",
                    "digest": "0" * 12,
                    "measure": "psnr",
                    "mode": "max",
                    "revision": "abc",
                    "device": "a CPU",
                    "versions": "jax 1",
                    "psnr": level + 0.1 * draw.normal(),
                    "multiply_adds_sample": PRICES[layer],
                }
            )
    return found


def test_rows_survive_their_file(tmp_path):
    table.write(made(2), tmp_path / "atlas.csv")
    assert table.read(tmp_path / "atlas.csv") == made(2)
    name = "autoencoder/nearest_conv:default/1"
    assert table.find(made(2), name)["seed"] == 1
    with pytest.raises(UserError, match="did you mean"):
        table.find(made(2), name.replace("nearest", "neerest"))


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


def test_the_best_is_once_itself_where_factors_are_compared():
    rows = made()
    for row in rows:
        row["psnr"] = np.exp(3 * (row["psnr"] - 17) * (1 + row["seed"] / 10))
    (about,) = cells(rows)["tasks"].values()
    assert about["logged"] and about["cells"][0]["difference"] == 1
    (plain,) = cells(made())["tasks"].values()
    assert not plain["logged"] and plain["cells"][0]["difference"] == 0


def test_costs_that_nobody_knows_are_no_reason_to_leave_a_layer_out():
    rows = made()
    for row in rows:
        if row["upsampler"] == "conv_transpose":
            del row["multiply_adds_sample"]
    atlas = cells(rows)
    found = advice.advise("autoencoder", atlas=atlas)
    assert [c["upsampler"] for c in found] == ["nearest_conv", "conv_transpose"]
    assert "unknown multiply-adds" in advice.told("autoencoder", found, atlas)
    with pytest.raises(UserError, match="cheapest takes 200k"):
        advice.advise("autoencoder", 10.0, atlas)


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
    names = [f"{c['upsampler']}:{c['initializer']}" for c in task["cells"]]
    assert {*names[:2]} == {"nearest_conv:default", "conv_transpose:default"}
    assert [c["told"] for c in task["cells"]] == [False, False, True, True]
    assert all(c["low"] < c["mean"] < c["high"] for c in task["cells"])
    assert 0 < task["tells"] < 0.5 and task["seeds"] == 10
    front = [c for c in task["cells"] if c["front"]]
    assert min(map(price, task["cells"])) in map(price, front)


def test_few_seeds_are_not_judged_and_the_advice_says_so():
    atlas = cells(made(2))
    assert not any(c["judged"] for c in atlas["tasks"]["autoencoder"]["cells"])
    found = advice.advise("autoencoder", atlas=atlas)
    assert "2 seeds: no verdict" in advice.told("autoencoder", found, atlas)
    alone = cells(made(1))
    found = advice.advise("autoencoder", 3e5, atlas=alone)
    assert "1 seed: no verdict" in advice.told("autoencoder", found, alone)


def test_a_device_is_a_task_of_its_own():
    on_gpu = [
        row | {"row": "autoencoder@gpu" + row["row"][len("autoencoder") :]}
        for row in made(5)
    ]
    atlas = cells([*made(5), *on_gpu])
    assert [*atlas["tasks"]] == ["autoencoder", "autoencoder@gpu"]
    names = {advice.named("autoencoder", d, atlas) for d in ("", "cpu")}
    assert names == {"autoencoder"}
    assert advice.named("autoencoder", "gpu", atlas) == "autoencoder@gpu"
    with pytest.raises(UserError, match="on cpu alone, not on gpu"):
        advice.named("autoencoder", "gpu", cells(made(5)))
    devices = ("AMD EPYC", "2 x NVIDIA H100 80GB HBM3", "TPU v4")
    assert [table.kind(each) for each in devices] == ["cpu", "gpu", "tpu"]


def test_advice_is_the_cheapest_that_is_not_told_worse():
    atlas = cells(made())
    found = advice.advise("autoencoder", atlas=atlas)
    assert [c["upsampler"] for c in found] == ["conv_transpose", "nearest_conv"]
    words = advice.told("autoencoder", found, atlas)
    assert "--config.model.upsampler=conv_transpose" in words
    assert "not told apart" in words or "the best mean" in words
    dear = advice.advise("autoencoder", 1.5e5, atlas)
    assert {c["upsampler"] for c in dear} == {"conv_transpose"}
    with pytest.raises(UserError, match="cheapest takes 100k"):
        advice.advise("autoencoder", 10.0, atlas)
    for ask in (advice.advise, lambda t, atlas: advice.named(t, "", atlas)):
        with pytest.raises(UserError, match="did you mean 'autoencoder'"):
            ask("autoencodr", atlas=atlas)


def test_the_page_holds_its_data_and_a_card_a_layer(tmp_path):
    atlas = cells(made())
    text = page(atlas, tmp_path)
    held = re.search(r'id="data">(.*?)</script>', text, re.S)
    assert json.loads(held[1].replace("<\\/", "</")) == json.loads(json.dumps(atlas))
    assert text.count("<section") == len(PRICES) == text.count("data:image/png")
    assert "http" not in text.replace("http://www.w3.org", "")


def test_a_row_again_is_equal_within_or_outside():
    again = lambda now: Again("row", "psnr", 20.0, now, 19.5, 20.5, True)
    assert again(20.0).equal and again(20.0).within
    assert not again(20.3).equal and again(20.3).within
    assert "OUTSIDE" in again(19.0).words() and not again(19.0).within


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
