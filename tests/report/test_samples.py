"""A sheet of samples is cut again into what it shows."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deconvgen import config
from deconvgen.core import images
from deconvgen.report import samples as report_pictures
from deconvgen.report.results import result
from deconvgen.sweep.plan import Trial
from tests.tiny import described


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


@pytest.mark.parametrize("columns", [0, 10])
def test_the_grid_of_a_conditional_run_has_a_class_in_each_column(columns, tmp_path):
    """And that of one which is older is square."""
    draw = np.random.default_rng(0)
    pixels = draw.integers(0, 256, (64, 28, 28, 1), np.uint8)
    path = tmp_path / "samples" / "00000004.png"
    images.save(images.grid(images.to_float(pixels), columns), path, 512)
    made = described("gan", (28, 28, 1), 10, ("model.conditional=true",))
    made.num_samples = 64
    config.save(made, tmp_path / "config.json")
    found = report_pictures.sheet(result(tmp_path, Trial("x", {}, "dcgan", [])))
    np.testing.assert_array_equal(found.cells, pixels)


def test_what_the_model_made_is_last_or_before_the_original():
    cells = np.repeat(np.arange(4, dtype=np.uint8), 5)[None, None, :, None]
    sheet = report_pictures.Sheet(np.tile(cells, (1, 5, 1, 1)), 5)
    assert (sheet.made() == 2).all()  # nearest | bicubic | made | original
    pair = report_pictures.Sheet(sheet.cells[:, :, :10], 5)
    assert (pair.made() == 1).all()  # original | made
