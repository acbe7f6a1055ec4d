"""Grids of conditional models: a column a class, while training and after."""

import numpy as np
from PIL import Image

from deconvgen.runs import setup
from deconvgen.runs.sampling import kinds
from deconvgen.training.log import Log
from tests.tiny import untrained


def test_a_conditional_model_has_a_class_in_each_column():
    run = untrained("gan", classes=3, overrides=("model.conditional=true",))
    assert run.columns == setup.class_columns(run.config) == 3
    labels = run.blank(9)["label"].reshape(3, 3)
    assert (labels == np.arange(3)).all()
    sheet = kinds["grid"](run, 6, 0, "")
    h, w, _ = run.image_shape
    assert sheet.shape[:2] == (2 * h + 1, 3 * w + 2)


def test_others_have_square_grids():
    assert untrained("gan", classes=3).columns == 0
    many = untrained("gan", classes=21, overrides=("model.conditional=true",))
    assert many.columns == 0


def test_the_log_draws_as_many_columns_as_it_is_told(tmp_path):
    log = Log(tmp_path, b"", 0, writes=True)
    path = log.pictures(1, "samples", np.zeros((6, 4, 4, 1), np.float32), 3)
    log.close()
    with Image.open(path) as picture:
        width, height = picture.size
    assert width / height == (3 * 5 - 1) / (2 * 5 - 1)
