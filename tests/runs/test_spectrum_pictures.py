"""The pictures are written, and the worst images come first."""

import matplotlib
import numpy as np
from matplotlib.image import imread

from deconvgen.runs.spectrum_pictures import replica_scores, spectrum_pictures


def test_pictures_and_their_order(tmp_path):
    rng = np.random.default_rng(0)
    real = rng.uniform(-1, 1, (40, 16, 16, 3)).astype(np.float32)
    i = np.arange(16)
    board = ((-1.0) ** (i[:, None] + i))[:, :, None]
    strength = np.linspace(0, 0.5, 40)[:, None, None, None]
    backend = matplotlib.get_backend()
    paths = spectrum_pictures(real, real + strength * board, tmp_path, "a title")
    assert [p.name for p in paths] == ["azimuthal.png", "spectra.png", "worst.png"]
    for path in paths:
        assert imread(path)[..., :3].std() > 0.01
    assert matplotlib.get_backend() == backend


def test_scores_follow_the_strength_and_ignore_strides_without_room():
    power = np.ones((3, 12, 12))
    power[1, 6, 6], power[2, 6, 6] = 10, 100
    np.testing.assert_allclose(replica_scores(power, (2,)), [0, 10, 20], atol=1e-9)
    np.testing.assert_allclose(replica_scores(power, (2, 4)), [0, 10, 20], atol=1e-9)
    np.testing.assert_array_equal(replica_scores(power, (8,)), 0)
