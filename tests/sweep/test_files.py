"""The files of a sweep: what is not whole, and who may write them."""

import json

import pytest

from deconvgen.core import files
from deconvgen.core.errors import UserError
from deconvgen.sweep import plan, worker
from deconvgen.sweep import run as sweeping


def test_a_sweep_folder_is_one_process_s(file, tmp_path):
    with (
        files.locked(tmp_path, ""),
        pytest.raises(UserError, match="another process runs the sweep in"),
    ):
        sweeping.sweep(str(file), tmp_path, size="smoke", timing=False)


@pytest.mark.parametrize(
    ("content", "state"),
    [
        ('{"state": "finished", "seconds": 1}', "finished"),
        ('{"state": "failed", "error": "x"}', "failed"),
        ('{"state": "failed"}', None),
        ('{"state": "finished"}', None),
        ('{"state": "finished", "seconds": "1"}', None),
        ('{"state": "fin', None),
        ("[]", None),
        ("", None),
        ("\xff", None),
    ],
)
def test_an_outcome_that_is_not_whole_is_none(tmp_path, content, state):
    (tmp_path / "outcome.json").write_text(content, "latin-1")
    assert worker.outcome(tmp_path).get("state") == state


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda told: told.pop("trials"), "it lacks 'trials'"),
        (lambda told: told.update(trials={}), "'trials' should be a list"),
        (lambda told: told.update(trials=[1]), "trial 1 should hold an object"),
        (lambda told: told["trials"][0].pop("config"), "trial 1 .* lacks 'config'"),
    ],
)
def test_a_plan_that_is_not_whole_is_one_sentence(tmp_path, file, change, words):
    plan.save(plan.load(str(file), "smoke"), tmp_path)
    told = json.loads((tmp_path / "sweep.json").read_text())
    change(told)
    (tmp_path / "sweep.json").write_text(json.dumps(told))
    with pytest.raises(UserError, match=rf"sweep\.json.*{words}"):
        plan.read(tmp_path)
