"""Recipes of GANs: penalties when they are due, augmentation that adapts, averages."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from deconvgen.losses.gan import gan_losses, r1
from deconvgen.models.dcgan import group_deviation
from deconvgen.tasks import gan
from deconvgen.tasks._adversarial import Fines, Shown, spectral
from deconvgen.training import parallel
from tests.tiny import untrained


def trained(*overrides, steps=1):
    """State and scalars after some steps of a tiny GAN."""
    run = untrained("gan", overrides=("model.critic_norm=none", *overrides))
    draw = np.random.default_rng(0)
    batch = run.blank(4)
    batch |= {"image": draw.uniform(-1, 1, batch["image"].shape).astype("f4")}
    keys = parallel.example_keys(jax.random.key(0), 0, 0, 4)
    step, state = jax.jit(run.task.train_step), run.state
    for _ in range(steps):
        state, scalars = step(state, batch, keys)
    return state, scalars


def test_penalties_against_finite_differences():
    """R1 of D(x) = sum sin(w x): |w cos(w x)|^2 / 2, and of generated images R2."""
    w = jax.random.normal(jax.random.key(0), (3, 3, 1))
    critic = lambda x: jnp.sum(jnp.sin(w * x), (1, 2, 3))
    x = jax.random.normal(jax.random.key(1), (2, 3, 3, 1))
    step, slopes = 1e-2, []
    for place in np.ndindex(3, 3, 1):
        one = jnp.zeros((3, 3, 1)).at[place].set(step)
        slopes.append((critic(x + one) - critic(x - one)) / (2 * step))
    expected = sum(np.square(slopes)) / 2
    np.testing.assert_allclose(r1(critic, x), expected, rtol=1e-3)


@pytest.mark.parametrize("every, end", [(1, 1.0), (4, 1.0), (1, 0.1), (4, 0.1)])
def test_fines_are_due_at_their_turns_and_fade_down_a_cosine(every, end):
    fines = Fines({"r1": 2.0, "r2": 0.5}, every, end, 100)
    terms = {"r1": lambda: jnp.ones(()), "r2": lambda: jnp.full((), 3.0)}
    found = np.array([fines(jnp.array(i), None, terms) for i in range(0, 101)])
    due = np.arange(101) % every == 0
    assert (found[~due] == 0).all()
    np.testing.assert_allclose(found[0], 3.5 * every, rtol=1e-6)
    np.testing.assert_allclose(found[100], 3.5 * every * end, rtol=1e-5)
    said = [fines(jnp.array(4), turn, terms) for turn in (True, False)]
    np.testing.assert_allclose(said, [found[4], 0], rtol=1e-6)
    assert sum(share for share, _ in fines.turns) == 1


def test_a_lazy_penalty_trains_as_the_prompt_one_at_its_turn():
    prompt, lazy = (
        trained("loss.r1=0.1", "loss.r2=0.1", f"loss.penalty_every={n}") for n in (1, 2)
    )
    assert float(lazy[1]["d_loss"]) > float(prompt[1]["d_loss"])  # twice the penalty


def test_the_relativistic_loss_knows_only_differences():
    loss = gan_losses["relativistic"]
    real, fake = jnp.array([0.5, -2.0]), jnp.array([1.5, 3.0])
    expected = np.log1p(np.exp(np.asarray(fake - real)))
    np.testing.assert_allclose(loss.critic(real + 7, fake + 7), expected, rtol=1e-5)
    expected = np.log1p(np.exp(np.asarray(real - fake)))
    np.testing.assert_allclose(loss.generator(fake + 7, real + 7), expected, rtol=1e-5)


def test_the_generator_of_a_paired_loss_is_told_the_real_logits():
    _, scalars = trained("loss.name=relativistic", "loss.r1=0.1", "loss.r2=0.1")
    assert np.isfinite(scalars["g_loss"])
    apart = gan.drawn(
        gan_losses["relativistic"], jnp.zeros(2), lambda: jnp.full(2, 9.0)
    )
    assert float(apart.min()) > 8.9


def test_adaptive_augmentation_moves_by_the_sign_of_real_logits_and_stays_in_0_to_1():
    shown = Shown("translation", target=0.6, pace=0.4)
    stats = shown.begin({"norm": 1})
    for sign, expected in ((0.9, 0.4), (0.9, 0.8), (0.9, 1.0), (0.1, 0.6), (-1.0, 0.2)):
        stats = shown.adapted(stats, jnp.array(sign))
        np.testing.assert_allclose(stats["augment"]["p"], expected, rtol=1e-6)
    assert stats["norm"] == 1
    still = Shown().adapted({"norm": 1}, jnp.zeros(()))
    assert Shown().begin({"norm": 1}) == still == {"norm": 1}


def test_the_probability_is_kept_beside_the_critics_statistics():
    given = (
        "augment.policy=color,cutout",
        "augment.target=-2.0",
        "augment.ramp_images=32",
    )
    state, _ = trained(*given, "batch_size=8", steps=2)
    np.testing.assert_allclose(state.nets["critic"].stats["augment"]["p"], 0.5)


def test_half_life_of_the_average_in_images():
    run = untrained("gan", overrides=("ema_half_life=80", "batch_size=8"))
    decay = gan.decay_of(run.config)
    np.testing.assert_allclose(decay ** (80 / 8), 0.5, rtol=1e-6)
    run.config.ema_half_life = 0
    assert gan.decay_of(run.config) == run.config.ema


def test_group_deviation_is_that_of_each_group():
    x = jax.random.normal(jax.random.key(0), (8, 2, 2, 3))
    found = group_deviation(x)
    groups = np.asarray(x).reshape(4, 2, -1)
    expected = np.tile(groups.std(0).mean(-1), 4)
    np.testing.assert_allclose(found[:, 0, 0, 0], expected, rtol=1e-5)
    assert found.shape == (8, 2, 2, 1)
    assert group_deviation(x[:3]).shape == (3, 2, 2, 1)


def test_a_spectral_loss_is_of_the_batch_s_mean_spectrum():
    real, fake = jax.random.normal(jax.random.key(0), (2, 3, 8, 8, 1)) / 3
    mean = lambda values: values.mean(0)
    one, three = (spectral(weight, fake, real, mean) for weight in (1.0, 3.0))
    assert one.shape == (3,) and (one > 0).all()
    np.testing.assert_allclose(three, 3 * one, rtol=1e-6)
    same = jnp.tile(real[:1], (3, 1, 1, 1))
    np.testing.assert_allclose(spectral(1.0, same, same, mean), 0, atol=1e-6)
