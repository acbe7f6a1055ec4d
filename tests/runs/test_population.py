"""Members of a population differ in numbers, and are trained as if alone."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from deconvgen import config, tasks
from deconvgen.core.numbers import known, on
from deconvgen.runs import memory, population
from deconvgen.runs import setup as runs
from deconvgen.runs.train import train_together
from deconvgen.training import feed, parallel
from tests.tiny import TINY

COMMON = (
    # A bias before a norm has no gradient but rounding, which Adam makes steps of.
    "model.norm=none",
    "model.critic_norm=none",
    "optimizer.name=adamw",
    "optimizer.schedule=cosine",
    "eval.extractor=random",
)
FIRST = {
    "optimizer.learning_rate": 0.01,
    "optimizer.b1": 0.5,
    "optimizer.weight_decay": 0.3,
    "critic_optimizer.clip": 0.1,
    "critic_optimizer.b2": 0.9,
    "loss.r1": 1.0,
    "loss.smoothing": 0.1,
    "model.dropout": 0.1,
    "model.critic_dropout": 0.5,
    "ema": 0.9,
}
SECOND = {
    "optimizer.learning_rate": 0.003,
    "optimizer.b1": 0.9,
    "optimizer.weight_decay": 0.01,
    "critic_optimizer.clip": 5.0,
    "critic_optimizer.b2": 0.99,
    "loss.r1": 10.0,
    "loss.smoothing": 0.3,
    "model.dropout": 0.6,
    "model.critic_dropout": 0.2,
    "ema": 0.5,
}


def gan(values, *more):
    given = (*TINY, *COMMON, *(f"{k}={v}" for k, v in values.items()), *more)
    return runs.describe(config.load("dcgan:smoke", given), (8, 8, 1))


@pytest.mark.slow  # test_train_together asks it of whole runs
def test_a_member_has_the_numbers_that_it_has_alone():
    """Parameters, averages and optimizers after three steps, one compilation for both;
    and neither number could be taken for the other's."""
    spread, index = parallel.one(), 0
    loaded = [gan(FIRST, "seed=3"), gan(SECOND, "seed=3")]
    keys = population.traced(loaded)
    assert set(keys) == {*FIRST}
    rng = np.random.default_rng(0)
    images = rng.uniform(-1, 1, (2, 3, 8, 8, 8, 1)).astype("f4")
    batches = {"image": images, "mask": np.ones(images.shape[:3], "f4")}
    example = {key: value[0, 0] for key, value in batches.items()}
    start = lambda one: jax.device_get(runs.initial(one, example, one.seed))
    states = [start(one) for one in loaded]
    roots = [parallel.purpose_key(one.seed, parallel.TRAINING) for one in loaded]
    read = lambda shared, batch: batch

    def trained(task, states, roots, batches, many):
        step = spread.rounds(task.train_step, read, many)
        return jax.device_get(step(roots, states, (), batches, index))

    alone = [
        trained(
            tasks.make(one, None),
            state,
            root,
            jax.tree.map(lambda x, i=i: x[i], batches),
            False,
        )
        for i, (one, state, root) in enumerate(zip(loaded, states, roots, strict=True))
    ]
    valued = [
        population.Valued(population.values(one, keys), state)
        for one, state in zip(loaded, states, strict=True)
    ]
    both, scalars = trained(
        population.task(loaded[0], None, keys, True),
        feed.stack(valued),
        jnp.stack(roots),
        batches,
        True,
    )
    near = lambda a, b: np.testing.assert_allclose(a, b, rtol=2e-3, atol=2e-4)
    for i, (state, own) in enumerate(alone):
        jax.tree.map(near, spread.member(both.state, i), state)
        jax.tree.map(near, {k: v[i] for k, v in scalars.items()}, own)
    moved = [jax.tree.leaves(state.nets["generator"].params) for state, _ in alone]
    apart = [abs(a - b).max() for a, b in zip(*moved, strict=True)]
    assert min(apart) > 0.01  # by the rates; much more than what counts as near


@pytest.mark.slow
def test_the_memory_of_a_population_is_that_of_its_members(monkeypatch):
    """Within 20 percent, as XLA counts it; and what does not fit is refused."""
    spread, config = parallel.one(), gan({"batch_size": 16})
    task = population.task(config, None, (), True)
    example = {"image": np.zeros((1, 8, 8, 1), "f4"), "mask": np.ones(1, "f4")}
    state = runs.initial(config, example, 0)

    def needed(count):
        wide = lambda x: np.zeros((count, *x.shape), x.dtype)
        row = lambda x: np.zeros((count, 1, 16, *x.shape[1:]), x.dtype)
        steps = spread.rounds(task.train_step, lambda shared, batch: batch, True)
        roots = jax.random.split(jax.random.key(0), count)
        rows, states = jax.tree.map(row, example), jax.tree.map(wide, state)
        return memory.needed(steps, roots, states, (), rows, 0)

    one = needed(1)
    assert needed(4) == pytest.approx(4 * one, rel=0.2)
    memory.check(task, spread, example, state, 16, 1000)  # a CPU does not say
    monkeypatch.setattr(memory, "limit", lambda: 10 * one)
    memory.check(task, spread, example, state, 16, 4)
    with pytest.raises(memory.TooMany, match="12 runs do not fit") as raised:
        memory.check(task, spread, example, state, 16, 12)
    assert 6 <= raised.value.fits <= 10


@pytest.mark.parametrize(
    "change, why",
    [
        ({"optimizer.weight_decay": 0.0}, "differ in optimizer.weight_decay"),
        ({"optimizer.step_factor": 0.7}, "differ in optimizer.step_factor"),
        ({"seed": 7, "model.initializer": "orthogonal", "monitor.patience": 3}, ""),
    ],
)
def test_what_must_be_compiled_apart(change, why, tmp_path):
    loaded = [gan(FIRST), gan(FIRST | change)]
    places = [tmp_path / "a", tmp_path / "b"]
    found = population.reason_against(loaded, places)
    assert found == (f"they {why}" if why else "")
    assert population.groups(loaded, places) == ([[0], [1]] if why else [[0, 1]])


def test_a_group_goes_on_from_the_newest_checkpoint_of_all(tmp_path):
    saved = {"a": (2, 4), "b": (2,), "c": (), "d": (4, 6, 8)}
    for name, steps in saved.items():
        for step in steps:
            (tmp_path / name / "checkpoints" / f"{step:08d}").mkdir(parents=True)
    common = lambda names: population.common_step([tmp_path / n for n in names])
    assert common("ab") == 2  # a saved once more when they were interrupted
    assert common("ac") is None and common("ad") is None and common("cc") == 0


def test_a_number_that_python_computes_with_is_no_member_s_own(tmp_path):
    """The side of a hole is a number of pixels: the runs need programs of their own."""
    small = [text for text in TINY if "latent" not in text and "monitor" not in text]
    given = [*small, "steps=1", "corruption.name=hole"]
    loaded = [
        config.load("autoencoder:smoke", [*given, f"corruption.amount={amount}"])
        for amount in (0.1, 0.5)
    ]
    with pytest.raises(population.Apart, match=r"corruption\.amount"):
        train_together(loaded, [tmp_path / "a", tmp_path / "b"], quiet=True)


def test_a_traced_number_switches_on_what_it_is_for():
    seen = []
    jax.jit(lambda x: seen.append((on(x), known(x))) or x)(0.0)
    assert seen == [(True, False)]
    assert not on(0.0) and on(0.1) and known(0.1)
