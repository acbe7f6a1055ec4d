"""The audit of pictures alone: sentences, figures, page."""

import html

import numpy as np
import pytest

from deconvgen.audit.picture_audit import audit_pictures
from deconvgen.audit.picture_page import write_page
from deconvgen.core import images
from deconvgen.core.errors import UserError

RNG = np.random.default_rng(0)


def smooth(n, size=48):
    """Pictures whose spectrum falls as that of photographs [n, size, size, 1]."""
    f = np.fft.fftfreq(size)
    falling = 1 / (np.hypot(f[:, None], f) + 1 / size)
    noise = np.fft.fft2(RNG.normal(size=(n, size, size)), axes=(1, 2))
    x = np.fft.ifft2(noise * falling, axes=(1, 2)).real
    return np.clip(0.4 * x / x.std(), -1, 1)[..., None]


@pytest.fixture(scope="module")
def sets():
    real, uneven = smooth(24), smooth(24)
    uneven *= np.where(np.arange(48) % 2, 1.0, 1.4)[:, None]
    return images.to_uint8(real), images.to_uint8(uneven)


@pytest.fixture(scope="module")
def found(sets):
    return audit_pictures(sets[1], sets[0])


def test_a_grid_is_found_beside_real_pictures_and_lasts(found):
    assert found.figures["period"] == 2 and found.figures["period_db"] > 10
    assert found.figures["phase_ratio"] > 1.2 > found.figures["real_phase_ratio"]
    assert found.figures["after_JPEG_90_period"] == 2
    assert any(text.startswith("Period 2:") for text in found.said)
    assert any("After JPEG-90 period 2 is still there" in text for text in found.said)


def test_no_grid_is_found_where_there_is_none(sets):
    found = audit_pictures(sets[0], changes=("as they are",))
    assert found.figures["period"] == 0 == found.figures["seam_period"]
    assert "no grid found" in found.said[0]


def test_jpeg_is_called_jpeg(sets, tmp_path):
    for i, pixels in enumerate(sets[0]):
        images.picture(pixels).save(tmp_path / f"{i}.jpg", quality=60)
    found = audit_pictures(tmp_path, changes=("as they are",))
    assert found.figures["jpeg_comb"] > 0.3 and found.figures["jpeg_files"] == 24
    assert found.figures["not_jpeg_period_db"] == 0
    assert any("24 files are JPEG" in text for text in found.said)
    assert not any(text.startswith(("Period 8: the", "Seams")) for text in found.said)


def test_the_page_needs_no_other_file(found, tmp_path):
    page = write_page(found, tmp_path / "page.html").read_text()
    assert page.count("data:image/png;base64,") == 7 and "://" not in page
    for text in found.said:
        assert html.escape(text) in page


def test_pictures_that_are_too_small():
    with pytest.raises(UserError, match="12 x 12 pixels have no periods"):
        audit_pictures(np.zeros((4, 12, 12, 1), np.uint8))
