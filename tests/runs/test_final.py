"""Training looks at validation images; test images are measured once, at the end."""

import numpy as np
import pytest

from deconvgen.cli import main as cli
from deconvgen.core.errors import UserError
from deconvgen.runs import run, trusted
from deconvgen.runs.train import train
from deconvgen.training.log import read
from tests.tiny import gan

EARLY = ("eval_every=2", "monitor.mode=min", "monitor.patience=2", "steps=10")


@pytest.fixture(scope="module", autouse=True)
def few():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trusted, "TRAINING", 64)
        yield


@pytest.fixture(scope="module")
def stopped(tmp_path_factory):
    """A run folder whose first evaluation was its best, and how it ended."""
    folder = tmp_path_factory.mktemp("stopped") / "run"
    return folder, train(gan(*EARLY), folder, quiet=True)


def records(folder, kind):
    return [r for r in read(folder / "metrics.jsonl") if r["kind"] == kind]


def test_the_best_step_and_the_end_of_a_run_are_tested_once(stopped):
    folder, outcome = stopped
    evals, tests = (records(folder, kind) for kind in ("eval", "test"))
    assert {r["split"] for r in evals} == {"validation"}
    assert {r["split"] for r in tests} == {"test"} and list(outcome.tests) == tests
    assert outcome.step < 10 and outcome.step == evals[-1]["step"]  # no patience
    assert [r["step"] for r in tests] == [outcome.step] * 2
    assert [r["checkpoint"] for r in tests] == [outcome.step, outcome.best["step"]]
    last, best = (record["d_loss"] for record in tests)  # the same latents in all
    assert len({last, best, outcome.last["d_loss"], outcome.best["d_loss"]}) == 4
    for record in tests:
        assert 0 < record["frechet_random_floor"] < record["frechet_random"]
        assert 0 < record["frechet_random_sd"] < record["frechet_random"]


def test_they_are_what_an_evaluation_finds(stopped):
    folder, outcome = stopped
    found = run.load(folder, "latest").evaluate()
    (test, _) = outcome.tests
    assert found["split"] == "test"
    for name in ("d_loss", "frechet_random", "frechet_random_floor"):
        np.testing.assert_allclose(found[name], test[name], rtol=1e-3)


@pytest.mark.slow
def test_the_command_names_the_split_and_takes_another(stopped, capsys):
    folder, outcome = stopped
    for split in ("test", "validation"):
        cli.run(["evaluate", f"--workdir={folder}", f"--split={split}"])
        said = " ".join(capsys.readouterr().out.split())
        assert f"{split} images" in said and f"(12 {split} /" in said
    assert (folder / "evaluation.json").exists()
    assert (folder / "evaluation-validation.json").exists()
    found = run.load(folder).evaluate(split="validation")
    np.testing.assert_allclose(found["d_loss"], outcome.best["d_loss"], rtol=1e-4)
    with pytest.raises(UserError, match="did you mean 'test'"):
        run.load(folder).evaluate(split="tset")


@pytest.mark.slow
def test_without_validation_all_figures_are_of_test_images(tmp_path):
    outcome = train(gan("data.validation=0"), tmp_path, quiet=True)
    assert outcome.last["split"] == "test" and not records(tmp_path, "test")
    with pytest.raises(UserError, match=r"no validation images: data\.validation=0"):
        run.load(tmp_path).on("validation")
