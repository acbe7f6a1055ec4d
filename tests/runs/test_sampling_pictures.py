"""Pictures of one's own through a run: reconstructed, enlarged, segmented."""

import numpy as np
import pytest
from PIL import Image

from deconvgen.core import images
from deconvgen.core.errors import UserError
from deconvgen.runs import photographs as whole
from deconvgen.runs import sampling
from deconvgen.runs import setup as runs
from deconvgen.tasks._class_pictures import segmented, with_legend
from tests.tiny import untrained

SHAPE = (16, 16, 3)


@pytest.fixture
def photo(tmp_path):
    """A picture file, wider than high, red on the left and blue on the right."""
    pixels = np.zeros((40, 80, 3), np.uint8)
    pixels[:, :40, 0] = pixels[:, 40:, 2] = 200
    Image.fromarray(pixels).save(tmp_path / "photo.png")
    return tmp_path / "photo.png"


@pytest.fixture(scope="module")
def autoencoder():
    return untrained("autoencoder", SHAPE)


def test_a_reconstruction_of_ones_own_shows_the_middle_of_it(autoencoder, photo):
    sheet = sampling.kinds["reconstruction"](autoencoder, 4, 0, str(photo))
    assert sheet.shape == (16, 2 * 16 + 1, 3)
    assert sheet[8, 2].tolist() == [200, 0, 0]
    assert sheet[8, 13].tolist() == [0, 0, 200]
    given = sampling.plain.fitted(str(photo), SHAPE)[None]
    made = images.to_uint8(autoencoder.reconstruct(given))[0]
    np.testing.assert_array_equal(sheet[:, 17:], made)


def test_a_denoiser_shows_what_it_was_given():
    overrides = ("corruption.name=gaussian", "corruption.amount=0.5")
    run = untrained("autoencoder", (28, 28, 1), overrides=overrides)
    sheet = sampling.kinds["reconstruction"](run, 3, 0, "")
    assert sheet.shape == (28, 3 * 28, 1)
    clean = images.to_uint8(run.examples(1)["image"][0])
    np.testing.assert_array_equal(sheet[:, :28], clean)
    assert np.abs(sheet[:, 28:56].astype(int) - clean).mean() > 10


def test_images_of_another_shape_are_told(autoencoder):
    for shape in ((16, 16, 3), (2, 16, 16, 1), (2, 8, 8, 3)):
        with pytest.raises(UserError, match=r"should have shape \[n, 16, 16, 3\], not"):
            autoencoder.reconstruct(np.zeros(shape))


def test_a_picture_is_enlarged_by_the_factor(photo):
    run = untrained("superres", SHAPE)
    sheet = sampling.every()["superres"](run, 4, 0, str(photo))
    assert sheet.shape == (80, 160, 3)
    with pytest.raises(UserError, match="wants a run of task segmentation"):
        sampling.every()["segmentation"](run, 4, 0, str(photo))


def test_without_a_picture_a_held_out_photograph_is_enlarged():
    run = untrained("superres", SHAPE)
    photograph = min(whole.photographs(run).values(), key=np.size)
    lowres, truth = whole.pair(run, photograph)
    assert truth.shape == (2 * lowres.shape[0], 2 * lowres.shape[1], 3)
    assert whole.bicubic(run, lowres).shape == truth.shape


def test_superres_has_no_last_upsampler():
    with pytest.raises(UserError, match="superres has one upsampler"):
        untrained("superres", SHAPE, overrides=["model.last_upsampler=nearest_conv"])


def test_a_picture_of_any_size_is_segmented(photo):
    run = untrained("segmentation", SHAPE, classes=3)
    sheet = segmented(run, images.load(photo))
    assert sheet.shape == (40, 3 * 80, 3)
    np.testing.assert_array_equal(sheet[:, :80], np.asarray(Image.open(photo)))
    both = (sheet[:, :80].astype(int) + sheet[:, 80:160]) // 2
    np.testing.assert_array_equal(sheet[:, 160:], both)
    assert with_legend(sheet, ("a", "b", "c")).shape[0] > 40


def test_other_kinds_take_no_picture(photo):
    with pytest.raises(UserError, match="--kind=grid takes no --input"):
        sampling.draw("pretrained:dcgan-fashion", "grid", source=str(photo))


def test_an_image_that_is_not_square_is_evaluated_and_shown():
    run = untrained("autoencoder", (16, 24, 1))
    made = run.reconstruct(np.zeros((2, 16, 24, 1)))
    assert made.shape == (2, 16, 24, 1)
    assert runs.shape(run.config, run.blank(1)).nets["model"].params
