"""The features of real images are computed once, and never those of other images."""

import numpy as np
import pytest

from deconvgen import tasks
from deconvgen.metrics import sums
from deconvgen.runs import real_features
from deconvgen.runs import setup as runs
from deconvgen.training import evaluate, parallel
from tests.tiny import gan


@pytest.fixture
def computed(tmp_path, monkeypatch):
    """An empty cache; and how often something was computed."""
    monkeypatch.setenv("DECONVGEN_CACHE", str(tmp_path))
    compute, calls = real_features._computed, []

    def counted(*arguments):
        calls.append(arguments)
        return compute(*arguments)

    monkeypatch.setattr(real_features, "_computed", counted)
    return calls


def setting():
    config = gan("eval.extractor=classifier")
    test_set = runs.dataset(config, "test")
    return runs.resolve(config, test_set), test_set


def test_figures_are_the_same_and_features_computed_once(computed):
    config, test_set = setting()
    task, spread = tasks.make(config, None), parallel.one()
    assert task.looks
    state = runs.initial(config, next(test_set.eval_batches(1)), 0)
    step, limit = evaluate.make_step(task, spread, 0), 12  # in two batches, one filled

    def figures(known):
        found = evaluate.total(step, spread, state, test_set, 8, limit, known)
        return sums.results(found)

    found = [real_features.known(config, test_set, limit) for _ in range(2)]
    assert len(computed) == 1
    assert found[0].keys() == {"real_features", "real_classes", "real_certainty"}
    for name, values in found[0].items():
        assert len(values) == limit
        np.testing.assert_array_equal(values, found[1][name])
    plain, quick = figures(None), figures(found[1])
    assert plain.keys() == quick.keys()
    for name, value in plain.items():
        np.testing.assert_allclose(quick[name], value, rtol=1e-3, err_msg=name)
    spoilt = found[1] | {"real_features": found[1]["real_features"] + 1}
    assert figures(spoilt)["frechet_classifier"] != plain["frechet_classifier"]


def test_other_images_another_extractor_and_a_damaged_file_are_computed(
    computed, tmp_path, monkeypatch
):
    config, test_set = setting()
    real_features.known(config, test_set, 4)
    (path,) = real_features.folder().glob("*.npz")

    def batches(*arguments, **how):
        for batch in test_set.eval_batches(*arguments, **how):
            yield batch | {"image": batch["image"] * 0.5}

    real_features.known(config, test_set._replace(eval_batches=batches), 4)
    config.eval.extractor = "random"
    real_features.known(config, test_set, 4)
    assert len(computed) == 3 and len([*real_features.folder().glob("*.npz")]) == 3
    config.eval.extractor = "classifier"
    path.write_bytes(path.read_bytes()[:100])
    real_features.known(config, test_set, 4)
    assert len(computed) == 4 and path.stat().st_size > 100
    np.savez(path, real_features=np.zeros((3, 2)), allow=np.array(False))
    real_features.known(config, test_set, 4)
    assert len(computed) == 5  # of so many images, or not at all
    made = tasks.extractor_of(config)._replace(digest="")
    monkeypatch.setattr(tasks, "extractor_of", lambda config: made)
    assert real_features.known(config, test_set, 4) is None
