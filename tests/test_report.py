"""What a sweep says: statistics against their definitions, and a page that stands."""

import csv
import json
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ml_collections import ConfigDict

from deconvgen import (
    config,
    experiment,
    images,
    report,
    report_pictures,
    report_text,
    results,
    statistics,
    worker,
)
from deconvgen.errors import UserError


@given(
    n=st.integers(1, 9),
    h=st.integers(5, 12),
    w=st.integers(5, 12),
    k=st.integers(1, 3),
    smallest=st.sampled_from([0, 100]),
)
@settings(max_examples=25, deadline=None)
def test_cutting_undoes_the_grid(tmp_path_factory, n, h, w, k, smallest):
    pixels = np.random.default_rng(n).integers(0, 256, (n, h, w * k, 1), np.uint8)
    path = tmp_path_factory.mktemp("cut") / "grid.png"
    images.save(images.grid(images.to_float(pixels)), path, smallest)
    found = report_pictures.cut(path, h, w, n)
    np.testing.assert_array_equal(found.cells, pixels)
    assert found.made().shape == (n, h, w, 1)


def test_what_the_model_made_is_last_or_before_the_original():
    cells = np.repeat(np.arange(4, dtype=np.uint8), 5)[None, None, :, None]
    sheet = report_pictures.Sheet(np.tile(cells, (1, 5, 1, 1)), 5)
    assert (sheet.made() == 2).all()  # nearest | bicubic | made | original
    pair = report_pictures.Sheet(sheet.cells[:, :, :10], 5)
    assert (pair.made() == 1).all()  # original | made


FILE = """
from deconvgen.sweep import choose, product, seeds
QUESTION = "Which <layer>?"
BASE = "dcgan:smoke"
RUNS = seeds(product(
    choose("model.upsampler", ["conv_transpose", "nearest_conv", "depth_to_space"]),
    choose("model.residual", [False, True]),
), 3)
MEASURES = {"frechet_*": "min", "psnr": "max"}
SIZES = {"full": []}
"""
LEVEL = {"conv_transpose": 10.0, "nearest_conv": 5.0, "depth_to_space": 5.05}


def write_run(place, trial, value, images_shape=(28, 28, 1)):
    """A run folder as training would leave it, without training."""
    place.mkdir(parents=True)
    loaded = ConfigDict(config.load(trial.config, trial.overrides).to_dict())
    loaded.data.image_shape = images_shape
    loaded.monitor.metric = "frechet_random"
    config.save(loaded, place / "config.json")
    evals = [
        {"step": s, "kind": "eval", "frechet_random": value + 20 - s, "split": "test"}
        for s in (10, 20)
    ]
    cost = {
        "step": 20,
        "kind": "cost",
        "multiply_adds_sample": 1000.0 * len(trial.group),
    }
    lines = [json.dumps(record) for record in [*evals, cost]]
    (place / "metrics.jsonl").write_text("\n".join(lines) + "\n")
    rng = np.random.default_rng(int(trial.setting["seed"]))
    cells = rng.uniform(-1, 1, (loaded.num_samples, *images_shape))
    images.save(images.grid(cells), place / "samples" / "00000020.png", 512)
    worker.record(place, {"state": "finished", "step": 20, "seconds": 2.0})


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A sweep whose answers are known; one run failed, one has not begun."""
    folder = tmp_path_factory.mktemp("sweep")
    (folder / "mine.py").write_text(FILE)
    plan = experiment.save(experiment.load(str(folder / "mine.py")), folder)
    (folder / "commands.txt").write_text("deconvgen sweep mine.py --workdir=x\n" * 2)
    rng = np.random.default_rng(0)
    for index, trial in enumerate(plan.trials):
        place = experiment.place(folder, trial)
        layer = trial.setting["model.upsampler"]
        value = LEVEL[layer] - 2 * trial.setting["model.residual"]
        value += trial.setting["seed"] + 0.01 * rng.standard_normal()
        if index == 0:
            worker.record(place, {"state": "failed", "error": "d_loss became <nan>"})
        elif index != 1:
            write_run(place, trial, value)
    return folder


def test_the_answer_names_the_best_what_it_beats_and_what_is_missing(folder):
    plan, found = results.collect(folder)
    (part,) = results.parts(plan, found)
    assert part.measures == {"frechet_random": "min"} and part.missing == ["psnr"]
    text = report_text.answer(part)
    assert "has the lowest frechet_random: " in text and "3 seeds, 20 steps" in text
    assert "2 of 18 runs are not finished" in text
    order = statistics.ranking(part.table("frechet_random"), "min")
    assert order[0].startswith("nearest_conv") and "residual true" in order[0]
    comparison = statistics.against_best(part.table("frechet_random"), "min")
    assert comparison["nearest_conv, residual false"].corrected < 0.05


def test_turning_a_switch_has_its_effect_and_interval(folder):
    plan, found = results.collect(folder)
    (part,) = results.parts(plan, found)
    (sentence,) = report_text.switches(part, "frechet_random")
    assert sentence.startswith("residual true instead of false changes")
    effect = float(re.search(r"by ([-+.\d]+)", sentence).group(1))
    assert effect == pytest.approx(-2, abs=0.05)
    shares = {s.name: s for s in report_text.variance(part, "frechet_random")}
    assert shares["upsampler"].share > shares["residual"].share > 0
    assert shares["residual"].p < 0.01


@pytest.fixture(scope="module")
def written(folder):
    return {path.suffix: path for path in report.report([folder])[:2]} | {
        "settings": folder / "settings.csv",
        "runs": folder / "runs.csv",
    }


def test_the_page_needs_no_other_file(written):
    text = written[".html"].read_text()
    links = re.findall(r'(?:src|href)\s*=\s*"([^"]*)"', text)
    outside = [x for x in links if not x.startswith(("data:image/png;base64,", "#"))]
    assert links and not outside
    assert (
        "<script" not in text
        and "@import" not in text
        and "url(" not in (re.sub(r"url\(#", "", text))
    )


def test_the_page_tells_everything(written):
    text = written[".html"].read_text()
    assert "Which &lt;layer&gt;?" in text and "<layer>" not in text
    assert "d_loss became &lt;nan&gt;" in text
    assert "16 finished, 1 failed, 1 to do" in text
    assert text.count("deconvgen sweep mine.py --workdir=x") == 1
    assert "deconvgen train --config=dcgan:smoke --config.model.upsampler=" in text
    assert text.count("<figure class=strip>") == 6
    for name in ("ranking by", "power (dB) over", "frechet_random over step"):
        assert f'aria-label="{name}' in text
    assert 'aria-label="frechet_random against multiply adds sample"' in text


def test_markdown_and_csv_have_the_same_means(written):
    with written["settings"].open() as file:
        rows = list(csv.DictReader(file))
    means = {row["setting"]: float(row["mean"]) for row in rows}
    text = written[".md"].read_text()
    for setting, mean in means.items():
        assert f"| {setting} | {report_text.number(mean)}" in text
    with written["runs"].open() as file:
        runs = list(csv.DictReader(file))
    assert len(runs) == 18 and runs[0]["state"] == "failed"
    values = [
        float(run["frechet_random"])
        for run in runs
        if run["model.upsampler"] == "nearest_conv" and run["model.residual"] == "true"
    ]
    assert np.mean(values) == pytest.approx(means["nearest_conv, residual true"])


def test_a_sweep_that_has_not_begun_has_a_report(folder, tmp_path):
    experiment.save(experiment.load(str(folder / "mine.py")), tmp_path / "new")
    page, *_ = report.report([tmp_path / "new"])
    assert "No run is finished yet" in page.read_text()


def test_folders_of_one_experiment_are_taken_together(folder, tmp_path):
    other = tmp_path / "other"
    plan = experiment.save(experiment.load(str(folder / "mine.py")), other)
    write_run(experiment.place(other, plan.trials[0]), plan.trials[0], 9.0)
    _, found = report.gather([folder, other])
    assert [r.state for r in found].count("finished") == 17
    text = (folder / "mine.py").read_text()
    (tmp_path / "yours.py").write_text(text)
    experiment.save(experiment.load(str(tmp_path / "yours.py")), tmp_path / "yours")
    with pytest.raises(UserError, match="report them one by one"):
        report.report([folder, tmp_path / "yours"])


def test_a_folder_without_a_sweep_is_told_so(tmp_path):
    with pytest.raises(UserError, match="is no sweep folder"):
        report.report([tmp_path])


@pytest.mark.parametrize(
    "value, text",
    [(0.0, "0.0000"), (12.3456, "12.35"), (1234.5, "1,234"), (1e-7, "1e-07")],
)
def test_numbers_have_four_digits(value, text):
    assert report_text.number(value) == text
