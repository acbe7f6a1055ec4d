"""How soon a run was good: on histories whose answer is plain."""

import pytest

from deconvgen.training.monitor import memorized, time_to_quality


def history(values, metric="psnr"):
    found = []
    for i, value in enumerate(values, 1):
        found.append({"step": i, "kind": "train", "loss": 1.0})
        found.append({"step": i, "kind": "eval", metric: value})
        found.append({"step": i, "kind": "cost", "seconds": 10.0 * i})
    return found


def told(values, mode):
    found = time_to_quality(history(values), "psnr", mode)
    return tuple(found.values())


def test_the_first_value_within_a_tenth_of_the_best_counts():
    assert told([5, 2.3, 2.1, 2, 3], "min") == (30.0, 3)
    assert told([5, 17, 18.5, 20], "max") == (30.0, 3)
    assert told([-500, -110, -100], "max") == (20.0, 2)
    assert told([float("nan"), "nan", 4], "min") == (30.0, 3)


def test_nothing_where_there_is_nothing():
    assert time_to_quality([], "psnr", "max") == {}
    assert told([float("nan")], "min") == ()
    bare = [{"step": 1, "kind": "eval", "psnr": 1.0}]
    assert time_to_quality(bare, "psnr", "max") == {
        "steps_to_within_10_percent_of_best": 1
    }


@pytest.mark.parametrize(
    "ratio, warns", [(0.2, True), (0.95, False), (1.5, False), (float("nan"), False)]
)
def test_memorized_images_are_told(ratio, warns):
    said = memorized({"memorization_ratio_classifier": ratio, "psnr": 0.0}, 7)
    assert bool(said) == warns
    assert not warns or ("0.20 times" in said and "augment.policy" in said)
    assert not memorized({"psnr": 0.0}, 7)
