"""Class-map losses against definitions written out pixel by pixel."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from deconvgen.losses.segmentation import segmentation_losses

NAMES = list(segmentation_losses)
K = 4


@pytest.fixture(scope="module")
def example():
    rng = np.random.default_rng(0)
    classes = rng.integers(0, K - 1, (3, 5, 6))  # the last class does not occur
    classes[:, 0] = 255
    classes[2] = 255
    logits = rng.normal(size=(3, 5, 6, K)).astype(np.float32)
    return jnp.asarray(logits), jnp.asarray(classes, jnp.int32)


def probabilities(logits):
    e = np.exp(np.asarray(logits, np.float64))
    return e / e.sum(-1, keepdims=True)


@pytest.mark.parametrize("weights", [None, (1.0, 2.0, 0.5, 3.0)])
def test_cross_entropy_and_focal_pixel_by_pixel(example, weights):
    logits, classes = example
    p = probabilities(logits)
    expected = {"cross_entropy": [], "focal": []}
    for b in range(2):
        sums = {"cross_entropy": 0.0, "focal": 0.0, "weight": 0.0}
        for y in range(5):
            for x in range(6):
                if (c := int(classes[b, y, x])) != 255:
                    q, w = p[b, y, x, c], 1 if weights is None else weights[c]
                    sums["cross_entropy"] -= w * np.log(q)
                    sums["focal"] -= w * (1 - q) ** 2 * np.log(q)
                    sums["weight"] += w
        for name in expected:
            expected[name].append(sums[name] / sums["weight"])
    given = None if weights is None else jnp.array(weights)
    for name in expected:
        got = jax.jit(segmentation_losses[name])(logits, classes, given)
        np.testing.assert_allclose(got, [*expected[name], 0.0], rtol=1e-5)


def test_dice_class_by_class(example):
    logits, classes = example
    p, known = probabilities(logits), np.asarray(classes) != 255
    expected = []
    for b in range(2):
        losses = []
        for c in range(K - 1):
            truth = (np.asarray(classes[b]) == c) & known[b]
            q = np.where(known[b], p[b, ..., c], 0)
            losses.append(1 - 2 * q[truth].sum() / (q.sum() + truth.sum()))
        expected.append(np.mean(losses))
    got = segmentation_losses["dice"](logits, classes)
    np.testing.assert_allclose(got, [*expected, 0.0], rtol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_perfect_is_zero_and_ignored_pixels_have_no_gradient(example, name):
    logits, classes = example
    loss = segmentation_losses[name]
    perfect = 50.0 * jax.nn.one_hot(classes, K)
    np.testing.assert_allclose(loss(perfect, classes), 0, atol=1e-5)
    slope = jax.grad(lambda x: loss(x, classes).sum())(logits)
    assert np.isfinite(slope).all()
    assert (slope[:, 0] == 0).all() and (slope[2] == 0).all()
    assert (jnp.abs(slope[:2, 1:]).sum(-1) > 0).all()


@pytest.mark.parametrize("name", NAMES)
def test_descent_reaches_the_truth(example, name):
    logits, classes = example
    loss = lambda x: segmentation_losses[name](x, classes)[:2].sum()
    descend = jax.jit(lambda x: x - 20 * jax.grad(loss)(x))
    start = loss(logits)
    for _ in range(60):
        logits = descend(logits)
    assert loss(logits) < 0.1 * start


def test_class_weights_of_dice_choose_the_class(example):
    logits, classes = example
    only = segmentation_losses["dice"](logits, classes, jnp.array([0.0, 1.0, 0, 0]))
    all_of_them = segmentation_losses["dice"](logits, classes)
    parts = [
        segmentation_losses["dice"](logits, classes, jnp.eye(K)[c]) for c in range(3)
    ]
    np.testing.assert_allclose(only, parts[1])
    np.testing.assert_allclose(jnp.mean(jnp.stack(parts), 0), all_of_them, rtol=1e-5)
