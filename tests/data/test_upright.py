"""An image and its mask lie alike, whatever EXIF says of either."""

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageOps

from deconvgen.core.errors import UserError
from deconvgen.data import load

TURNS = range(2, 9)


def tagged(image, path, orientation):
    """Save with an EXIF orientation (0: without EXIF)."""
    exif = Image.Exif()
    if orientation:
        exif[ExifTags.Base.Orientation] = orientation
    image.save(path, exif=exif)


def shape(height=20, width=30):
    """A mask that no symmetry of the square leaves as it is, and its image."""
    mask = np.zeros((height, width), np.uint8)
    mask[: height // 2, : width // 3] = 1
    mask[-3:, :5] = 2
    return Image.fromarray(mask * 100), Image.fromarray(mask)


def stored(image, orientation):
    """The pixels that a viewer who follows the orientation sees as `image`."""
    back = {6: 8, 8: 6}.get(orientation, orientation)
    image = image.copy()
    image.getexif()[ExifTags.Base.Orientation] = back
    return ImageOps.exif_transpose(image)


def agree(root, image_lies, mask_lies, mask_turned, size=(20, 30), ending="png"):
    """Whether the image is 200 / 100 / 0 where its mask is 2 / 1 / 0."""
    image, mask = shape(*size)
    (root / "images").mkdir()
    (root / "masks").mkdir()
    for i in range(2):
        turned = stored(image, image_lies) if image_lies else image
        tagged(turned, root / "images" / f"{i}.{ending}", image_lies)
        its = stored(mask, mask_turned) if mask_turned else mask
        tagged(its, root / "masks" / f"{i}.png", mask_lies)
    data = load("x", folder=str(root))
    batch = next(data.train_batches(0, 1))
    assert data.image_shape == (*size, 1)
    grey = np.rint((batch["image"][..., 0] + 1) * 127.5 / 100)
    return np.array_equal(grey, batch["segmentation"])


@pytest.mark.parametrize("ending", ["png", "tif", "webp"])
@pytest.mark.parametrize("lies", TURNS)
def test_a_mask_with_exif_of_its_own(tmp_path, lies, ending):
    """kohya-ss/sd-scripts#1316, detectron2#262, yolov5#405."""
    if ending == "webp":
        ending = "jpg"  # nearly lossless: flat areas of 0, 100 and 200
    assert agree(tmp_path, lies, lies, lies, ending=ending)


@pytest.mark.parametrize("lies", (5, 6, 7, 8))
def test_a_mask_of_the_stored_pixels_is_turned_with_its_image(tmp_path, lies):
    assert agree(tmp_path, lies, 0, lies)


@pytest.mark.parametrize("ending", ["png", "tif"])
@pytest.mark.parametrize("lies", (5, 6, 7, 8))
def test_a_mask_of_the_upright_picture_is_left(tmp_path, lies, ending):
    assert agree(tmp_path, lies, 0, 0, ending=ending)


@pytest.mark.parametrize(
    "lies, size", [*((n, (20, 30)) for n in (2, 3, 4)), (6, (20, 20))]
)
def test_where_both_would_fit_nothing_is_guessed(tmp_path, lies, size):
    with pytest.raises(UserError, match=f"EXIF orientation {lies}.*save the image"):
        agree(tmp_path, lies, 0, 0, size)


@pytest.mark.parametrize("lies, size", [(3, (20, 30)), (6, (20, 20))])
def test_the_advice_works(tmp_path, lies, size):
    (tmp_path / "upright").mkdir()
    (tmp_path / "turned").mkdir()
    assert agree(tmp_path / "upright", lies, 1, 0, size)
    assert agree(tmp_path / "turned", lies, lies, lies, size)


@pytest.mark.parametrize("lies", (0, 1))
def test_only_the_mask_is_turned(tmp_path, lies):
    assert agree(tmp_path, lies, 6, 6)


@pytest.mark.parametrize("ending", ["jpg", "tif", "png"])
def test_photographs_that_lie_on_their_side_have_the_patches_of_the_upright(
    tmp_path, ending
):
    image = Image.fromarray(
        np.arange(48 * 16, dtype=np.uint16).reshape(48, 16) // 3 % 256
    )
    image = image.convert("L")
    for folder, lies in (("upright", 0), ("turned", 6)):
        (tmp_path / folder).mkdir()
        for i in range(2):
            pixels = stored(image, lies) if lies else image
            tagged(pixels, tmp_path / folder / f"{i}.{ending}", lies)
    a, b = (
        load("photos", folder=str(tmp_path / f), image_size=16, channels=1)
        for f in ("upright", "turned")
    )
    assert a.num_examples == b.num_examples == 3
    a, b = (next(d.eval_batches(3))["image"] for d in (a, b))
    assert np.abs(a - b).max() < 0.1
