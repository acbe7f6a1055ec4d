"""Class numbers of any integer type, in range and out of it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from deconvgen.core.errors import UserError
from deconvgen.losses.segmentation import segmentation_losses
from deconvgen.metrics.segmentation import Boundaries, Confusion
from deconvgen.ops.class_maps import in_range, most_likely

K = 21
TYPES = ("uint8", "int8", "uint16", "int16", "uint32", "int32", "int64", "uint64")


def record(kind, predicted, classes, k=K, **settings):
    return kind.of(predicted, classes, jnp.ones(len(classes)), k, **settings)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("as_array", [jnp.asarray, np.asarray])
def test_any_integer_type_counts_alike(dtype, as_array):
    # open-mmlab/mmsegmentation#1969, #3583: uint8 maps overflow in `true * k`
    classes = as_array(np.tile(np.arange(K), (1, 4, 2)).astype(dtype))
    assert record(Confusion, classes, classes).result()["miou"] == 1
    assert record(Boundaries, classes, classes).result()["boundary_iou"] == 1
    logits = 50 * jax.nn.one_hot(jnp.asarray(classes, jnp.int32), K)
    for loss in segmentation_losses.values():
        np.testing.assert_allclose(loss(logits, classes), 0, atol=1e-6)
        assert loss(-logits, classes)[0] > 0.5


OUTSIDE = {
    "uint8": (21, 254, 255),
    "int8": (-1, -100, 21, 127),
    "int16": (-1, -100, 255, 300),
    "int32": (-1, -(2**31) + 1, 2**31 - 1),
    "uint32": (255, 2**32 - 1, 2**32 - 20),
    "int64": (-1, 2**32, 2**32 + 1, -(2**32) + 1),
    "uint64": (2**32 + 1, 2**64 - 1),
}


@pytest.mark.parametrize("dtype", OUTSIDE)
def test_labels_out_of_range_are_left_out(dtype):
    # DrSleep/tensorflow-deeplab-resnet#10: the label 255 of 21 classes; -1 and -100
    # are what PyTorch's data sets mark unlabelled pixels with
    for label in OUTSIDE[dtype]:
        classes = np.array([[[0, 1], [1, label]]], dtype)
        predicted = np.array([[[0, 1], [2, 1]]], dtype)
        matrix = np.zeros((K, K), int)
        matrix[[0, 1, 1], [0, 1, 2]] = 1
        seen = record(Confusion, predicted, classes)
        np.testing.assert_array_equal(seen.matrix, matrix)
        logits = jax.random.normal(jax.random.key(0), (1, 2, 2, K))
        known = jnp.array([[[0, 1], [1, 255]]])
        weights = jnp.arange(1.0, K + 1)
        for loss in segmentation_losses.values():
            for w in (None, weights):
                expected = loss(logits, known, w)
                np.testing.assert_array_equal(loss(logits, classes, w), expected)
        a, b = (record(Boundaries, predicted, x) for x in (classes, np.asarray(known)))
        np.testing.assert_array_equal(a.union, b.union)
        np.testing.assert_array_equal(a.true, b.true)


@pytest.mark.parametrize("dtype", OUTSIDE)
def test_predictions_out_of_range_are_wrong_and_no_other_class(dtype):
    # open-mmlab/mmeval#53; by hand: of classes 0 1 1 1 one is wrong
    for number in OUTSIDE[dtype]:
        classes = np.array([[[0, 1], [1, 1]]], dtype)
        predicted = np.array([[[0, 1], [1, number]]], dtype)
        seen = record(Confusion, predicted, classes)
        assert np.asarray(seen.matrix).sum() == 3
        got = seen.result()
        assert got["pixel_accuracy"] == 3 / 4 and got["iou_0"] == 1
        assert got["iou_1"] == pytest.approx(2 / 3)
        assert got["miou"] == pytest.approx(5 / 6) and np.isnan(got["iou_20"])
        assert got["mean_accuracy"] == pytest.approx(5 / 6)
        assert record(Boundaries, predicted, classes).result()["boundary_iou_1"] < 1


def test_more_than_255_classes_and_other_labels_to_ignore():
    classes = np.arange(300, dtype=np.int16).reshape(1, 15, 20)
    whole = record(Confusion, classes, classes, 300, ignore_label=-1)
    assert np.trace(np.asarray(whole.matrix)) == 300
    assert record(Confusion, classes, classes, 300).matrix[255, 255] == 0
    zero = record(Confusion, classes, classes, 300, ignore_label=0)
    assert zero.matrix[0, 0] == 0 and zero.matrix[255, 255] == 1
    logits = jax.random.normal(jax.random.key(0), (1, 15, 20, 300))
    for name, loss in segmentation_losses.items():
        values = [loss(logits, classes, None, ignore)[0] for ignore in (-1, 255, 0)]
        assert len(set(map(float, values))) == 3, name


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_other_types_are_refused(dtype):
    classes = jnp.zeros((1, 2, 2), dtype)
    with pytest.raises(UserError, match="integers"):
        record(Confusion, classes, classes.astype(int))
    with pytest.raises(UserError, match="integers"):
        record(Boundaries, classes.astype(int), classes)
    for loss in segmentation_losses.values():
        with pytest.raises(UserError, match="integers"):
            loss(jnp.zeros((1, 2, 2, K)), classes)


def test_masks_of_two_classes_may_be_bools():
    numbers, counts = in_range(np.array([True, False]), 2)
    assert numbers.tolist() == [1, 0] and counts.all()


def test_maps_that_do_not_fit_are_told_in_one_sentence():
    maps = jnp.zeros((2, 4, 4), jnp.int32)
    for kind in (Confusion, Boundaries):
        with pytest.raises(UserError, match="predicted"):
            record(kind, maps[:1], maps)
        with pytest.raises(UserError, match="mask"):
            kind.of(maps, maps, jnp.ones(3), K)
    for loss in segmentation_losses.values():
        with pytest.raises(UserError, match="fit"):
            loss(jnp.zeros((2, 4, 4, K)), maps[:, :1])


def test_the_argmax_of_nan_is_no_class():
    logits = jnp.zeros((1, 2, 2, 3)).at[0, 0, 0, 2].set(jnp.nan)
    predicted = most_likely(logits.at[0, 1, 1, 2].set(1))
    assert predicted[0, 1].tolist() == [0, 2]
    classes = jnp.zeros((1, 2, 2), jnp.int32)
    for kind in (Confusion, Boundaries):
        assert np.isnan(
            list(record(kind, predicted, classes, 3).result().values())
        ).all()
        kept = record(kind, predicted, classes.at[0, 0, 0].set(255), 3).result()
        assert np.isfinite(next(iter(kept.values())))
