"""The adversarial task: what is refused in training, advised and counted."""

import jax
import numpy as np
import pytest

from deconvgen import tasks
from deconvgen.core.errors import UserError
from deconvgen.losses.gan import gan_losses
from deconvgen.runs import setup as runs
from deconvgen.training import cost
from deconvgen.training import parallel as devices
from tests.tiny import described, untrained


def example(run, count=4):
    batch = run.blank(count)
    draw = np.random.default_rng(0)
    return batch | {"image": draw.uniform(-1, 1, batch["image"].shape).astype("f4")}


def tiny(*overrides):
    return untrained("gan", overrides=overrides)


def step_of(run):
    keys = devices.example_keys(jax.random.key(0), 0, 0, 4)
    return jax.eval_shape(run.task.train_step, run.state, example(run), keys)


@pytest.mark.parametrize("penalty", ["gradient_penalty", "r1"])
def test_a_penalty_refuses_a_critic_of_whole_batches_and_only_in_training(penalty):
    """Its gradient is no image's own (Gulrajani et al. 2017, section 4)."""
    run = tiny(f"loss.{penalty}=1.0")
    assert run.config.model.critic_norm == "batch"
    assert run.sample(2).shape == (2, 16, 16, 1)  # an old run's still can be drawn
    told = f"loss.{penalty} wants a critic that judges each image by itself"
    for refuse in (lambda: runs.check(run.config), lambda: step_of(run)):
        with pytest.raises(UserError, match=told):
            refuse()


def test_a_generator_that_would_never_have_its_turn_is_refused():
    run = tiny("critic_steps=5", "steps=4")
    assert run.sample(2).shape == (2, 16, 16, 1)  # what an old run has is drawn
    with pytest.raises(UserError, match="critic_steps=5 is more than steps=4"):
        runs.check(run.config)
    runs.check(tiny("critic_steps=5", "steps=5").config)


def test_a_target_of_no_augmentation_is_refused():
    with pytest.raises(UserError, match=r"say which in augment\.policy"):
        runs.check(tiny("augment.target=0.6").config)
    runs.check(tiny("augment.target=0.6", "augment.policy=color").config)


@pytest.mark.parametrize("norm", ["none", "group"])
def test_other_norms_leave_an_image_to_itself(norm):
    """The gradient of the sum of logits at an image is then that of its own logit."""
    run = tiny("loss.r1=1.0", f"model.critic_norm={norm}")
    runs.check(run.config)
    step_of(run)


@pytest.mark.parametrize("loss", list(gan_losses))
@pytest.mark.parametrize("norm", ["batch", "none"])
@pytest.mark.parametrize("given", ["r1=0.0", "r1=2.0", "smoothing=0.2"])
def test_the_advice_after_a_collapse_is_never_what_is_refused(loss, norm, given):
    if (norm, given) == ("batch", "r1=2.0") or (
        given.startswith("smoothing") and loss in ("hinge", "wasserstein")
    ):
        return  # refused already
    values = f"loss.name={loss}", f"loss.{given}", f"model.critic_norm={norm}"
    config = described("gan", overrides=values)
    told = tasks.entry("gan").knobs(config)
    assert ("smoothing" in told) == (
        loss in ("non_saturating", "least_squares") and "smoothing" not in given
    )
    assert ("loss.r1" in told) == (given != "r1=2.0")
    assert ("with model.critic_norm" in told) == (norm == "batch")


def test_labels_that_would_choose_nothing_are_refused():
    run = untrained("gan", classes=3)
    with pytest.raises(UserError, match="not conditional"):
        run.sample(2, labels=[0, 1])


def test_classes_of_pixels_are_no_condition():
    run = untrained("gan", classes=3, overrides=("model.conditional=true",))
    unlabelled = {k: v for k, v in run.blank(2).items() if k != "label"}
    with pytest.raises(UserError, match="a class for each image"):
        jax.eval_shape(run.task.init, jax.random.key(0), unlabelled)


def counted(run):
    batch = run.spread.put_batch(example(run))
    spread = devices.one()
    found = cost.training(run.task, spread, jax.random.key(0), run.state, batch)
    assert found["bytes_moved_train"] > 0
    return found["multiply_adds_train"]


def test_the_cost_of_a_step_is_the_mean_over_the_critics_steps():
    """(n - 1) steps of n leave the generator alone; XLA counts a `cond` in full."""
    each = (1, 2, 5, 1000)
    found = {n: counted(tiny(f"critic_steps={n}", "steps=1000")) for n in each}
    least = 2 * found[2] - found[1]  # of a step without the generator's turn
    for n, value in found.items():
        mean = least + (found[1] - least) / n
        assert value == pytest.approx(mean, rel=1e-5)  # keys and indices count too
    assert 0.5 * found[1] < least < 0.9 * found[1]


def test_of_the_two_kinds_of_step_one_moves_the_generator():
    run = tiny("critic_steps=3", "optimizer.name=sgd", "critic_optimizer.name=sgd")
    keys = devices.example_keys(jax.random.key(0), 0, 0, 4)
    (_, update), (_, skip) = run.task.kinds
    moved = {}
    for name, kind in (("update", update), ("skip", skip)):
        after, _ = jax.jit(kind)(run.state, example(run), keys)
        old, new = (s.nets["generator"].params for s in (run.state, after))
        moved[name] = any(
            jax.tree.leaves(jax.tree.map(lambda a, b: bool((a != b).any()), old, new))
        )
    assert moved == {"update": True, "skip": False}
