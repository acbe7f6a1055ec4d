"""What a sweep says: statistics against their definitions, and a page that stands."""

import csv
import json
import re

import numpy as np
import pytest
from ml_collections import ConfigDict

from deconvgen import config
from deconvgen.core import images
from deconvgen.core.errors import UserError
from deconvgen.report import (
    figures as report_plots,
)
from deconvgen.report import (
    part as parts,
)
from deconvgen.report import (
    results,
)
from deconvgen.report import (
    study as studies,
)
from deconvgen.report import (
    text as report_text,
)
from deconvgen.report import (
    verdict as report_verdict,
)
from deconvgen.report import (
    words as report_words,
)
from deconvgen.report import (
    write as report,
)
from deconvgen.sweep import plan as experiment
from deconvgen.sweep import worker

FILE = """
from deconvgen.sweep import choose, product, seeds
QUESTION = "Which <layer>?"
BASE = "dcgan:smoke"
RUNS = seeds(product(
    choose("model.upsampler", ["conv_transpose", "nearest_conv", "depth_to_space"]),
    choose("model.residual", [False, True]),
), 6)
MEASURES = {"psnr": "max", "frechet_*": "min"}
PRIMARY = "frechet_*"
TEST = "tukey"
DESIGN = {"full": {"seeds": 6, "tells": 0.5}}
SIZES = {"full": []}
"""
LEVEL = {"conv_transpose": 10.0, "nearest_conv": 5.0, "depth_to_space": 5.05}


def write_run(place, trial, value, early=10.0, **figures):
    """A run folder as training would leave it, without training.

    Half way, its value is by `early` more.
    """
    images_shape = (28, 28, 1)
    place.mkdir(parents=True)
    loaded = ConfigDict(config.load(trial.config, trial.overrides).to_dict())
    loaded.data.image_shape = images_shape
    loaded.monitor.metric, loaded.monitor.mode = "frechet_random", "min"
    config.save(loaded, place / "config.json")
    evals = [
        {
            "step": s,
            "kind": "eval",
            "frechet_random": value + (early if s == 10 else 0),
            "split": "test",
            **figures,
        }
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
    """A sweep whose answers are known; three runs failed."""
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
        if index in (0, 1, 2):
            worker.record(place, {"state": "failed", "error": "d_loss became <nan>"})
        else:
            write_run(place, trial, value)
    return folder


def test_the_answer_names_the_best_what_it_beats_and_what_is_missing(folder):
    plan, found = results.collect(folder)
    (part,) = parts.parts(plan, found)
    assert part.measures == {"frechet_random": "min"} and part.missing == ["psnr"]
    text = report_verdict.answer(part)
    assert (
        "has the lowest Frechet distance (random): " in text
        and "6 seeds, 20 steps" in text
    )
    assert "3 of 36 runs are not finished" in text
    order = part.order("frechet_random")
    assert order[0].startswith("nearest_conv") and "residual true" in order[0]
    against = part.analysis("frechet_random").against
    assert against["nearest_conv, residual false"].told
    assert "No verdict on “conv_transpose, residual false”" in text
    assert "power is 0.0" in text and "planned was 0.500" in text


def test_test_figures_answer_and_validation_figures_choose(tmp_path):
    """Runs without validation in the same sweep have test figures alone."""
    (tmp_path / "mine.py").write_text(FILE)
    plan = experiment.save(experiment.load(str(tmp_path / "mine.py")), tmp_path)
    for trial in plan.trials:
        place = experiment.place(tmp_path, trial)
        if trial.group == plan.trials[0].group:
            write_run(place, trial, 7.0)
            continue
        write_run(place, trial, 3.0, early=-1.0, split="validation")
        with (place / "metrics.jsonl").open("a") as file:
            for step in (20, 10):
                record = {"step": 20, "kind": "test", "split": "test"}
                record |= {"checkpoint": step, "frechet_random": 4.0 + step}
                record |= {"frechet_random_floor": 0.5, "frechet_random_sd": 0.25}
                file.write(json.dumps(record) + "\n")
    plan, found = results.collect(tmp_path)
    (part,) = parts.parts(plan, found)
    assert part.measures == {"test/frechet_random": "min"}
    at = {a: part.table("test/frechet_random", a) for a in ("last", "best")}
    old, *new = at["last"]
    assert [{*at["last"][key].values()} for key in (old, new[0])] == [{7.0}, {24.0}]
    assert [{*at["best"][key].values()} for key in (old, new[0])] == [{7.0}, {14.0}]
    assert found[-1].last["validation/frechet_random"] == 3.0
    (remark,) = [r for r in report_text.remarks(part) if "two sets of real" in r]
    assert "is 0.5000 between" in remark and "by 0.2500 (one" in remark
    page = report.report([tmp_path])[0].read_text()
    assert "chosen on the validation images" not in page  # the old ones were not
    assert "Frechet distance (random) while training" in page


def test_turning_a_switch_has_its_effect_and_interval(folder):
    plan, found = results.collect(folder)
    (part,) = parts.parts(plan, found)
    (sentence,) = report_text.switches(part, "frechet_random")
    told = r"residual false \+([.\d]+) \(([.\d]+) to ([.\d]+)\) against residual true"
    effect, low, high = map(float, re.search(told, sentence).groups())
    assert low <= effect <= high and effect == pytest.approx(2, abs=0.05)
    (shared,) = report_text.variance_sentences(part, "frechet_random")
    assert re.search(r"upsampler \d+ % \(p < 0.001\); residual \d+ % \(p <", shared)


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
        "<script " not in text
        and "@import" not in text
        and "url(" not in (re.sub(r"url\(#", "", text))
    )


def test_the_page_tells_everything(written):
    text = written[".html"].read_text()
    assert "Which &lt;layer&gt;?" in text and "<layer>" not in text
    assert "d_loss became &lt;nan&gt;" in text
    assert "33 finished, 3 failed" in text
    assert text.count("deconvgen sweep mine.py --workdir=x") == 1
    assert "deconvgen train --config=dcgan:smoke --config.model.upsampler=" in text
    assert text.count("<figure class=strip>") == 13  # close-ups, the real ones', strips
    assert "<table class=sorts>" in text and "of 255 grey levels" in text
    for name in (
        "ranking by",
        "power (dB) over",
        "Frechet distance (random) over step",
    ):
        assert f'aria-label="{name}' in text
    assert (
        'aria-label="Frechet distance (random) against multiply-adds to sample"' in text
    )


def test_markdown_and_csv_have_the_same_means(written):
    with written["settings"].open() as file:
        rows = list(csv.DictReader(file))
    means = {row["setting"]: float(row["mean"]) for row in rows}
    text = written[".md"].read_text()
    for setting, mean in means.items():
        assert f"| {setting} | {report_words.number(mean)}" in text
    with written["runs"].open() as file:
        runs = list(csv.DictReader(file))
    assert len(runs) == 36 and runs[0]["state"] == "failed"
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
    _, found = studies.gather([folder, other])
    assert [r.state for r in found].count("finished") == 34


def test_before_the_end_there_is_no_verdict(folder, tmp_path):
    """Whoever looks after every run finds something by chance sooner or later."""
    plan, found = results.collect(folder)
    (part,) = parts.parts(plan, [found[0]._replace(state="to do"), *found[1:]])
    text = report_verdict.answer(part)
    assert "No verdict before the end: 1 planned run is still to come" in text
    assert "better" not in text and not part.analysis("frechet_random").judged


def test_folders_of_unlike_designs_are_refused(folder, tmp_path):
    text = (folder / "mine.py").read_text()
    (tmp_path / "mine.py").write_text(text.replace('"tells": 0.5', '"tells": 0.4'))
    other = tmp_path / "other"
    experiment.save(experiment.load(str(tmp_path / "mine.py")), other)
    with pytest.raises(UserError, match="another design"):
        studies.gather([folder, other])
    plan = experiment.load(str(folder / "mine.py"))._replace(design=None)
    experiment.save(plan, tmp_path / "unnamed")
    assert studies.gather([folder, tmp_path / "unnamed"])[0].design is None


def test_of_equal_states_the_one_that_is_further_on_is_taken(folder, tmp_path):
    trial = experiment.load(str(folder / "mine.py")).trials[1]
    places = []
    for name, steps in (("one", (10,)), ("two", (10, 20)), ("three", ())):
        plan = experiment.load(str(folder / "mine.py"))
        experiment.save(plan, tmp_path / name)
        place = experiment.place(tmp_path / name, trial)
        place.mkdir(parents=True)
        lines = [json.dumps({"step": s, "kind": "eval"}) + "\n" for s in steps]
        (place / "metrics.jsonl").write_text("".join(lines))
        places.append(tmp_path / name)
    _, found = studies.gather(places)
    assert found[1].state == "begun" and found[1].step == 20


@pytest.mark.parametrize(
    "common, size, told",
    [
        (["ema=0.5"], "[]", "ema=0.5"),
        ([], '[{"steps": 7}]', "steps=7"),
        ([], '[{"config": "dcgan:smoke", "ema": 0.1}]', "ema=0.1"),
    ],
)
def test_folders_whose_runs_are_declared_otherwise_are_refused(
    folder, tmp_path, common, size, told
):
    text = (folder / "mine.py").read_text()
    changed = tmp_path / "mine.py"
    changed.write_text(text.replace('"full": []', f'"full": {size}'))
    experiment.save(experiment.load(str(changed), common=common), tmp_path / "other")
    with pytest.raises(UserError, match=f"{told}.*: report them one by one"):
        report.report([folder, tmp_path / "other"], tmp_path)
    more = 'RUNS = [run | {"seed": run["seed"] + 9} for run in RUNS]\n'
    changed.write_text(changed.read_text() + more)  # no run is in both
    experiment.save(experiment.load(str(changed), common=common), tmp_path / "more")
    with pytest.raises(UserError, match=told):
        studies.gather([folder, tmp_path / "more"])


def test_several_experiments_are_a_chapter_each(folder, tmp_path):
    text = (folder / "mine.py").read_text().replace("Which <layer>?", "And yours?")
    (tmp_path / "yours.py").write_text(text)
    experiment.save(experiment.load(str(tmp_path / "yours.py")), tmp_path / "yours")
    page, told, *_ = report.report([folder, tmp_path / "yours"], tmp_path / "out")
    text = page.read_text()
    assert text.count('<section class="study"') == 2
    assert text.index("Which &lt;layer&gt;?</h1>") < text.index("And yours?</h1>")
    assert '<a href="#study-2">And yours?</a>' in text and 'id="study-2"' in text
    assert told.read_text().count("\n# ") == 1  # and the first line
    with (tmp_path / "out" / "runs.csv").open() as file:
        names = [row["experiment"] for row in csv.DictReader(file)]
    assert (names.count("mine"), names.count("yours")) == (36, 36)


def test_significance_best_step_legend_and_real_images_are_shown(folder, tmp_path):
    """Of a sweep with three measures, one of which has its best before the end."""
    text = (folder / "mine.py").read_text()
    text = text.replace('"psnr": "max"', '"kid_*_mean": "min", "replica_db_s2": "real"')
    (tmp_path / "mine.py").write_text(text)
    plan = experiment.save(experiment.load(str(tmp_path / "mine.py")), tmp_path)
    rng = np.random.default_rng(0)
    for trial in plan.trials:
        layer, seed = trial.setting["model.upsampler"], trial.setting["seed"]
        value = LEVEL[layer] + seed + 0.01 * rng.standard_normal()
        more = {"kid_random_mean": -value, "replica_db_s2": value / 4}
        more["replica_db_s2_real"] = 2.5
        write_run(experiment.place(tmp_path, trial), trial, value, early=-3, **more)
    page, told, table, _ = report.report([tmp_path])
    text = page.read_text()
    first, best = text.split(
        "At each run&#x27;s best evaluation by Frechet distance (random)"
    )
    assert first.count("<small>best</small>") == best.count("<small>best</small>") == 3
    judged = re.findall("<small>[+][^<]* to [^<]*p [=&]", first)
    assert len(judged) == 5  # every other setting, by the primary measure
    assert " to " not in "".join(re.findall("<small>[^<]*", best.split("<h3>")[0]))
    assert "the real images</th><td></td><td></td><td>2.500</td>" in text
    assert "unbiased for few of them; 0 is alike; lower is better <code>" in text
    assert "<dt>kernel distance (random)</dt>" in text
    assert 'aria-label="Frechet distance (random) against multiply-adds' in text
    assert "| the real images |  |  | 2.500 |" in told.read_text()
    assert "- kid_random_mean: kernel distance" in told.read_text()
    with table.open() as file:
        rows = list(csv.DictReader(file))
    judged = {(r["at"], r["measure"]) for r in rows if r["p"]}
    assert judged == {("last", "frechet_random")}
    assert len([r for r in rows if r["difference"]]) == 2 * 3 * 5


def test_a_ranking_tells_what_its_border_cuts_off():
    table = {"tame": {0: 1.0, 1: 1.1}, "calm": {0: 2.0, 1: 2.1}}
    colours = dict.fromkeys(["tame", "calm", "wild"], "#000000")
    whole, cut = report_plots.ranking(table, list(table), colours, "x")
    assert not cut
    table["wild"] = {0: 1.0, 1: 90.0}
    table |= {f"more {i}": {0: 1.0 + i, 1: 1.2 + i} for i in range(3)}
    colours |= dict.fromkeys(table, "#000000")
    picture, cut = report_plots.ranking(table, list(table), colours, "x")
    assert cut and picture.count("<path") > whole.count("<path")


def test_a_folder_without_a_sweep_is_told_so(tmp_path):
    with pytest.raises(UserError, match="is no sweep folder"):
        report.report([tmp_path])


@pytest.mark.parametrize(
    "value, text",
    [(0.0, "0.0000"), (12.3456, "12.35"), (1234.5, "1,234"), (1e-7, "1e-07")],
)
def test_numbers_have_four_digits(value, text):
    assert report_words.number(value) == text
