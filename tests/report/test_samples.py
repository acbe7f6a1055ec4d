"""A sheet of samples is cut again into what it shows."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from deconvgen.core import images
from deconvgen.report import samples as report_pictures


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


def test_what_the_model_made_is_last_or_before_the_original():
    cells = np.repeat(np.arange(4, dtype=np.uint8), 5)[None, None, :, None]
    sheet = report_pictures.Sheet(np.tile(cells, (1, 5, 1, 1)), 5)
    assert (sheet.made() == 2).all()  # nearest | bicubic | made | original
    pair = report_pictures.Sheet(sheet.cells[:, :, :10], 5)
    assert (pair.made() == 1).all()  # original | made
