"""Periods are found where they are, and nowhere else."""

import numpy as np
import pytest

from deconvgen.data import load, photographs
from deconvgen.metrics.jpeg import compressed, odd, traces
from deconvgen.metrics.lines import lines, shown
from deconvgen.metrics.periods import Periods, fractions, grey
from deconvgen.metrics.residuals import Residuals, cell_differences
from deconvgen.metrics.seams import seams

SIZE = 64


@pytest.fixture(scope="module")
def photos():
    """Patches of photographs [48, 64, 64]."""
    rng, found = np.random.default_rng(0), photographs("test")
    pictures = [grey(pixels[None] / 127.5 - 1)[0] for pixels in found.values()]
    made = []
    for i in range(48):
        x = pictures[i % 4]
        top, left = (rng.integers(n - SIZE) for n in x.shape)
        made.append(x[top : top + SIZE, left : left + SIZE])
    return np.stack(made).astype(np.float32)


def found(x, real=None, **options):
    sums = Periods(x.shape[1:], len(x), **options)
    for part in np.array_split(x, 3):  # batches are one pass
        sums.add(part)
    return shown(lines(sums, real)), sums


def test_fractions_are_in_lowest_terms():
    assert fractions(4) == [(1, 2), (1, 3), (1, 4)]
    assert (2, 4) not in fractions(8) and (3, 8) in fractions(8)


def test_photographs_have_no_period(photos):
    clear, sums = found(photos)
    assert clear == {}
    assert len(seams(sums)) == 2 and not any(seam.clear for seam in seams(sums))


@pytest.mark.parametrize("period", [2, 3, 5, 8])
def test_uneven_variance_is_found(photos, period):
    rng = np.random.default_rng(1)
    uneven = np.where(np.arange(SIZE) % period == 1, 1.5, 1.0)
    noisy = photos + 0.05 * uneven * rng.normal(size=photos.shape)
    clear, sums = found(noisy)
    assert max(clear) == period and clear[period].axis == "columns"
    assert sums.phase_ratio(period) > 1.1
    assert all(period % other == 0 for other in clear)


def test_an_added_pattern_is_found_in_the_pixels(photos):
    board = 0.03 * (-1.0) ** np.indices((SIZE, SIZE)).sum(0)
    clear, _ = found(photos + board.astype(np.float32))
    assert clear[2].spectrum == "pattern" and clear[2].level > 6


def test_enlarged_photographs_have_their_factor(photos):
    doubled = photos[:, :32, :32].repeat(2, 1).repeat(2, 2)
    clear, _ = found(doubled)
    assert [*clear] == [2] and clear[2].spectrum == "differences"


def test_what_real_pictures_have_too_is_no_finding(photos):
    board = photos + 0.03 * (-1.0) ** np.indices((SIZE, SIZE)).sum(0)
    clear, real = found(board[:24].astype(np.float32))
    assert clear
    clear, _ = found(board[24:].astype(np.float32), real)
    assert clear == {}


def test_seams_have_their_period_and_place(photos):
    tiled = photos.copy()
    tiled[:, :, 5:21] += 0.1
    tiled[:, :, 37:53] += 0.1
    sums = Periods(tiled.shape[1:], len(tiled))
    sums.add(tiled)
    columns = next(seam for seam in seams(sums) if seam.axis == "columns")
    assert columns.clear and (columns.period, columns.offset) == (16, 5)


def test_jpeg_is_told_by_its_quantization(photos):
    levels = np.rint(photos * 127.5 + 127.5) / 127.5 - 1
    assert not traces(levels).clear
    saved = compressed(levels[..., None], 80)[..., 0]
    assert traces(saved).clear and traces(saved).offset == (0, 0)
    assert traces(saved[:, 3:, 2:]).offset == (5, 6)
    enlarged = photos[:, :8, :8].repeat(8, 1).repeat(8, 2)
    assert not traces(enlarged).clear


def test_cells_and_lags(photos):
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(16, 32, 32)).astype(np.float32)
    even = cell_differences(noise, 2).mean(0)
    assert even.shape == (2, 2) and even == pytest.approx(np.full((2, 2), 2), rel=0.1)
    doubled = noise[:, :16, :16].repeat(2, 1).repeat(2, 2)
    assert cell_differences(doubled, 2)[:, 0, 0].max() == 0
    sums = Residuals((32, 32))
    sums.add(doubled)
    assert sums.cell_ratio(2) == np.inf
    tiled = Residuals((32, 32))
    tiled.add(np.tile(noise[:, :8, :8], (1, 4, 4)))
    assert tiled.peak(8) > 0.5 and tiled.peak(7) < 0
    assert tiled.autocorrelation().max() == pytest.approx(1)


def test_a_motif_is_at_another_place_in_each_picture():
    """A brick wall was called a grid: what repeats in the contents has any phase."""
    rng, at = np.random.default_rng(0), np.arange(SIZE)
    lines_at = lambda first: 0.3 * ((at - first) % 6 == 0)
    noise = 0.1 * rng.normal(size=(32, SIZE, SIZE)).astype(np.float32)
    motif = noise + [[lines_at(rng.integers(6))] * SIZE for _ in noise]
    clear, sums = found(motif.astype(np.float32))
    assert clear == {} and any(line.moves for line in lines(sums))
    clear, _ = found(noise + lines_at(2).astype(np.float32))
    assert max(clear) == 6 and clear[6].agreement > 30


def test_a_frame_is_no_period(photos):
    framed = np.full_like(photos, 0.8)
    framed[:, 5:-5, 5:-5] = photos[:, 5:-5, 5:-5]
    clear, sums = found(framed)
    assert clear == {} and not any(seam.clear for seam in seams(sums))


def test_an_outline_that_all_pictures_have_is_no_seam():
    """Clothes of 28 pixels were called tiles of 9."""
    clothes = next(load("fashion_mnist_small", "test").eval_batches(200))["image"]
    _, sums = found(np.asarray(clothes)[..., 0])
    assert not any(seam.clear for seam in seams(sums))


def test_what_real_pictures_have_too_is_no_seam(photos):
    tiled = photos + (0.1 * (np.arange(SIZE) // 16 % 2)).astype(np.float32)
    sums, real = (Periods((SIZE, SIZE), 24) for _ in range(2))
    sums.add(tiled[:24])
    real.add(tiled[24:])
    assert any(seam.clear for seam in seams(sums))
    assert not any(seam.clear for seam in seams(sums, real))


def test_what_jpeg_does_is_the_same_from_both_ends_of_a_block(photos):
    """So a grid of 2 in noise, saved as JPEG, is not JPEG's; it was missed."""
    rng = np.random.default_rng(0)
    noise = 0.04 * rng.normal(size=photos.shape)
    uneven = photos + noise * np.where(np.arange(SIZE) % 2, 1.6, 1.0)
    for pictures, least in ((photos, 0.0), (uneven, 0.9)):
        saved = compressed(pictures[..., None], 75)[..., 0]
        _, sums = found(saved)
        own = [line for line in lines(sums) if line.clear and line.period in (2, 4)]
        assert own and max(odd(line, 3.5) for line in own) == pytest.approx(
            least, abs=0.1
        )
