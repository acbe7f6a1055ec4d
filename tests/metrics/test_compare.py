"""`deconvgen.measure`: the figures of anybody's images."""

import numpy as np
import pytest

import deconvgen
from deconvgen.core import images
from deconvgen.core.errors import UserError

RNG = np.random.default_rng(0)
REAL = RNG.integers(0, 256, (20, 16, 16, 3)).astype(np.uint8)
BOARD = np.indices((16, 16)).sum(0)[None, :, :, None] % 2 * 2.0 - 1


@pytest.fixture(scope="module")
def same():
    return deconvgen.measure(fake=REAL, real=REAL, batch_size=8)


def test_a_set_against_itself(same):
    assert same["frechet_random"] == pytest.approx(0, abs=1e-3)
    assert same["precision_random"] == same["recall_random"] == 1
    assert same["images_fake_random"] == 20
    assert same["spectrum_distance_db"] == 0


def test_a_checkerboard_is_told(same):
    real = REAL / 127.5 - 1
    found = deconvgen.measure(fake=0.3 * real + 0.5 * BOARD, real=real, batch_size=8)
    assert found["replica_db_s2"] > same["replica_db_s2"] + 3
    assert found["frechet_random"] > 1e-2
    assert found.keys() == same.keys()


def test_folders_are_what_their_pictures_are(same, tmp_path):
    for i, picture in enumerate(REAL):
        images.save(picture, tmp_path / f"{i:03}.png")
    found = deconvgen.measure(fake=tmp_path, real=str(tmp_path), batch_size=8)
    assert found == pytest.approx(same, nan_ok=True)


def test_it_says_what_cannot_be_compared(tmp_path):
    images.save(REAL[0], tmp_path / "a.png")
    images.save(REAL[1, :8], tmp_path / "b.png")
    wrong = {
        r"fake is \[20, 16, 16, 3\] and real \[20, 8, 16, 3\]": REAL[:, :8],
        r"as many images of both": REAL[:7],
        r"its values go from 0 to 255": REAL.astype(np.float32),
        r"not int64": REAL.astype(np.int64),
        r"should be \[n, h, w, c\], not \[20, 16, 16\]": REAL[..., 0],
        r"there is no folder": tmp_path / "none",
        r"pictures of a set are of one size": tmp_path,
    }
    for words, real in wrong.items():
        with pytest.raises(UserError, match=words):
            deconvgen.measure(fake=REAL, real=real)
    with pytest.raises(UserError, match="did you mean 'inception'"):
        deconvgen.measure(fake=REAL, real=REAL, extractor="inceptoin")
