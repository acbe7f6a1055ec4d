"""Confusion and boundaries against scikit-learn, SciPy and maps worked out by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.ndimage import binary_dilation, binary_erosion
from sklearn.metrics import confusion_matrix, jaccard_score, recall_score

from deconvgen.metrics.segmentation import Boundaries, Confusion

K = 5


@pytest.fixture(scope="module")
def maps():
    """Blocky maps of 4 of the 5 classes, with ignored pixels, and a padded example."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, K - 1, (4, 6, 7))
    classes = coarse.repeat(10, 1).repeat(10, 2)
    predicted = np.roll(classes, 2, axis=2)
    wrong = rng.random(predicted.shape) < 0.02
    predicted = np.where(wrong, rng.integers(0, K - 1, predicted.shape), predicted)
    classes[:, 13:17, 20:30] = 255
    mask = np.array([1, 1, 1, 0], np.float32)
    as_array = lambda x: jnp.asarray(x, jnp.int32)
    return as_array(predicted), as_array(classes), jnp.asarray(mask)


def test_confusion_is_scikit_learns(maps):
    predicted, classes, mask = maps
    of = jax.jit(Confusion.of, static_argnums=3)
    record = of(predicted[:2], classes[:2], mask[:2], K)
    record += of(predicted[2:], classes[2:], mask[2:], K)
    t, p = np.asarray(classes)[:3].ravel(), np.asarray(predicted)[:3].ravel()
    t, p = t[t != 255], p[t != 255]
    np.testing.assert_array_equal(
        record.matrix, confusion_matrix(t, p, labels=range(K))
    )
    got = record.result()
    iou = jaccard_score(t, p, average=None, labels=range(K - 1))
    assert got["pixel_accuracy"] == pytest.approx(np.mean(t == p))
    assert got["mean_accuracy"] == pytest.approx(recall_score(t, p, average="macro"))
    assert got["miou"] == pytest.approx(iou.mean())
    assert got["fwiou"] == pytest.approx(np.sum(iou * np.bincount(t) / len(t)))
    assert got["iou_2"] == pytest.approx(iou[2]) and np.isnan(got["iou_4"])


def test_a_class_that_is_only_predicted_counts_against_the_mean():
    classes = jnp.zeros((1, 2, 2), jnp.int32)
    predicted = classes.at[0, 0, 0].set(1)
    got = Confusion.of(predicted, classes, jnp.ones(1), 3, ("sky", "tree", "car"))
    assert got.result()["miou"] == pytest.approx((3 / 4 + 0) / 2)
    assert got.result()["iou_sky"] == 0.75 and got.result()["mean_accuracy"] == 0.75


def test_boundaries_by_scipys_erosion(maps):
    predicted, classes, mask = maps
    got = jax.jit(Boundaries.of, static_argnums=3)(predicted, classes, mask, K)
    d = round(0.02 * np.hypot(60, 70))
    assert d == 2
    square = np.ones((3, 3), bool)
    sums = np.zeros((6, K), int)
    for p, t in zip(np.asarray(predicted)[:3], np.asarray(classes)[:3], strict=True):
        void = t == 255
        for c in range(K):
            bands, lines = [], []
            for inside in ((p == c) & ~void, (t == c) & ~void):
                erode = lambda n, outside, x=inside | void: binary_erosion(
                    x, square, n, border_value=outside
                )
                bands.append(inside & ~erode(d, 0))
                lines.append(inside & ~erode(1, 1))
            near = [binary_dilation(line, square, d) for line in lines]
            sums[:, c] += [
                (bands[0] & bands[1]).sum(),
                (bands[0] | bands[1]).sum(),
                lines[0].sum(),
                (lines[0] & near[1]).sum(),
                lines[1].sum(),
                (lines[1] & near[0]).sum(),
            ]
    fields = (
        got.overlap,
        got.union,
        got.predicted,
        got.predicted_hit,
        got.true,
        got.true_hit,
    )
    np.testing.assert_array_equal(np.stack(fields), sums)
    result = got.result()
    assert result["boundary_iou"] == pytest.approx(np.mean(sums[0, :4] / sums[1, :4]))
    precision, recall = sums[3, :4] / sums[2, :4], sums[5, :4] / sums[4, :4]
    f1 = 2 * precision * recall / (precision + recall)
    assert result["boundary_f1"] == pytest.approx(np.mean(f1))
    for c in range(4):
        assert result[f"boundary_iou_{c}"] == pytest.approx(sums[0, c] / sums[1, c])
        assert result[f"boundary_f1_{c}"] == pytest.approx(f1[c])
    assert np.isnan(result["boundary_iou_4"])


def test_boundary_measures_fall_as_a_square_moves_while_the_iou_hardly_does():
    classes = np.zeros((1, 100, 100), np.int32)
    classes[:, 20:80, 20:80] = 1
    seen = []
    for shift in (0, 2, 4, 8):
        predicted = np.roll(classes, shift, axis=2)
        args = (jnp.asarray(predicted), jnp.asarray(classes), jnp.ones(1), 2)
        result = Boundaries.of(*args).result()
        seen.append((result["boundary_iou"], result["boundary_f1"]))
    assert seen[0] == (1.0, 1.0)
    ious, f1s = zip(*seen, strict=True)
    assert ious[0] > ious[1] > ious[2] > ious[3]
    assert f1s[1] == 1.0 > f1s[2] >= f1s[3]  # within d = 3 pixels nothing is wrong


def test_a_thick_square_by_hand():
    # Band of width 1 of a 4 x 4 square: 12 pixels; of its 4 x 4 neighbour, 12; moved by
    # one column they share 2 x 3 pixels of the rows above and below.
    classes = np.zeros((1, 20, 20), np.int32)
    classes[:, 8:12, 8:12] = 1
    predicted = np.roll(classes, 1, axis=2)
    got = Boundaries.of(jnp.asarray(predicted), jnp.asarray(classes), jnp.ones(1), 2)
    assert (got.overlap[1], got.union[1]) == (6, 18)


def test_the_f1_of_outlines_by_hand():
    # The outline of a 4 x 4 square are 12 pixels on its inside and, of the background,
    # 20 around it. In the second image nothing is predicted, so that precision is 1 and
    # recall 1/2 over the set, where the mean of the images' scores would be 1/2.
    classes = np.zeros((2, 20, 20), np.int32)
    classes[:, 8:12, 8:12] = 1
    predicted = classes * np.array([1, 0]).reshape(2, 1, 1)
    moved = np.roll(predicted, (1, 1), axis=(1, 2))  # d = 1 along the diagonal, too
    for p in (predicted, moved):
        got = Boundaries.of(jnp.asarray(p), jnp.asarray(classes), jnp.ones(2), 2)
        assert np.asarray(got.true).tolist() == [40, 24]
        assert np.asarray(got.predicted).tolist() == [20, 12]
        assert got.result()["boundary_f1"] == pytest.approx(2 / 3)
    far = jnp.asarray(np.roll(predicted, 2, axis=2))
    got = Boundaries.of(far, jnp.asarray(classes), jnp.ones(2), 2)
    # Columns 8 to 11 became 10 to 13: all 4 pixels of column 13 are 2 pixels away.
    assert got.predicted_hit[1] == got.true_hit[1] == 8
