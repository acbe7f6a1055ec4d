"""What the layers of an atlas made: kept from the runs, shown on the page."""

import numpy as np
import pytest

from deconvgen.core import images
from deconvgen.report import samples
from deconvgen.report.atlas import pictures
from deconvgen.report.atlas.cells import cells
from deconvgen.report.atlas.page import page
from deconvgen.report.atlas.rows import rows
from deconvgen.report.study import studies
from deconvgen.sweep import plan as experiment
from tests.report.made import write_run

FILE = """
from deconvgen.sweep import chain, seeds
QUESTION = "Which?"
BASE = "gan:smoke"
RUNS = seeds(chain([{"model.upsampler": u, "model.initializer": i} for u, i in (
    ("conv_transpose", "default"), ("conv_transpose", "bilinear"),
    ("nearest_conv", "default"))]), 2)
MEASURES = {"frechet_random": "min"}
SIZES = {"full": []}
"""


@pytest.fixture
def folder(tmp_path):
    """Finished runs; bilinear is the better start of `conv_transpose`."""
    (tmp_path / "mine.py").write_text(FILE)
    plan = experiment.save(experiment.load(str(tmp_path / "mine.py")), tmp_path)
    for trial in plan.trials:
        level = 1.0 if trial.setting["model.initializer"] == "bilinear" else 2.0
        write_run(experiment.place(tmp_path, trial), trial, level)
    return tmp_path


def names(folder):
    return sorted(path.name for path in folder.glob("*"))


def test_of_each_layer_its_best_start_s_first_seed_is_kept(folder, tmp_path):
    found, out = studies([folder]), tmp_path / "pictures"
    atlas = cells(rows(found))
    pictures.keep(found, atlas, out)
    kept = ["gan.conv_transpose.bilinear.0.png", "gan.nearest_conv.default.0.png"]
    assert names(out) == kept
    strip = images.load(out / kept[0], 1)
    assert strip.shape == (28, 29 * samples.STRIP - 1, 1)
    first = np.random.default_rng(0).uniform(-1, 1, (64, 28, 28, 1))[0]
    np.testing.assert_allclose(strip[:, :28], first, atol=1 / 120)

    shown = page(atlas, out)
    assert shown.count("<figure>") == 2 and shown.count("<section") == 2
    assert "alt='gan: not judged, by bilinear, seed 0'" in shown
    assert shown.count("data:image/png") == 4 > page(atlas, folder).count("data:image")


def test_another_best_start_takes_the_place_and_no_run_leaves_it(folder, tmp_path):
    found, out = studies([folder]), tmp_path / "pictures"
    atlas = cells(rows(found))
    pictures.keep(found, atlas, out)
    for cell in atlas["tasks"]["gan"]["cells"]:
        if cell["upsampler"] == "conv_transpose":
            cell["initializer"] = "default"
    pictures.keep(found, atlas, out)
    pictures.keep([], atlas, out)
    kept = ["gan.conv_transpose.default.0.png", "gan.nearest_conv.default.0.png"]
    assert names(out) == kept
    cell = {"upsampler": "conv_transpose", "initializer": "default"}
    assert pictures.kept(out, "gan", cell).name == kept[0]
    for other in ({"initializer": "bilinear"}, {"upsampler": "conv"}):
        assert pictures.kept(out, "gan", cell | other) is None


def test_examples_of_most_contrast_come_first_and_samples_stay():
    plain = np.zeros((3, 4, 8, 1), np.uint8)
    plain[2, :2, :4] = 255
    shown = pictures.telling(samples.Sheet(plain, 4)).cells
    assert shown[0].any() and not shown[1:].any()
    assert pictures.telling(samples.Sheet(plain, 8)).cells is plain
