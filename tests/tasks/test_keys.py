"""No two purposes of a seed share a key."""

import importlib
from itertools import combinations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from deconvgen import tasks
from deconvgen.tasks import autoencoder, gan, vae
from deconvgen.training import parallel as devices
from deconvgen.training import steps
from tests.tiny import SMALL, untrained

SEED = 0
ROUNDS = 4
PURPOSES = {
    name: getattr(devices, name)
    for name in ("TRAINING", "EVALUATION", "PICTURES", "START", "STATISTICS")
}


def rows(keys):
    return {tuple(row) for row in np.asarray(jax.random.key_data(keys)).reshape(-1, 2)}


def derived(root):
    """A root, its splits, and the keys of its first rounds and examples."""
    found = rows(root) | rows(jax.random.split(root)) | rows(jax.random.split(root, 8))
    for index in range(ROUNDS):
        found |= rows(jax.random.fold_in(root, index))
        found |= rows(devices.example_keys(root, index, 0, 8))
    return found


def test_no_purpose_of_a_seed_shares_a_key_with_another():
    """`split(root)[1]` is `fold_in(root, 1)`: a start needs a number of its own."""
    root = jax.random.key(SEED)
    assert rows(jax.random.split(root)[1]) == rows(jax.random.fold_in(root, 1))
    found = {n: derived(devices.purpose_key(SEED, p)) for n, p in PURPOSES.items()}
    # what `Run.sample` draws from: the seed's own key, in round 0
    samples = jax.random.fold_in(root, devices.SAMPLES)
    found["SAMPLES"] = rows(samples) | rows(devices.example_keys(root, 0, 0, 64))
    assert len(set(PURPOSES.values()) | {devices.SAMPLES}) == 6
    for one, other in combinations(found, 2):
        assert not found[one] & found[other], (one, other)


def test_training_evaluation_and_pictures_draw_what_they_always_drew():
    """So that an older run resumes bitwise."""
    root = jax.random.key(5)
    old = {"TRAINING": 1, "EVALUATION": 2, "PICTURES": 3}
    for name, number in old.items():
        key = devices.purpose_key(5, PURPOSES[name])
        assert rows(key) == rows(jax.random.fold_in(root, number))


def test_no_draw_of_an_example_shares_its_key_with_another_of_its_step():
    keys = devices.example_keys(jax.random.key(SEED), 0, 0, 4)
    folds = {
        "gan": (0, gan.DROP_G, gan.DROP_D, gan.BETWEEN),
        "vae": (vae.LATENT, vae.DROP, vae.BOUND, vae.POSTERIOR),
        "autoencoder": (autoencoder.CORRUPT, autoencoder.DROP),
    }
    for name, salts in folds.items():
        found = [rows(steps.fold(keys, salt)) for salt in salts]
        assert len(set.union(*found)) == 4 * len(salts), name


@pytest.mark.parametrize("name", list(SMALL))
def test_every_task_starts_from_a_key_of_its_own(name, monkeypatch):
    made = untrained(name, (16, 16, 3), 3).config
    module = importlib.import_module(f"deconvgen.tasks.{made.task}")
    seen: list = []
    make = module.make

    def watching(config, axis):
        task = make(config, axis)
        return task._replace(init=lambda key, batch: seen.append(key))

    monkeypatch.setattr(module, "make", watching)
    tasks.make(made, None).init(jax.random.key(SEED), {})
    assert rows(seen[0]) == rows(devices.purpose_key(SEED, devices.START))


def test_the_probed_posterior_is_not_drawn_by_the_latent_of_the_sample(monkeypatch):
    run = untrained("vae")
    batch = jax.tree.map(jnp.asarray, run.blank(2))
    seen = []
    watching = lambda keys, salt: seen.append(salt) or steps.fold(keys, salt)
    monkeypatch.setattr(vae, "fold", watching)
    task = tasks.make(run.config, None)
    keys = devices.example_keys(jax.random.key(1), 0, 0, 2)
    jax.eval_shape(task.probe, run.state, batch, keys)
    assert set(seen) == {vae.POSTERIOR}  # and 0, in `prior`, for the sample
