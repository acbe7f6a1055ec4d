"""A sweep whose answers are known."""

import numpy as np
import pytest

from deconvgen.sweep import plan as experiment
from deconvgen.sweep import worker
from tests.report.made import FILE, LEVEL, write_run


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
