"""What a sweep says: statistics against their definitions, and a page that stands."""

import csv
import json
import re

import numpy as np
import pytest

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
from tests.report.made import FILE, LEVEL, write_run


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


def test_before_the_end_there_is_no_verdict(folder, tmp_path):
    """Whoever looks after every run finds something by chance sooner or later."""
    plan, found = results.collect(folder)
    (part,) = parts.parts(plan, [found[0]._replace(state="to do"), *found[1:]])
    text = report_verdict.answer(part)
    assert "No verdict before the end: 1 planned run is still to come" in text
    assert "better" not in text and not part.analysis("frechet_random").judged


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


@pytest.mark.parametrize(
    "value, text",
    [(0.0, "0.0000"), (12.3456, "12.35"), (1234.5, "1,234"), (1e-7, "1e-07")],
)
def test_numbers_have_four_digits(value, text):
    assert report_words.number(value) == text
