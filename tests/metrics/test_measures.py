"""One table says of every figure what it is and which way it should go."""

import numpy as np
import pytest

from deconvgen import config
from deconvgen.cli.tables import label
from deconvgen.core.errors import UserError
from deconvgen.core.numbers import shown
from deconvgen.metrics.measures import (
    ARROWS,
    WAYS,
    direction,
    find,
    legend,
    measures,
    place,
)
from deconvgen.runs import rehearsal
from deconvgen.runs import setup as runs
from deconvgen.sweep import plan as experiment
from tests.tiny import SMALL


@pytest.mark.parametrize("task", ["gan", "segmentation", "superres", "vae"])
def test_every_figure_of_an_evaluation_has_a_row(task):
    name, *small = SMALL[task]
    settings = config.load(f"{name}:smoke", (*small, "eval.extractor=random"))
    classes = ("a", "b") if task == "segmentation" else ()
    settings = runs.describe(settings, (32, 32, 1), len(classes), classes)
    example = {"image": np.zeros((2, 32, 32, 1), "f4"), "mask": np.ones(2, "f4")}
    if classes:
        example["segmentation"] = np.zeros((2, 32, 32), np.uint8)
    names = rehearsal.rehearse(settings, example)
    assert names and not [name for name in names if find(name) is None]


def test_the_rows_are_whole():
    groups = [row.group for row in measures().values()]
    assert [*dict.fromkeys(groups)] == [
        *("quality", "task", "artifact", "cost", "training")
    ]
    assert groups == sorted(groups, key=[*dict.fromkeys(groups)].index)
    for key, row in measures().items():
        assert row.title and row.about and row.better in ("", *WAYS), key
        assert row.needs in ("", "neighbours", "spectra"), key
    assert WAYS.keys() == ARROWS.keys()


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("fid", "fid"),
        ("frechet_random", "frechet_*"),
        ("frechet_random_floor", "*_floor"),
        ("frechet_random_infinity", "*_infinity"),
        ("copies_random_low", "*_low"),
        ("psnr_y_bicubic", "*_bicubic"),
        ("whole_psnr_y", "*psnr_y"),
        ("boundary_iou_bag", "boundary_iou*"),
        ("iou_bag", "iou_*"),
        ("phase_detail_ratio_s2_real", "*_real"),
        ("gradient_replica_db_s4", "gradient_replica_db_s*"),
        ("seconds", "seconds"),
    ],
)
def test_a_figure_is_of_the_row_that_is_meant(name, key):
    assert find(name).key == key


def test_early_stopping_looks_in_the_direction_of_the_table():
    metric = lambda *given: runs.describe(config.load(*given), (28, 28, 1)).monitor
    assert metric("autoencoder:smoke").mode == "max"  # psnr
    assert metric("dcgan:smoke").mode == "min"  # frechet
    assert metric("dcgan:smoke", ["monitor.metric=precision_random"]).mode == "max"
    given = ["monitor.metric=psnr", "monitor.mode=min"]
    assert metric("autoencoder:smoke", given).mode == "min"
    assert direction("a figure of one's own") == "min"


def test_a_run_from_before_directions_were_looked_up_keeps_the_lowest(tmp_path):
    old, path = config.load("vae:smoke"), tmp_path / "config.json"
    del old.monitor.mode
    config.save(old, path)
    assert config.read(path).monitor.mode == "min"


def test_an_experiment_takes_its_directions_from_the_table(tmp_path):
    path = tmp_path / "asked.py"
    text = 'QUESTION = "Why?"\nBASE = "dcgan:smoke"\nRUNS = [{"seed": 0}]\n'
    path.write_text(text + 'MEASURES = ["kid_*_mean", "psnr", "replica_db_s2"]\n')
    found = experiment.load(str(path)).measures
    assert found == {"kid_*_mean": "min", "psnr": "max", "replica_db_s2": "real"}
    path.write_text(text + 'MEASURES = {"mine": "max"}\n')
    assert experiment.load(str(path)).measures == {"mine": "max"}
    path.write_text(text + 'MEASURES = ["mine"]\n')
    with pytest.raises(UserError, match="no direction for 'mine': give"):
        experiment.load(str(path))


def test_tables_and_reports_read_it():
    names = ["seconds", "replica_db_s2", "one's own", "frechet_random", "psnr", "miou"]
    order = ["psnr", "miou", "frechet_random", "one's own", "replica_db_s2", "seconds"]
    assert sorted(names, key=place) == order
    ((_, told),) = legend([("psnr", "max")])
    assert told.startswith("PSNR: ") and told.endswith(", in dB; higher is better")
    record = {"images_real_random": 6.0, "images_fake_random": 7.0, "split": "test"}
    assert label("kid_random_mean", record) == "kid_random_mean (6 test / 7 generated)"
    assert label("iou_random", record) == "iou_random"
    values = (0.12345678, 1234.5, 3, "nan", float("nan"), 1e-9)
    assert [*map(shown, values)] == ["0.1235", "1,234", "3", "nan", "nan", "1e-09"]
