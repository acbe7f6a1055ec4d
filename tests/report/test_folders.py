"""Reports of a folder, of several folders of an experiment, and of several."""

import csv
import json

import pytest

from deconvgen.core.errors import UserError
from deconvgen.report import study as studies
from deconvgen.report import write as report
from deconvgen.sweep import plan as experiment
from tests.report.made import write_run


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


def test_a_folder_without_a_sweep_is_told_so(tmp_path):
    with pytest.raises(UserError, match="is no sweep folder"):
        report.report([tmp_path])
